/* The part of Wasmtime's C interface (release 44) that this package uses.
 *
 * The static library comes with the Go module github.com/bytecodealliance/wasmtime-go/v44, whose link flags the Go side
 * imports; its headers cannot be named from here without a path of the machine, so what is used is declared again. A test
 * compiles this file after the library's own headers and fails when a prototype or a layout differs.
 *
 * Every function is declared weak: cgo links each package once on its own, without the library, to learn its dynamic
 * symbols, and a weak symbol may stay undefined there. In the final link the library is present. A symbol that is missing
 * all the same would be address 0, which sepia_missing_symbol finds before anything is called. */
#ifndef SEPIA_WASMTIME_API_H
#define SEPIA_WASMTIME_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef SEPIA_LIBRARY_HEADERS

typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasmtime_error wasmtime_error_t;
typedef struct wasmtime_module wasmtime_module_t;
typedef struct wasmtime_linker wasmtime_linker_t;
typedef struct wasmtime_instance_pre wasmtime_instance_pre_t;
typedef struct wasmtime_store wasmtime_store_t;
typedef struct wasmtime_context wasmtime_context_t;
typedef struct wasmtime_caller wasmtime_caller_t;
typedef struct wasmtime_call_future wasmtime_call_future_t;
typedef struct wasmtime_pooling_allocation_config_t wasmtime_pooling_allocation_config_t;

typedef struct wasm_byte_vec_t {
  size_t size;
  char *data;
} wasm_byte_vec_t;
typedef wasm_byte_vec_t wasm_name_t;

typedef struct wasm_valtype_vec_t {
  size_t size;
  wasm_valtype_t **data;
} wasm_valtype_vec_t;

typedef uint8_t wasm_valkind_t;
typedef uint8_t wasmtime_valkind_t;
typedef uint8_t wasmtime_extern_kind_t;
typedef uint8_t wasmtime_trap_code_t;
typedef uint8_t wasmtime_opt_level_t;

enum { WASMTIME_OPT_LEVEL_NONE = 0, WASMTIME_OPT_LEVEL_SPEED = 1 };
enum { WASMTIME_I32 = 0, WASMTIME_I64 = 1 };
enum { WASMTIME_EXTERN_FUNC = 0, WASMTIME_EXTERN_GLOBAL = 1, WASMTIME_EXTERN_MEMORY = 3 };
enum {
  WASMTIME_TRAP_CODE_STACK_OVERFLOW = 0,
  WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS = 1,
  WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS = 3,
  WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL = 4,
  WASMTIME_TRAP_CODE_BAD_SIGNATURE = 5,
  WASMTIME_TRAP_CODE_INTEGER_OVERFLOW = 6,
  WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO = 7,
  WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED = 9,
};

/* Handles into a store. Their fields are the library's business; only sizes and alignment matter here. */
typedef struct wasmtime_func {
  uint64_t store;
  void *opaque;
} wasmtime_func_t;

typedef struct wasmtime_memory {
  struct {
    uint64_t store;
    uint32_t opaque1;
  };
  uint32_t opaque2;
} wasmtime_memory_t;

typedef struct wasmtime_global {
  uint64_t store;
  uint32_t opaque1, opaque2, opaque3;
} wasmtime_global_t;

typedef struct wasmtime_instance {
  uint64_t store;
  size_t opaque;
} wasmtime_instance_t;

typedef struct wasmtime_extern {
  wasmtime_extern_kind_t kind;
  union {
    wasmtime_func_t func;
    wasmtime_global_t global;
    wasmtime_memory_t memory;
    void *other;
  } of;
} wasmtime_extern_t;

typedef union wasmtime_valunion {
  int32_t i32;
  int64_t i64;
  uint64_t widest[3]; /* a rooted reference, which this package never uses */
} wasmtime_valunion_t;

typedef struct wasmtime_val {
  wasmtime_valkind_t kind;
  wasmtime_valunion_t of;
} wasmtime_val_t;

typedef union wasmtime_val_raw {
  int32_t i32;
  int64_t i64;
  uint64_t vector[2];
} wasmtime_val_raw_t;

typedef wasm_trap_t *(*wasmtime_func_unchecked_callback_t)(void *, wasmtime_caller_t *, wasmtime_val_raw_t *, size_t);

