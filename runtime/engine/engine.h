/* Engines, modules and what both tiers share. See doc.go for the whole picture. */
#ifndef SEPIA_ENGINE_H
#define SEPIA_ENGINE_H

#include "wasmtime_api.h"

/* Text of an engine failure: for logs, never for a result. */
typedef struct sepia_failure {
  char text[512];
} sepia_failure;

typedef struct sepia_engine_config {
  bool optimize;          /* Speed, else the quick tier */
  bool pool;              /* false: an engine that only compiles */
  uint32_t slots;         /* instances alive at once */
  uint64_t memory_max;    /* bytes a memory may have */
  uint64_t table_max;     /* elements a table may have */
  uint64_t instance_max;  /* bytes of an instance's own record */
  uint64_t keep_resident; /* bytes of a memory zeroed by hand instead of given back when it is dropped */
  uint64_t stack_max;     /* bytes of native stack for Wasm */
  uint64_t fiber_stack;   /* bytes of an asynchronous execution's stack, Wasm and host together */
} sepia_engine_config;

/* Ends of a run of guest code. */
enum { SEPIA_FINISHED = 0, SEPIA_TRAPPED = 1, SEPIA_ENDED_BY_HOST = 2, SEPIA_FAULT = 3, SEPIA_SUSPENDED = 4 };

const char *sepia_missing_symbol(void);
wasm_engine_t *sepia_engine_new(const sepia_engine_config *config);
bool sepia_compile(wasm_engine_t *engine, const uint8_t *wasm, size_t len, wasm_byte_vec_t *artefact,
                   sepia_failure *failure);
bool sepia_serialize(wasmtime_module_t *module, wasm_byte_vec_t *artefact, sepia_failure *failure);
wasmtime_module_t *sepia_load(wasm_engine_t *engine, const uint8_t *artefact, size_t len, sepia_failure *failure);
void sepia_engine_delete(wasm_engine_t *engine);
void sepia_module_delete(wasmtime_module_t *module);
void sepia_bytes_delete(wasm_byte_vec_t *bytes);

/* Takes the error or the trap and keeps its text. */
void sepia_keep_error(sepia_failure *failure, wasmtime_error_t *error);
void sepia_keep_text(sepia_failure *failure, const char *text);

/* A function type from one letter a value: 'i' is i32, 'l' is i64. */
wasm_functype_t *sepia_functype(const char *params, const char *results);

/* sepia_on_stack runs run(argument) with the stack pointer at top, and comes back. The old stack pointer is stored in
 * *left_at, if given, so that code running on the new stack can in turn run something on the old one. */
void sepia_on_stack(void (*run)(void *), void *argument, void *top, void **left_at);

#endif
