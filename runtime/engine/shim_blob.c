#include "shim_blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hash.h"

/* Implemented in Go (dispatch.go). */
extern int sepiaHostCall(uintptr_t handle, uint32_t id, void *args);

enum { STACK_GUARD_BYTES = 64 * 1024, STACK_KEPT_BYTES = 256 * 1024 };

/* ---- memory and gas ---- */

static void refresh(sepia_instance *in) {
  in->heap.len = wasmtime_memory_data_size(in->context, &in->memory);
  in->heap.bytes = wasmtime_memory_data(in->context, &in->memory);
}

static uint64_t pages(uint64_t bytes) { return (bytes + 0xffff) >> 16; }

/* Doubles the memory, or more if that is not enough, up to the limit. */
static bool grow(sepia_heap *heap, uint64_t need) {
  sepia_instance *in = (sepia_instance *)heap;
  refresh(in); /* the guest may have grown it itself */
  if (need <= heap->len) return true;
  if (need > in->blob->max_bytes) return false;
  uint64_t now = pages(heap->len), want = 2 * now, most = pages(in->blob->max_bytes), before;
  if (want > most) want = most;
  if (want < pages(need)) want = pages(need);
  wasmtime_error_t *error = wasmtime_memory_grow(in->context, &in->memory, want - now, &before);
  if (error != NULL) {
    wasmtime_error_delete(error);
    return false;
  }
  refresh(in);
  return true;
}

/* Whether len bytes at `at` lie inside the memory. */
static bool inside(sepia_instance *in, uint32_t at, uint32_t len) {
  uint64_t end = (uint64_t)at + len;
  if (end <= in->heap.len) return true;
  refresh(in);
  return end <= in->heap.len;
}

static bool charge(sepia_instance *in, uint64_t per_byte, uint32_t len) {
  uint64_t cost;
  if (__builtin_mul_overflow(per_byte, (uint64_t)len, &cost) || cost > INT64_MAX || (int64_t)cost > in->gas) {
    in->gas = -1;
    return false;
  }
  in->gas -= (int64_t)cost;
  return true;
}

/* Ends the call from a host function: the code says why, the trap only unwinds the guest. */
static wasm_trap_t *end_call(sepia_instance *in, int why) {
  in->host_end = why;
  return wasmtime_trap_new("host", 4);
}

/* ---- host functions ---- */

static sepia_instance *enter(const sepia_import *import, wasmtime_caller_t *caller, const wasmtime_val_raw_t *args) {
  sepia_instance *in = wasmtime_context_get_data(wasmtime_caller_context(caller));
  in->gas = args[import->params].i64;
  return in;
}

static void run_go(void *argument) {
  sepia_instance *in = argument;
  if (sepiaHostCall(in->handle, in->import->id, in->args) != 0) in->host_end = SEPIA_HOST_GO;
}

/* Go checks that its C code runs on the thread's own stack, so a Go host function is called back there. */
static wasm_trap_t *call_go(sepia_instance *in, const sepia_import *import, wasmtime_val_raw_t *args) {
  in->import = import;
  in->args = args;
  sepia_on_stack(run_go, in, in->left_at, NULL);
  return in->host_end == SEPIA_HOST_NONE ? NULL : wasmtime_trap_new("host", 4);
}

static wasm_trap_t *host_go(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  return call_go(enter(env, caller, args), env, args);
}

/* Bytes that an argument points to: len<<32 | ptr. */
typedef struct fat {
  uint32_t at, len;
} fat;

static fat fat_of(const wasmtime_val_raw_t *arg) {
  return (fat){(uint32_t)arg->i64, (uint32_t)((uint64_t)arg->i64 >> 32)};
}

/* What so many bytes cost; MAX if that is no amount of gas. */
static int64_t price(const sepia_import *import, uint32_t first_len, uint32_t second_len) {
  uint64_t cost;
  if (__builtin_mul_overflow(import->per_byte, (uint64_t)first_len + second_len, &cost) || cost > INT64_MAX) return INT64_MAX;
  return (int64_t)cost;
}