typedef struct wasmtime_async_continuation_t {
  bool (*callback)(void *);
  void *env;
  void (*finalizer)(void *);
} wasmtime_async_continuation_t;

typedef void (*wasmtime_func_async_callback_t)(void *, wasmtime_caller_t *, const wasmtime_val_t *, size_t,
                                               wasmtime_val_t *, size_t, wasm_trap_t **,
                                               wasmtime_async_continuation_t *);

#endif /* SEPIA_LIBRARY_HEADERS */

/* One line a function: result, name, parameters. */
#define SEPIA_WASMTIME_FUNCTIONS(F)                                                                                    \
  F(wasm_config_t *, wasm_config_new, (void))                                                                          \
  F(wasm_engine_t *, wasm_engine_new_with_config, (wasm_config_t *))                                                   \
  F(void, wasm_engine_delete, (wasm_engine_t *))                                                                       \
  F(void, wasm_byte_vec_delete, (wasm_byte_vec_t *))                                                                   \
  F(wasm_valtype_t *, wasm_valtype_new, (wasm_valkind_t))                                                              \
  F(void, wasm_valtype_vec_new, (wasm_valtype_vec_t *, size_t, wasm_valtype_t *const[]))                               \
  F(wasm_functype_t *, wasm_functype_new, (wasm_valtype_vec_t *, wasm_valtype_vec_t *))                                \
  F(void, wasm_functype_delete, (wasm_functype_t *))                                                                   \
  F(void, wasm_trap_delete, (wasm_trap_t *))                                                                           \
  F(wasm_trap_t *, wasmtime_trap_new, (const char *, size_t))                                                          \
  F(bool, wasmtime_trap_code, (const wasm_trap_t *, wasmtime_trap_code_t *))                                           \
  F(void, wasmtime_error_message, (const wasmtime_error_t *, wasm_name_t *))                                           \
  F(void, wasmtime_error_delete, (wasmtime_error_t *))                                                                 \
  F(void, wasmtime_config_debug_info_set, (wasm_config_t *, bool))                                                     \
  F(void, wasmtime_config_consume_fuel_set, (wasm_config_t *, bool))                                                   \
  F(void, wasmtime_config_epoch_interruption_set, (wasm_config_t *, bool))                                             \
  F(void, wasmtime_config_max_wasm_stack_set, (wasm_config_t *, size_t))                                               \
  F(void, wasmtime_config_async_stack_size_set, (wasm_config_t *, uint64_t))                                           \
  F(void, wasmtime_config_wasm_threads_set, (wasm_config_t *, bool))                                                   \
  F(void, wasmtime_config_shared_memory_set, (wasm_config_t *, bool))                                                  \
  F(void, wasmtime_config_wasm_tail_call_set, (wasm_config_t *, bool))                                                 \
  F(void, wasmtime_config_wasm_reference_types_set, (wasm_config_t *, bool))                                           \
  F(void, wasmtime_config_wasm_function_references_set, (wasm_config_t *, bool))                                       \
  F(void, wasmtime_config_wasm_gc_set, (wasm_config_t *, bool))                                                        \
  F(void, wasmtime_config_gc_support_set, (wasm_config_t *, bool))                                                     \
  F(void, wasmtime_config_wasm_simd_set, (wasm_config_t *, bool))                                                      \
  F(void, wasmtime_config_wasm_relaxed_simd_set, (wasm_config_t *, bool))                                              \
  F(void, wasmtime_config_wasm_bulk_memory_set, (wasm_config_t *, bool))                                               \
  F(void, wasmtime_config_wasm_multi_value_set, (wasm_config_t *, bool))                                               \
  F(void, wasmtime_config_wasm_multi_memory_set, (wasm_config_t *, bool))                                              \
  F(void, wasmtime_config_wasm_memory64_set, (wasm_config_t *, bool))                                                  \
  F(void, wasmtime_config_wasm_wide_arithmetic_set, (wasm_config_t *, bool))                                           \
  F(void, wasmtime_config_wasm_exceptions_set, (wasm_config_t *, bool))                                                \
  F(void, wasmtime_config_wasm_custom_page_sizes_set, (wasm_config_t *, bool))                                         \
  F(void, wasmtime_config_wasm_stack_switching_set, (wasm_config_t *, bool))                                           \
  F(void, wasmtime_config_wasm_component_model_set, (wasm_config_t *, bool))                                           \
  F(void, wasmtime_config_parallel_compilation_set, (wasm_config_t *, bool))                                           \
  F(void, wasmtime_config_cranelift_nan_canonicalization_set, (wasm_config_t *, bool))                                 \
  F(void, wasmtime_config_cranelift_opt_level_set, (wasm_config_t *, wasmtime_opt_level_t))                            \
  F(void, wasmtime_config_cranelift_flag_set, (wasm_config_t *, const char *, const char *))                           \
  F(void, wasmtime_config_memory_may_move_set, (wasm_config_t *, bool))                                                \
  F(void, wasmtime_config_memory_reservation_set, (wasm_config_t *, uint64_t))                                         \
  F(void, wasmtime_config_memory_guard_size_set, (wasm_config_t *, uint64_t))                                          \
  F(void, wasmtime_config_native_unwind_info_set, (wasm_config_t *, bool))                                             \
  F(void, wasmtime_config_signals_based_traps_set, (wasm_config_t *, bool))                                            \
  F(void, wasmtime_config_memory_init_cow_set, (wasm_config_t *, bool))                                                \
  F(wasmtime_pooling_allocation_config_t *, wasmtime_pooling_allocation_config_new, (void))                            \
  F(void, wasmtime_pooling_allocation_config_delete, (wasmtime_pooling_allocation_config_t *))                         \
  F(void, wasmtime_pooling_allocation_strategy_set, (wasm_config_t *, const wasmtime_pooling_allocation_config_t *))   \
  F(void, wasmtime_pooling_allocation_config_total_core_instances_set,                                                 \
    (wasmtime_pooling_allocation_config_t *, uint32_t))                                                                \
  F(void, wasmtime_pooling_allocation_config_total_memories_set, (wasmtime_pooling_allocation_config_t *, uint32_t))   \
  F(void, wasmtime_pooling_allocation_config_total_tables_set, (wasmtime_pooling_allocation_config_t *, uint32_t))     \
  F(void, wasmtime_pooling_allocation_config_total_stacks_set, (wasmtime_pooling_allocation_config_t *, uint32_t))     \
  F(void, wasmtime_pooling_allocation_config_max_core_instance_size_set,                                               \
    (wasmtime_pooling_allocation_config_t *, size_t))                                                                  \
  F(void, wasmtime_pooling_allocation_config_max_memory_size_set, (wasmtime_pooling_allocation_config_t *, size_t))    \
  F(void, wasmtime_pooling_allocation_config_table_elements_set, (wasmtime_pooling_allocation_config_t *, size_t))     \
  F(void, wasmtime_pooling_allocation_config_linear_memory_keep_resident_set,                                          \
    (wasmtime_pooling_allocation_config_t *, size_t))                                                                  \
  F(void, wasmtime_pooling_allocation_config_table_keep_resident_set,                                                  \
    (wasmtime_pooling_allocation_config_t *, size_t))                                                                  \
  F(wasmtime_error_t *, wasmtime_module_new, (wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **))         \
  F(void, wasmtime_module_delete, (wasmtime_module_t *))                                                               \
  F(wasmtime_error_t *, wasmtime_module_serialize, (wasmtime_module_t *, wasm_byte_vec_t *))                           \
  F(wasmtime_error_t *, wasmtime_module_deserialize, (wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **)) \
  F(wasmtime_linker_t *, wasmtime_linker_new, (wasm_engine_t *))                                                       \
  F(void, wasmtime_linker_delete, (wasmtime_linker_t *))                                                               \
  F(wasmtime_error_t *, wasmtime_linker_define_func_unchecked,                                                         \
    (wasmtime_linker_t *, const char *, size_t, const char *, size_t, const wasm_functype_t *,                         \
     wasmtime_func_unchecked_callback_t, void *, void (*)(void *)))                                                    \
  F(wasmtime_error_t *, wasmtime_linker_define_async_func,                                                             \
    (wasmtime_linker_t *, const char *, size_t, const char *, size_t, const wasm_functype_t *,                         \
     wasmtime_func_async_callback_t, void *, void (*)(void *)))                                                        \
  F(wasmtime_error_t *, wasmtime_linker_instantiate_pre,                                                               \
    (const wasmtime_linker_t *, const wasmtime_module_t *, wasmtime_instance_pre_t **))                                \
  F(void, wasmtime_instance_pre_delete, (wasmtime_instance_pre_t *))                                                   \
  F(wasmtime_error_t *, wasmtime_instance_pre_instantiate,                                                             \
    (const wasmtime_instance_pre_t *, wasmtime_context_t *, wasmtime_instance_t *, wasm_trap_t **))                    \
  F(wasmtime_call_future_t *, wasmtime_instance_pre_instantiate_async,                                                 \
    (const wasmtime_instance_pre_t *, wasmtime_context_t *, wasmtime_instance_t *, wasm_trap_t **,                     \
     wasmtime_error_t **))                                                                                             \
  F(bool, wasmtime_instance_export_get,                                                                                \
    (wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t, wasmtime_extern_t *))                    \
  F(wasmtime_store_t *, wasmtime_store_new, (wasm_engine_t *, void *, void (*)(void *)))                               \
  F(void, wasmtime_store_delete, (wasmtime_store_t *))                                                                 \
  F(wasmtime_context_t *, wasmtime_store_context, (wasmtime_store_t *))                                                \
  F(void *, wasmtime_context_get_data, (const wasmtime_context_t *))                                                   \
  F(wasmtime_context_t *, wasmtime_caller_context, (wasmtime_caller_t *))                                              \
  F(uint8_t *, wasmtime_memory_data, (const wasmtime_context_t *, const wasmtime_memory_t *))                          \
  F(size_t, wasmtime_memory_data_size, (const wasmtime_context_t *, const wasmtime_memory_t *))                        \
  F(wasmtime_error_t *, wasmtime_memory_grow, (wasmtime_context_t *, const wasmtime_memory_t *, uint64_t, uint64_t *)) \
  F(void, wasmtime_global_get, (wasmtime_context_t *, const wasmtime_global_t *, wasmtime_val_t *))                    \
  F(wasmtime_error_t *, wasmtime_global_set, (wasmtime_context_t *, const wasmtime_global_t *, const wasmtime_val_t *)) \
  F(wasmtime_error_t *, wasmtime_func_call_unchecked,                                                                  \
    (wasmtime_context_t *, const wasmtime_func_t *, wasmtime_val_raw_t *, size_t, wasm_trap_t **))                     \
  F(wasmtime_call_future_t *, wasmtime_func_call_async,                                                                \
    (wasmtime_context_t *, const wasmtime_func_t *, const wasmtime_val_t *, size_t, wasmtime_val_t *, size_t,          \
     wasm_trap_t **, wasmtime_error_t **))                                                                             \
  F(bool, wasmtime_call_future_poll, (wasmtime_call_future_t *))                                                       \
  F(void, wasmtime_call_future_delete, (wasmtime_call_future_t *))

#define SEPIA_DECLARE(result, name, parameters) extern __attribute__((weak)) result name parameters;
SEPIA_WASMTIME_FUNCTIONS(SEPIA_DECLARE)
#undef SEPIA_DECLARE

/* What the layouts are taken to be; checked against the library's headers by the same test. */
_Static_assert(sizeof(wasm_byte_vec_t) == 16, "byte vector");
_Static_assert(sizeof(wasmtime_func_t) == 16, "function handle");
_Static_assert(sizeof(wasmtime_memory_t) == 24, "memory handle");
_Static_assert(sizeof(wasmtime_global_t) == 24, "global handle");
_Static_assert(sizeof(wasmtime_instance_t) == 16, "instance handle");
_Static_assert(sizeof(wasmtime_extern_t) == 32, "extern");
_Static_assert(offsetof(wasmtime_extern_t, of) == 8, "extern payload");
_Static_assert(sizeof(wasmtime_val_t) == 32, "value");
_Static_assert(offsetof(wasmtime_val_t, of) == 8, "value payload");
_Static_assert(sizeof(wasmtime_val_raw_t) == 16, "raw value");
_Static_assert(sizeof(wasmtime_async_continuation_t) == 24, "continuation");

#endif
