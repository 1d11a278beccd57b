/* Results of BLAKE2b for short inputs, by input. A runtime hashes the same few account ids and names again and again within
 * a block; a hit costs a tenth of the hash. Only speed depends on it. */
#ifndef SEPIA_MEMO_H
#define SEPIA_MEMO_H

#include <stddef.h>
#include <stdint.h>

enum { SEPIA_MEMO_INPUT = 32, SEPIA_MEMO_ENTRIES = 1024 };

typedef struct sepia_memo {
  struct {
    uint8_t in[SEPIA_MEMO_INPUT]; /* zero-padded */
    uint8_t out[32];
    uint32_t tag; /* lengths of input and output plus one; 0 is an empty entry */
  } entries[SEPIA_MEMO_ENTRIES];
} sepia_memo;

/* BLAKE2b of len <= SEPIA_MEMO_INPUT bytes, out_len 16 or 32. */
void sepia_memo_blake2b(sepia_memo *memo, uint8_t *out, size_t out_len, const uint8_t *in, size_t len);

#endif