/* Copies a known answer out, if that succeeds. Whatever is irregular is left to Go, with nothing done yet. */
static bool answer(sepia_instance *in, const sepia_import *import, const sepia_read *known, wasmtime_val_raw_t *result) {
  if (known == NULL) return false;
  int64_t cost = price(import, known->key_len, known->value_len);
  if (cost > in->gas) return false;
  uint32_t at = sepia_instance_put(in, known->answer, known->answer_len);
  if (at == 0) return false;
  in->gas -= cost;
  result->i64 = (int64_t)((uint64_t)known->answer_len << 32 | at);
  return true;
}

/* A read of Go's whose answer is kept: (key: fat) -> answer: fat. The key is copied first, because the answer is written to
 * the guest's memory, perhaps over the key. */
static wasm_trap_t *host_read(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  sepia_instance *in = enter(env, caller, args);
  fat key = fat_of(&args[0]);
  if (!inside(in, key.at, key.len)) return call_go(in, env, args);
  if (answer(in, env, sepia_reads_find(in->reads, in->heap.bytes + key.at, key.len), &args[0])) return NULL;
  sepia_read *entry = sepia_reads_begin(in->reads, in->heap.bytes + key.at, key.len);
  wasm_trap_t *trap = call_go(in, env, args);
  if (trap != NULL || entry == NULL || in->gas < 0) return trap;
  fat found = fat_of(&args[0]);
  if (inside(in, found.at, found.len)) sepia_reads_end(in->reads, entry, in->heap.bytes + found.at, found.len);
  return NULL;
}

/* Queues a change of Go's with up to two arguments, all fat. Says no, with nothing done, where it costs more than there is or
 * an argument lies outside: Go then says so. */
static bool queue_change(sepia_instance *in, const sepia_import *import, const wasmtime_val_raw_t *args) {
  fat first = {0, 0}, second = {0, 0};
  if (import->params > 0) first = fat_of(&args[0]);
  if (import->params > 1) second = fat_of(&args[1]);
  if (!inside(in, first.at, first.len) || !inside(in, second.at, second.len)) return false;
  int64_t cost = price(import, first.len, second.len);
  if (cost > in->gas) return false;
  if (!sepia_queue_add(in->queue, import->id, in->heap.bytes + first.at, first.len, in->heap.bytes + second.at, second.len))
    return false;
  in->gas -= cost;
  return true;
}

/* A change of one key. What is known of the key changes with it, or is forgotten before Go makes the change. */
static wasm_trap_t *host_change(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  const sepia_import *import = env;
  sepia_instance *in = enter(env, caller, args);
  bool queued = queue_change(in, import, args);
  fat key = fat_of(&args[0]);
  if (inside(in, key.at, key.len)) {
    const uint8_t *bytes = in->heap.bytes + key.at;
    if (queued && import->storage == SEPIA_STORAGE_SET) {
      fat value = fat_of(&args[1]);
      sepia_reads_change(in->reads, bytes, key.len, in->heap.bytes + value.at, value.len);
    } else if (queued && import->storage == SEPIA_STORAGE_CLEAR) {
      sepia_reads_change(in->reads, bytes, key.len, NULL, 0);
    } else {
      sepia_reads_forget(in->reads, bytes, key.len);
    }
  }
  return queued ? NULL : call_go(in, env, args);
}

static wasm_trap_t *host_change_any(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  sepia_instance *in = enter(env, caller, args);
  sepia_reads_forget_all(in->reads);
  return call_go(in, env, args);
}

static wasm_trap_t *host_start(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  sepia_instance *in = enter(env, caller, args);
  in->transactions++;
  return queue_change(in, env, args) ? NULL : call_go(in, env, args);
}

/* Closes a transaction. Closing one that the call has not opened is an error, which must not wait. */
static wasm_trap_t *host_close(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  const sepia_import *import = env;
  sepia_instance *in = enter(env, caller, args);
  if (import->storage == SEPIA_STORAGE_ROLLBACK) sepia_reads_forget_all(in->reads);
  if (in->transactions == 0) return call_go(in, env, args);
  in->transactions--;
  return queue_change(in, env, args) ? NULL : call_go(in, env, args);
}

