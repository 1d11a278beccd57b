/* While a future is alive nothing else may touch its store. So what is needed of it is taken where that is allowed: the
 * memory's base and size in the callback of each import (the base never moves), the gas as the import's last argument.
 * The answer goes into the results that the library keeps valid until the continuation says true, and the new gas leaves by
 * the synchronous import that metered code calls right after. */
#include "shim_guest.h"

#include <stdlib.h>
#include <string.h>

static void refresh(sepia_exec *x) {
  x->bytes = wasmtime_memory_data(x->context, &x->memory);
  x->len = wasmtime_memory_data_size(x->context, &x->memory);
}

static bool answered(void *env) {
  sepia_exec *x = env;
  return !x->waiting;
}

static void suspend(void *env, wasmtime_caller_t *caller, const wasmtime_val_t *args, size_t arg_count,
                    wasmtime_val_t *results, size_t result_count, wasm_trap_t **trap,
                    wasmtime_async_continuation_t *continuation) {
  (void)arg_count;
  (void)trap;
  const sepia_guest_import *import = env;
  sepia_exec *x = wasmtime_context_get_data(wasmtime_caller_context(caller));
  refresh(x);
  x->id = import->id;
  x->arg_count = import->params;
  for (uint32_t i = 0; i < import->params; i++)
    x->args[i] = args[i].kind == WASMTIME_I32 ? (uint32_t)args[i].of.i32 : (uint64_t)args[i].of.i64;
  x->gas_left = args[import->params].of.i64;
  x->answer = result_count == 0 ? NULL : results;
  if (x->answer != NULL) x->answer->kind = import->wide ? WASMTIME_I64 : WASMTIME_I32;
  x->waiting = true;
  continuation->callback = answered;
  continuation->env = x;
  continuation->finalizer = NULL;
}

static wasm_trap_t *tell_gas(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)env;
  (void)count;
  sepia_exec *x = wasmtime_context_get_data(wasmtime_caller_context(caller));
  args[0].i64 = x->gas;
  return NULL;
}

/* ---- guests ---- */

sepia_guest *sepia_guest_new(wasm_engine_t *engine, wasmtime_module_t *module, uint32_t imports) {
  sepia_guest *guest = calloc(1, sizeof *guest);
  guest->engine = engine;
  guest->module = module;
  guest->linker = wasmtime_linker_new(engine);
  guest->imports = calloc(imports + 1, sizeof *guest->imports);
  return guest;
}

bool sepia_guest_define(sepia_guest *guest, uint32_t index, const char *module, size_t module_len, const char *name,
                        size_t name_len, const char *params, const char *results, sepia_guest_import import,
                        sepia_failure *failure) {
  guest->imports[index] = import;
  wasm_functype_t *type = sepia_functype(params, results);
  wasmtime_error_t *error = wasmtime_linker_define_async_func(guest->linker, module, module_len, name, name_len, type,
                                                              suspend, &guest->imports[index], NULL);
  wasm_functype_delete(type);
  if (error != NULL) sepia_keep_error(failure, error);
  return error == NULL;
}

bool sepia_guest_link(sepia_guest *guest, sepia_failure *failure) {
  wasm_functype_t *type = sepia_functype("", "l");
  wasmtime_error_t *error =
      wasmtime_linker_define_func_unchecked(guest->linker, "sepia", 5, "gas", 3, type, tell_gas, NULL, NULL);
  wasm_functype_delete(type);
  if (error == NULL) error = wasmtime_linker_instantiate_pre(guest->linker, guest->module, &guest->pre);
  if (error != NULL) sepia_keep_error(failure, error);
  return error == NULL;
}

void sepia_guest_delete(sepia_guest *guest) {
  if (guest->pre != NULL) wasmtime_instance_pre_delete(guest->pre);
  wasmtime_linker_delete(guest->linker);
  wasmtime_module_delete(guest->module);
  free(guest->imports);
  free(guest);
}

/* ---- executions ---- */

static bool find(sepia_exec *x, const char *name, size_t len, wasmtime_extern_kind_t kind, wasmtime_extern_t *item) {
  return wasmtime_instance_export_get(x->context, &x->instance, name, len, item) && item->kind == kind;
}

