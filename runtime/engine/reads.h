/* Values of the storage that a blob has read or written, by key, as the function that reads answers them: Option<Vec<u8>> in
 * SCALE. A runtime asks for the same few keys again and again; an answer from here does not cross into Go and does not look the
 * key up among all pending writes. Only speed depends on it: an answer follows each change of its key, and all are forgotten
 * where the storage may have changed otherwise, above all between calls, unless Go says that it has not. */
#ifndef SEPIA_READS_H
#define SEPIA_READS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys of maps are 32 bytes of prefix, 16 of a hash and an account; an account's answer has 83 bytes. Keys below 16 bytes
 * are few and not kept. */
enum { SEPIA_READ_KEY_LEAST = 16, SEPIA_READ_KEY = 96, SEPIA_READ_ANSWER = 128, SEPIA_READS = 128 };

typedef struct sepia_read {
  uint64_t since; /* when it was made; it holds if nothing was forgotten since. 0 is none */
  uint32_t key_len, value_len, answer_len;
  uint8_t key[SEPIA_READ_KEY];
  uint8_t answer[SEPIA_READ_ANSWER];
} sepia_read;

typedef struct sepia_reads {
  uint64_t since; /* counted up to forget all */
  sepia_read entries[SEPIA_READS];
} sepia_reads;

/* The known answer for a key, or NULL. */
const sepia_read *sepia_reads_find(const sepia_reads *reads, const uint8_t *key, uint32_t len);

/* An entry that is to hold the answer for a key, with a copy of the key and no answer yet; NULL for keys that are not kept. */
sepia_read *sepia_reads_begin(sepia_reads *reads, const uint8_t *key, uint32_t len);

/* Gives the entry its answer, unless that is too long to be kept. */
void sepia_reads_end(const sepia_reads *reads, sepia_read *entry, const uint8_t *answer, uint32_t len);

/* A key has another value; or none, if that is NULL. */
void sepia_reads_change(sepia_reads *reads, const uint8_t *key, uint32_t len, const uint8_t *value, uint32_t value_len);

void sepia_reads_forget(sepia_reads *reads, const uint8_t *key, uint32_t len);
void sepia_reads_forget_all(sepia_reads *reads);

#endif