static wasm_trap_t *host_malloc(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  const sepia_import *import = env;
  sepia_instance *in = enter(import, caller, args);
  uint32_t size = (uint32_t)args[0].i32;
  if (import->per_byte != 0 && !charge(in, import->per_byte, size)) return end_call(in, SEPIA_HOST_OUT_OF_GAS);
  uint32_t at = sepia_allocator_malloc(&in->allocator, &in->heap, size);
  if (at == 0) return end_call(in, SEPIA_HOST_OUT_OF_MEMORY);
  args[0].i64 = at;
  return NULL;
}

static wasm_trap_t *host_free(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  sepia_instance *in = enter(env, caller, args);
  if (!sepia_allocator_free(&in->allocator, &in->heap, (uint32_t)args[0].i32))
    return end_call(in, SEPIA_HOST_BAD_FREE);
  return NULL;
}

size_t sepia_hash(uint32_t native, uint8_t *out, const uint8_t *in, size_t len) {
  switch (native) {
    case SEPIA_BLAKE2_128: sepia_blake2b(out, 16, in, len); return 16;
    case SEPIA_BLAKE2_256: sepia_blake2b(out, 32, in, len); return 32;
    case SEPIA_TWOX_64: sepia_twox(out, 1, in, len); return 8;
    case SEPIA_TWOX_128: sepia_twox(out, 2, in, len); return 16;
    case SEPIA_TWOX_256: sepia_twox(out, 4, in, len); return 32;
    case SEPIA_KECCAK_256: sepia_keccak(out, 32, in, len); return 32;
    case SEPIA_KECCAK_512: sepia_keccak(out, 64, in, len); return 64;
    case SEPIA_SHA2_256: sepia_sha256(out, in, len); return 32;
  }
  return 0;
}

static size_t hash(sepia_instance *in, uint32_t native, uint8_t *out, const uint8_t *data, size_t len) {
  bool blake2 = native == SEPIA_BLAKE2_128 || native == SEPIA_BLAKE2_256;
  if (!blake2 || len > SEPIA_MEMO_INPUT) return sepia_hash(native, out, data, len);
  size_t out_len = native == SEPIA_BLAKE2_128 ? 16 : 32;
  sepia_memo_blake2b(in->memo, out, out_len, data, len);
  return out_len;
}

/* (data: len<<32 | ptr) -> pointer to a new block with the digest */
static wasm_trap_t *host_hash(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)count;
  const sepia_import *import = env;
  sepia_instance *in = enter(import, caller, args);
  fat data = fat_of(&args[0]);
  if (!charge(in, import->per_byte, data.len)) return end_call(in, SEPIA_HOST_OUT_OF_GAS);
  if (!inside(in, data.at, data.len)) return end_call(in, SEPIA_HOST_BAD_POINTER);
  uint8_t digest[64];
  size_t n = hash(in, import->native, digest, in->heap.bytes + data.at, data.len);
  uint32_t out = sepia_allocator_malloc(&in->allocator, &in->heap, (uint32_t)n);
  if (out == 0) return end_call(in, SEPIA_HOST_OUT_OF_MEMORY);
  memcpy(in->heap.bytes + out, digest, n);
  args[0].i64 = out;
  return NULL;
}

/* The metered code asks for its gas after each call of an import. */
static wasm_trap_t *host_gas(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t count) {
  (void)env;
  (void)count;
  sepia_instance *in = wasmtime_context_get_data(wasmtime_caller_context(caller));
  args[0].i64 = in->gas;
  return NULL;
}

void sepia_instance_refresh(sepia_instance *in) { refresh(in); }

uint32_t sepia_instance_alloc(sepia_instance *in, uint32_t size) {
  return sepia_allocator_malloc(&in->allocator, &in->heap, size);
}

uint32_t sepia_instance_put(sepia_instance *in, const uint8_t *bytes, uint32_t len) {
  uint32_t at = sepia_allocator_malloc(&in->allocator, &in->heap, len);
  if (at != 0 && len != 0) memcpy(in->heap.bytes + at, bytes, len);
  return at;
}

/* ---- blobs ---- */

