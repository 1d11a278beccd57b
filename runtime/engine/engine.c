#include "engine.h"

#include <string.h>

#define SEPIA_ENTRY(result, name, parameters) {#name, (const void *)(uintptr_t)name},
const char *sepia_missing_symbol(void) {
  static const struct {
    const char *name;
    const void *address;
  } used[] = {SEPIA_WASMTIME_FUNCTIONS(SEPIA_ENTRY)};
  for (size_t i = 0; i < sizeof used / sizeof *used; i++)
    if (used[i].address == NULL) return used[i].name;
  return NULL;
}

void sepia_keep_text(sepia_failure *failure, const char *text) {
  strncpy(failure->text, text, sizeof failure->text - 1);
  failure->text[sizeof failure->text - 1] = 0;
}

void sepia_keep_error(sepia_failure *failure, wasmtime_error_t *error) {
  wasm_name_t message;
  wasmtime_error_message(error, &message);
  size_t n = message.size < sizeof failure->text ? message.size : sizeof failure->text - 1;
  memcpy(failure->text, message.data, n);
  failure->text[n] = 0;
  wasm_byte_vec_delete(&message);
  wasmtime_error_delete(error);
}

/* The accepted language is decided by our own validator; everything that it refuses is off here as a second belt. */
static void narrow_language(wasm_config_t *c) {
  wasmtime_config_wasm_threads_set(c, false);
  wasmtime_config_shared_memory_set(c, false);
  wasmtime_config_wasm_tail_call_set(c, false);
  wasmtime_config_wasm_reference_types_set(c, false);
  wasmtime_config_wasm_function_references_set(c, false);
  wasmtime_config_wasm_gc_set(c, false);
  wasmtime_config_gc_support_set(c, false);
  wasmtime_config_wasm_relaxed_simd_set(c, false);
  wasmtime_config_wasm_simd_set(c, false);
  wasmtime_config_wasm_bulk_memory_set(c, true);
  wasmtime_config_wasm_multi_value_set(c, false);
  wasmtime_config_wasm_multi_memory_set(c, false);
  wasmtime_config_wasm_memory64_set(c, false);
  wasmtime_config_wasm_wide_arithmetic_set(c, false);
  wasmtime_config_wasm_exceptions_set(c, false);
  wasmtime_config_wasm_custom_page_sizes_set(c, false);
  wasmtime_config_wasm_stack_switching_set(c, false);
  wasmtime_config_wasm_component_model_set(c, false);
}

/* Settings that shape the machine code. An engine that compiles and one that runs must agree on them. */
static void shape_code(wasm_config_t *c, const sepia_engine_config *config) {
  wasmtime_config_cranelift_opt_level_set(c, config->optimize ? WASMTIME_OPT_LEVEL_SPEED : WASMTIME_OPT_LEVEL_NONE);
  /* The single-pass allocator makes frames beyond what our stack units account for. */
  wasmtime_config_cranelift_flag_set(c, "regalloc_algorithm", "backtracking");
  wasmtime_config_cranelift_nan_canonicalization_set(c, true);
  wasmtime_config_parallel_compilation_set(c, false);
  wasmtime_config_native_unwind_info_set(c, false);
  wasmtime_config_debug_info_set(c, false);
  wasmtime_config_consume_fuel_set(c, false);
  wasmtime_config_epoch_interruption_set(c, false);
  wasmtime_config_signals_based_traps_set(c, true);
  /* A whole 32-bit address space a memory: no bounds check in the code, and a base that never moves. */
  wasmtime_config_memory_reservation_set(c, UINT64_C(4) << 30);
  wasmtime_config_memory_guard_size_set(c, UINT64_C(32) << 20);
  wasmtime_config_memory_may_move_set(c, false);
  wasmtime_config_memory_init_cow_set(c, true);
}

static void set_pool(wasm_config_t *c, const sepia_engine_config *config) {
  wasmtime_pooling_allocation_config_t *p = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_core_instances_set(p, config->slots);
  wasmtime_pooling_allocation_config_total_memories_set(p, config->slots);
  wasmtime_pooling_allocation_config_total_tables_set(p, config->slots);
  wasmtime_pooling_allocation_config_total_stacks_set(p, config->slots);
  wasmtime_pooling_allocation_config_max_core_instance_size_set(p, config->instance_max);
  wasmtime_pooling_allocation_config_max_memory_size_set(p, config->memory_max);
  wasmtime_pooling_allocation_config_table_elements_set(p, config->table_max);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(p, config->keep_resident);
  wasmtime_pooling_allocation_config_table_keep_resident_set(p, config->table_max * 8);
  wasmtime_pooling_allocation_strategy_set(c, p);
  wasmtime_pooling_allocation_config_delete(p);
}

wasm_engine_t *sepia_engine_new(const sepia_engine_config *config) {
  wasm_config_t *c = wasm_config_new();
  narrow_language(c);
  shape_code(c, config);
  /* The library aborts when the first is larger than the second, whatever the order of use. */
  wasmtime_config_async_stack_size_set(c, config->fiber_stack);
  wasmtime_config_max_wasm_stack_set(c, config->stack_max);
  if (config->pool) set_pool(c, config);
  return wasm_engine_new_with_config(c);
}

void sepia_engine_delete(wasm_engine_t *engine) { wasm_engine_delete(engine); }

bool sepia_compile(wasm_engine_t *engine, const uint8_t *wasm, size_t len, wasm_byte_vec_t *artefact,
                   sepia_failure *failure) {
  wasmtime_module_t *module = NULL;
  wasmtime_error_t *error = wasmtime_module_new(engine, wasm, len, &module);
  if (error == NULL) {
    error = wasmtime_module_serialize(module, artefact);
    wasmtime_module_delete(module);
  }
  if (error != NULL) sepia_keep_error(failure, error);
  return error == NULL;
}

bool sepia_serialize(wasmtime_module_t *module, wasm_byte_vec_t *artefact, sepia_failure *failure) {
  wasmtime_error_t *error = wasmtime_module_serialize(module, artefact);
  if (error != NULL) sepia_keep_error(failure, error);
  return error == NULL;
}

wasmtime_module_t *sepia_load(wasm_engine_t *engine, const uint8_t *artefact, size_t len, sepia_failure *failure) {
  wasmtime_module_t *module = NULL;
  wasmtime_error_t *error = wasmtime_module_deserialize(engine, artefact, len, &module);
  if (error == NULL) return module;
  sepia_keep_error(failure, error);
  return NULL;
}

void sepia_module_delete(wasmtime_module_t *module) { wasmtime_module_delete(module); }

void sepia_bytes_delete(wasm_byte_vec_t *bytes) { wasm_byte_vec_delete(bytes); }

enum { MOST_VALUES = 128 };

static void valtypes(wasm_valtype_vec_t *out, const char *letters) {
  wasm_valtype_t *types[MOST_VALUES];
  size_t n = 0;
  for (; letters[n] != 0 && n < MOST_VALUES; n++)
    types[n] = wasm_valtype_new(letters[n] == 'i' ? WASMTIME_I32 : WASMTIME_I64);
  wasm_valtype_vec_new(out, n, types);
}

wasm_functype_t *sepia_functype(const char *params, const char *results) {
  wasm_valtype_vec_t p, r;
  valtypes(&p, params);
  valtypes(&r, results);
  return wasm_functype_new(&p, &r);
}