static bool find_state(sepia_exec *x, const char *entry, size_t entry_len) {
  wasmtime_extern_t memory, gas, stack, function;
  if (!find(x, "sepia:memory", 12, WASMTIME_EXTERN_MEMORY, &memory) ||
      !find(x, "sepia:gas", 9, WASMTIME_EXTERN_GLOBAL, &gas) ||
      !find(x, "sepia:stack", 11, WASMTIME_EXTERN_GLOBAL, &stack) ||
      !find(x, entry, entry_len, WASMTIME_EXTERN_FUNC, &function))
    return false;
  x->memory = memory.of.memory;
  x->gas_global = gas.of.global;
  x->stack_global = stack.of.global;
  x->function = function.of.func;
  refresh(x);
  return true;
}

static bool instantiate(sepia_exec *x, sepia_failure *failure) {
  wasmtime_call_future_t *future =
      wasmtime_instance_pre_instantiate_async(x->guest->pre, x->context, &x->instance, &x->trap, &x->error);
  while (!wasmtime_call_future_poll(future)) continue; /* there is no start function: it never waits */
  wasmtime_call_future_delete(future);
  if (x->error != NULL) {
    sepia_keep_error(failure, x->error);
    return false;
  }
  if (x->trap != NULL) {
    wasm_trap_delete(x->trap);
    sepia_keep_text(failure, "a data or element segment lies outside the memory or table");
    return false;
  }
  return true;
}

sepia_exec *sepia_exec_new(const sepia_guest *guest, const char *entry, size_t entry_len, uint32_t results,
                           sepia_failure *failure) {
  sepia_exec *x = calloc(1, sizeof *x);
  x->guest = guest;
  x->function_results = results;
  x->store = wasmtime_store_new(guest->engine, x, NULL);
  x->context = wasmtime_store_context(x->store);
  if (!instantiate(x, failure)) {
    sepia_exec_delete(x);
    return NULL;
  }
  if (!find_state(x, entry, entry_len)) {
    sepia_keep_text(failure, "the module does not export what metering adds");
    sepia_exec_delete(x);
    return NULL;
  }
  return x;
}

static bool start(sepia_exec *x, int64_t gas) {
  wasmtime_val_t g = {.kind = WASMTIME_I64, .of.i64 = gas};
  wasmtime_error_t *error = wasmtime_global_set(x->context, &x->gas_global, &g);
  if (error != NULL) {
    sepia_keep_error(&x->failure, error);
    return false;
  }
  x->future = wasmtime_func_call_async(x->context, &x->function, NULL, 0, x->results, x->function_results, &x->trap,
                                       &x->error);
  return true;
}

static void answer(sepia_exec *x, int64_t value) {
  if (x->answer == NULL) return;
  if (x->answer->kind == WASMTIME_I32)
    x->answer->of.i32 = (int32_t)value;
  else
    x->answer->of.i64 = value;
}

/* The future is complete: its store may be asked again. */
static int settle(sepia_exec *x) {
  wasmtime_call_future_delete(x->future);
  x->future = NULL;
  x->over = true;
  if (x->error != NULL) {
    sepia_keep_error(&x->failure, x->error);
    return SEPIA_FAULT;
  }
  wasmtime_val_t v;
  wasmtime_global_get(x->context, &x->gas_global, &v);
  x->gas_left = v.of.i64;
  wasmtime_global_get(x->context, &x->stack_global, &v);
  x->stack_left = v.of.i32;
  refresh(x);
  if (x->trap == NULL) return SEPIA_FINISHED;
  bool has_code = wasmtime_trap_code(x->trap, &x->trap_code);
  wasm_trap_delete(x->trap);
  if (has_code) return SEPIA_TRAPPED;
  sepia_keep_text(&x->failure, "a trap without a code");
  return SEPIA_FAULT;
}

int sepia_exec_run(sepia_exec *x, int64_t gas, int64_t value) {
  x->gas = gas;
  if (x->future == NULL) {
    if (!start(x, gas)) {
      x->over = true;
      return SEPIA_FAULT;
    }
  } else {
    answer(x, value);
    x->waiting = false;
  }
  return wasmtime_call_future_poll(x->future) ? settle(x) : SEPIA_SUSPENDED;
}

void sepia_exec_delete(sepia_exec *x) {
  if (x->future != NULL) wasmtime_call_future_delete(x->future);
  wasmtime_store_delete(x->store);
  free(x);
}
