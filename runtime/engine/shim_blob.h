/* The blob tier: synchronous instances on a private stack, hot host functions in C, the others in Go. */
#ifndef SEPIA_SHIM_BLOB_H
#define SEPIA_SHIM_BLOB_H

#include "allocator.h"
#include "engine.h"
#include "fresh.h"
#include "memo.h"
#include "queue.h"
#include "reads.h"

/* Host functions served here; the numbers are those of Go's NativeFunc. */
enum {
  SEPIA_IN_GO = 0,
  SEPIA_MALLOC,
  SEPIA_FREE,
  SEPIA_BLAKE2_128,
  SEPIA_BLAKE2_256,
  SEPIA_TWOX_64,
  SEPIA_TWOX_128,
  SEPIA_TWOX_256,
  SEPIA_KECCAK_256,
  SEPIA_KECCAK_512,
  SEPIA_SHA2_256,
  SEPIA_NATIVES
};

/* What a host function in Go does to the storage; the numbers are those of Go's StorageRole. */
enum {
  SEPIA_STORAGE_NONE = 0,
  SEPIA_STORAGE_READ,
  SEPIA_STORAGE_SET,
  SEPIA_STORAGE_CLEAR,
  SEPIA_STORAGE_APPEND,
  SEPIA_STORAGE_START,
  SEPIA_STORAGE_COMMIT,
  SEPIA_STORAGE_ROLLBACK,
  SEPIA_STORAGE_CHANGE_ANY,
};

/* Why a host function ended the call. */
enum {
  SEPIA_HOST_NONE = 0,
  SEPIA_HOST_GO,            /* the Go side holds the reason */
  SEPIA_HOST_OUT_OF_GAS,    /* a price was higher than the gas left */
  SEPIA_HOST_OUT_OF_MEMORY, /* the allocator cannot serve a request */
  SEPIA_HOST_BAD_FREE,      /* free of what is not a block in use */
  SEPIA_HOST_BAD_POINTER,   /* an argument lies outside the memory */
  SEPIA_HOST_BAD_RESULT,    /* the export's result lies outside the memory */
};

/* Mutable globals are exported under this name and their index. */
#define SEPIA_VARIABLE "sepia:global:"
enum { SEPIA_VARIABLE_NAME = 32 };

/* One function import of a blob, in the order of the module. */
typedef struct sepia_import {
  uint32_t id;
  uint32_t native;
  uint32_t storage; /* its role there */
  uint32_t params; /* without the gas that the meter appended */
  uint64_t per_byte;
} sepia_import;

typedef struct sepia_blob {
  wasm_engine_t *engine;
  wasmtime_module_t *module;
  wasmtime_linker_t *linker;
  wasmtime_instance_pre_t *pre;
  sepia_import *imports;
  uint32_t import_count;
  uint32_t heap_base;
  uint64_t max_bytes;
  int32_t stack_units;
  /* What a new instance looks like, and the file to learn of written pages from. */
  sepia_image image;
  int tracker;
  struct sepia_variable {
    char name[SEPIA_VARIABLE_NAME];
    wasmtime_val_t value;
  } *variables;
  uint32_t variable_count;
} sepia_blob;

typedef struct sepia_instance {
  sepia_heap heap; /* first: the allocator's grow finds the instance from it */
  const sepia_blob *blob;
  uintptr_t handle; /* the Go instance */
  wasmtime_store_t *store;
  wasmtime_context_t *context;
  wasmtime_instance_t instance;
  wasmtime_memory_t memory;
  wasmtime_global_t gas_global, stack_global, *variables;
  sepia_pages pages;
  sepia_allocator allocator;
  sepia_memo *memo;
  sepia_reads *reads;
  sepia_queue *queue;
  uint32_t transactions; /* that the running call has opened */
  int64_t gas; /* left, as the host sees it while a host function runs */
  int host_end;
  uint8_t *stack; /* private, grows down, guarded below */
  size_t stack_len;
  void *left_at; /* where the thread's own stack was left */
  /* The running host function of Go. */
  const sepia_import *import;
  wasmtime_val_raw_t *args;
  /* The running call. */
  wasmtime_func_t function;
  wasmtime_val_raw_t values[2];
  wasmtime_error_t *error;
  wasm_trap_t *trap;
  /* What the call left. */
  uint8_t trap_code;
  int64_t gas_left;
  int32_t stack_left;
  uint32_t result_at, result_len;
  sepia_failure failure;
} sepia_instance;

sepia_blob *sepia_blob_new(wasm_engine_t *engine, wasmtime_module_t *module, uint32_t imports, uint32_t variables);
bool sepia_blob_define(sepia_blob *blob, uint32_t index, const char *module, size_t module_len, const char *name,
                       size_t name_len, const char *params, const char *results, sepia_import import,
                       sepia_failure *failure);
bool sepia_blob_link(sepia_blob *blob, sepia_failure *failure);
/* Declares the index-th mutable global with its initial value. */
void sepia_blob_variable(sepia_blob *blob, uint32_t index, uint32_t global, bool wide, int64_t value);
/* Takes the image of a new instance. Call it once, after linking. */
bool sepia_blob_take_image(sepia_blob *blob, sepia_failure *failure);
void sepia_blob_delete(sepia_blob *blob);

sepia_instance *sepia_instance_new(const sepia_blob *blob, uintptr_t handle, size_t stack_len);
void sepia_instance_delete(sepia_instance *in);

/* Makes the Wasm instance behind `in` as new: by restoring it, or by opening another one. */
bool sepia_instance_renew(sepia_instance *in);
void sepia_instance_shut(sepia_instance *in);

/* Runs an export of type (i32, i32) -> i64 on a copy of the input. Answers of reads stay only if same_storage: it holds what it
 * did when the last call ended. Afterwards the queue holds what Go has to do yet, whatever the end. */
int sepia_instance_call(sepia_instance *in, const char *name, size_t name_len, const uint8_t *input,
                        uint32_t input_len, int64_t gas, bool same_storage);

/* For host functions in Go. */
void sepia_instance_refresh(sepia_instance *in);
uint32_t sepia_instance_alloc(sepia_instance *in, uint32_t size);
uint32_t sepia_instance_put(sepia_instance *in, const uint8_t *bytes, uint32_t len);

/* Computes a native hash outside of any instance: for the known answers at start. */
size_t sepia_hash(uint32_t native, uint8_t *out, const uint8_t *in, size_t len);

#endif