sepia_blob *sepia_blob_new(wasm_engine_t *engine, wasmtime_module_t *module, uint32_t imports, uint32_t variables) {
  sepia_blob *blob = calloc(1, sizeof *blob);
  blob->engine = engine;
  blob->module = module;
  blob->linker = wasmtime_linker_new(engine);
  blob->import_count = imports;
  blob->imports = calloc(imports + 1, sizeof *blob->imports);
  blob->variable_count = variables;
  blob->variables = calloc(variables + 1, sizeof *blob->variables);
  blob->tracker = -1;
  return blob;
}

static wasmtime_func_unchecked_callback_t callback_in_go(uint32_t storage) {
  switch (storage) {
    case SEPIA_STORAGE_READ: return host_read;
    case SEPIA_STORAGE_SET:
    case SEPIA_STORAGE_CLEAR:
    case SEPIA_STORAGE_APPEND: return host_change;
    case SEPIA_STORAGE_START: return host_start;
    case SEPIA_STORAGE_COMMIT:
    case SEPIA_STORAGE_ROLLBACK: return host_close;
    case SEPIA_STORAGE_CHANGE_ANY: return host_change_any;
  }
  return host_go;
}

static wasmtime_func_unchecked_callback_t callback_of(const sepia_import *import) {
  switch (import->native) {
    case SEPIA_IN_GO: return callback_in_go(import->storage);
    case SEPIA_MALLOC: return host_malloc;
    case SEPIA_FREE: return host_free;
  }
  return host_hash;
}

bool sepia_blob_define(sepia_blob *blob, uint32_t index, const char *module, size_t module_len, const char *name,
                       size_t name_len, const char *params, const char *results, sepia_import import,
                       sepia_failure *failure) {
  blob->imports[index] = import;
  wasm_functype_t *type = sepia_functype(params, results);
  wasmtime_error_t *error =
      wasmtime_linker_define_func_unchecked(blob->linker, module, module_len, name, name_len, type,
                                            callback_of(&import), &blob->imports[index], NULL);
  wasm_functype_delete(type);
  if (error != NULL) sepia_keep_error(failure, error);
  return error == NULL;
}

bool sepia_blob_link(sepia_blob *blob, sepia_failure *failure) {
  wasm_functype_t *type = sepia_functype("", "l");
  wasmtime_error_t *error =
      wasmtime_linker_define_func_unchecked(blob->linker, "sepia", 5, "gas", 3, type, host_gas, NULL, NULL);
  wasm_functype_delete(type);
  if (error == NULL) error = wasmtime_linker_instantiate_pre(blob->linker, blob->module, &blob->pre);
  if (error != NULL) sepia_keep_error(failure, error);
  return error == NULL;
}

void sepia_blob_variable(sepia_blob *blob, uint32_t index, uint32_t global, bool wide, int64_t value) {
  struct sepia_variable *v = &blob->variables[index];
  snprintf(v->name, sizeof v->name, SEPIA_VARIABLE "%u", global);
  v->value.kind = wide ? WASMTIME_I64 : WASMTIME_I32;
  if (wide)
    v->value.of.i64 = value;
  else
    v->value.of.i32 = (int32_t)value;
}

void sepia_blob_delete(sepia_blob *blob) {
  if (blob->pre != NULL) wasmtime_instance_pre_delete(blob->pre);
  wasmtime_linker_delete(blob->linker);
  wasmtime_module_delete(blob->module);
  sepia_image_free(&blob->image);
  free(blob->variables);
  free(blob->imports);
  free(blob);
}

/* ---- instances ---- */

sepia_instance *sepia_instance_new(const sepia_blob *blob, uintptr_t handle, size_t stack_len) {
  size_t len = stack_len + STACK_GUARD_BYTES;
  uint8_t *stack = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) return NULL;
  if (mprotect(stack, STACK_GUARD_BYTES, PROT_NONE) != 0) {
    munmap(stack, len);
    return NULL;
  }
  sepia_instance *in = calloc(1, sizeof *in);
  in->blob = blob;
  in->handle = handle;
  in->stack = stack;
  in->stack_len = len;
  in->heap.grow = grow;
  in->variables = calloc(blob->variable_count + 1, sizeof *in->variables);
  in->memo = calloc(1, sizeof *in->memo);
  in->reads = calloc(1, sizeof *in->reads);
  in->queue = calloc(1, sizeof *in->queue);
  return in;
}

