/* The guest tier: resumable executions on the library's fibers. No Go code is ever below a guest. */
#ifndef SEPIA_SHIM_GUEST_H
#define SEPIA_SHIM_GUEST_H

#include "engine.h"

enum { SEPIA_GUEST_ARGS = 14 }; /* of the widest import */

typedef struct sepia_guest_import {
  uint32_t id;
  uint32_t params; /* without the gas that the meter appended */
  bool wide;       /* the result, if there is one, is an i64 */
} sepia_guest_import;

typedef struct sepia_guest {
  wasm_engine_t *engine;
  wasmtime_module_t *module;
  wasmtime_linker_t *linker;
  wasmtime_instance_pre_t *pre;
  sepia_guest_import *imports;
} sepia_guest;

typedef struct sepia_exec {
  const sepia_guest *guest;
  wasmtime_store_t *store;
  wasmtime_context_t *context;
  wasmtime_instance_t instance;
  wasmtime_memory_t memory;
  wasmtime_global_t gas_global, stack_global;
  wasmtime_func_t function;
  uint32_t function_results;
  wasmtime_call_future_t *future; /* NULL before the first run and after the end */
  wasmtime_val_t results[1];
  wasm_trap_t *trap;
  wasmtime_error_t *error;
  bool over;
  /* The import call that the execution is suspended in. */
  bool waiting;
  wasmtime_val_t *answer; /* NULL if the import has no result */
  int64_t gas; /* what the metered code gets when it asks */
  /* What the last run left. */
  uint8_t *bytes;
  uint64_t len;
  uint8_t trap_code;
  int64_t gas_left;
  int32_t stack_left;
  uint32_t id, arg_count;
  uint64_t args[SEPIA_GUEST_ARGS];
  sepia_failure failure;
} sepia_exec;

sepia_guest *sepia_guest_new(wasm_engine_t *engine, wasmtime_module_t *module, uint32_t imports);
bool sepia_guest_define(sepia_guest *guest, uint32_t index, const char *module, size_t module_len, const char *name,
                        size_t name_len, const char *params, const char *results, sepia_guest_import import,
                        sepia_failure *failure);
bool sepia_guest_link(sepia_guest *guest, sepia_failure *failure);
void sepia_guest_delete(sepia_guest *guest);

/* NULL, with the reason in failure, if the engine fails. */
sepia_exec *sepia_exec_new(const sepia_guest *guest, const char *entry, size_t entry_len, uint32_t results,
                           sepia_failure *failure);
/* Starts the execution, or answers the import call that it is suspended in. */
int sepia_exec_run(sepia_exec *x, int64_t gas, int64_t answer);
/* In any state. */
void sepia_exec_delete(sepia_exec *x);

#endif