void sepia_instance_shut(sepia_instance *in) {
  if (in->store == NULL) return;
  wasmtime_store_delete(in->store);
  in->store = NULL;
  in->heap.bytes = NULL;
  in->heap.len = 0;
}

void sepia_instance_delete(sepia_instance *in) {
  sepia_instance_shut(in);
  munmap(in->stack, in->stack_len);
  free(in->pages.at);
  free(in->variables);
  free(in->memo);
  free(in->reads);
  free(in->queue);
  free(in);
}

static bool find(sepia_instance *in, const char *name, wasmtime_extern_kind_t kind, wasmtime_extern_t *item) {
  return wasmtime_instance_export_get(in->context, &in->instance, name, strlen(name), item) && item->kind == kind;
}

static bool find_state(sepia_instance *in) {
  wasmtime_extern_t memory, gas, stack;
  if (!find(in, "sepia:memory", WASMTIME_EXTERN_MEMORY, &memory) ||
      !find(in, "sepia:gas", WASMTIME_EXTERN_GLOBAL, &gas) || !find(in, "sepia:stack", WASMTIME_EXTERN_GLOBAL, &stack))
    return false;
  in->memory = memory.of.memory;
  in->gas_global = gas.of.global;
  in->stack_global = stack.of.global;
  for (uint32_t i = 0; i < in->blob->variable_count; i++) {
    wasmtime_extern_t variable;
    if (!find(in, in->blob->variables[i].name, WASMTIME_EXTERN_GLOBAL, &variable)) return false;
    in->variables[i] = variable.of.global;
  }
  refresh(in);
  return true;
}

/* A deep recursion must not keep its pages for ever. It ends by a trap, and a new instance is needed then. */
static void trim_stack(sepia_instance *in) {
  if (in->stack != NULL)
    madvise(in->stack + STACK_GUARD_BYTES, in->stack_len - STACK_GUARD_BYTES - STACK_KEPT_BYTES, MADV_DONTNEED);
}

static bool open_new(sepia_instance *in) {
  sepia_instance_shut(in);
  trim_stack(in);
  sepia_pages_forget(&in->pages);
  in->store = wasmtime_store_new(in->blob->engine, in, NULL);
  in->context = wasmtime_store_context(in->store);
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_instance_pre_instantiate(in->blob->pre, in->context, &in->instance, &trap);
  if (error != NULL) {
    sepia_keep_error(&in->failure, error);
  } else if (trap != NULL) {
    wasm_trap_delete(trap);
    sepia_keep_text(&in->failure, "a data or element segment lies outside the memory or table");
  } else if (find_state(in)) {
    /* One written byte must not bring in, and let the next call restore, two megabytes. */
    if (in->blob->tracker >= 0) madvise(in->heap.bytes, in->heap.len, MADV_NOHUGEPAGE);
    return true;
  } else {
    sepia_keep_text(&in->failure, "the module does not export what metering adds");
  }
  sepia_instance_shut(in);
  return false;
}

bool sepia_blob_take_image(sepia_blob *blob, sepia_failure *failure) {
  sepia_instance in = {.blob = blob, .variables = calloc(blob->variable_count + 1, sizeof *in.variables)};
  bool ok = open_new(&in);
  if (ok) {
    sepia_image_take(&blob->image, in.heap.bytes, in.heap.len);
    wasmtime_store_delete(in.store);
  } else {
    *failure = in.failure;
  }
  free(in.variables);
  return ok;
}

/* ---- calls ---- */

static int64_t get_global(sepia_instance *in, const wasmtime_global_t *global) {
  wasmtime_val_t v;
  wasmtime_global_get(in->context, global, &v);
  return v.kind == WASMTIME_I64 ? v.of.i64 : v.of.i32;
}

static bool set_global(sepia_instance *in, const wasmtime_global_t *global, wasmtime_val_t v) {
  wasmtime_error_t *error = wasmtime_global_set(in->context, global, &v);
  if (error != NULL) sepia_keep_error(&in->failure, error);
  return error == NULL;
}

/* A memory cannot shrink, so one that grew is given up. */
static bool restore(sepia_instance *in) {
  if (in->store == NULL) return false;
  refresh(in);
  if (in->heap.len != in->blob->image.len) return false;
  if (!sepia_pages_restore(&in->pages, in->blob->tracker, &in->blob->image, in->heap.bytes, in->allocator.bump))
    return false;
  for (uint32_t i = 0; i < in->blob->variable_count; i++)
    if (!set_global(in, &in->variables[i], in->blob->variables[i].value)) return false;
  return true;
}

bool sepia_instance_renew(sepia_instance *in) { return restore(in) || open_new(in); }

static void run_wasm(void *argument) {
  sepia_instance *in = argument;
  in->error = wasmtime_func_call_unchecked(in->context, &in->function, in->values, 2, &in->trap);
}

static int settle_result(sepia_instance *in) {
  uint64_t result = (uint64_t)in->values[0].i64;
  in->result_at = (uint32_t)result;
  in->result_len = (uint32_t)(result >> 32);
  refresh(in);
  if (inside(in, in->result_at, in->result_len)) return SEPIA_FINISHED;
  in->host_end = SEPIA_HOST_BAD_RESULT;
  return SEPIA_ENDED_BY_HOST;
}

/* The library reports what a host function raised as an error, and traps of its own code as traps. */
static int settle_host(sepia_instance *in) {
  if (in->error != NULL) wasmtime_error_delete(in->error);
  if (in->trap != NULL) wasm_trap_delete(in->trap);
  in->gas_left = in->gas;
  return SEPIA_ENDED_BY_HOST;
}

/* How the call ended, with the counters as they stand. */
static int settle(sepia_instance *in) {
  if (in->host_end != SEPIA_HOST_NONE) return settle_host(in);
  if (in->error != NULL) {
    sepia_keep_error(&in->failure, in->error);
    return SEPIA_FAULT;
  }
  in->gas_left = get_global(in, &in->gas_global);
  in->stack_left = (int32_t)get_global(in, &in->stack_global);
  if (in->trap == NULL) return settle_result(in);
  bool has_code = wasmtime_trap_code(in->trap, &in->trap_code);
  wasm_trap_delete(in->trap);
  if (has_code) return SEPIA_TRAPPED;
  sepia_keep_text(&in->failure, "a trap without a code");
  return SEPIA_FAULT;
}

int sepia_instance_call(sepia_instance *in, const char *name, size_t name_len, const uint8_t *input,
                        uint32_t input_len, int64_t gas, bool same_storage) {
  wasmtime_extern_t item;
  if (!wasmtime_instance_export_get(in->context, &in->instance, name, name_len, &item) ||
      item.kind != WASMTIME_EXTERN_FUNC) {
    sepia_keep_text(&in->failure, "the export is gone");
    return SEPIA_FAULT;
  }
  in->function = item.of.func;
  in->gas = in->gas_left = gas;
  in->host_end = SEPIA_HOST_NONE;
  in->error = NULL;
  in->trap = NULL;
  if (!same_storage) sepia_reads_forget_all(in->reads);
  in->queue->len = 0;
  in->transactions = 0;
  sepia_pages_begin(&in->pages);
  sepia_allocator_reset(&in->allocator, in->blob->heap_base);
  uint32_t at = sepia_instance_put(in, input, input_len);
  if (at == 0) {
    in->host_end = SEPIA_HOST_OUT_OF_MEMORY;
    return SEPIA_ENDED_BY_HOST;
  }
  wasmtime_val_t g = {.kind = WASMTIME_I64, .of.i64 = gas}, s = {.kind = WASMTIME_I32, .of.i32 = in->blob->stack_units};
  if (!set_global(in, &in->gas_global, g) || !set_global(in, &in->stack_global, s)) return SEPIA_FAULT;
  in->values[0].i64 = at;
  in->values[1].i64 = input_len;
  sepia_on_stack(run_wasm, in, in->stack + in->stack_len, &in->left_at);
  sepia_pages_end(&in->pages);
  return settle(in);
}
