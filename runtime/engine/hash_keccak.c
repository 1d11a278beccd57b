/* Keccak-f[1600] sponge with the padding of the original submission (first padding byte 0x01), as Ethereum uses it. */
#include "hash.h"

#include <string.h>

enum { LANES = 25, ROUNDS = 24 };

static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* The walk of rho and pi: lane 1 goes to `walk[0]` rotated by `turns[0]`, that lane to walk[1], and so on. */
static const uint8_t walk[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                 15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t turns[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                  27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static inline uint64_t rotate_left(uint64_t x, int n) { return x << n | x >> (64 - n); }

static void permute(uint64_t s[LANES]) {
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t column[5];
    for (int x = 0; x < 5; x++) column[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
    for (int x = 0; x < 5; x++) {
      uint64_t d = column[(x + 4) % 5] ^ rotate_left(column[(x + 1) % 5], 1);
      for (int y = 0; y < LANES; y += 5) s[y + x] ^= d;
    }
    uint64_t carried = s[1];
    for (int i = 0; i < 24; i++) {
      uint64_t next = s[walk[i]];
      s[walk[i]] = rotate_left(carried, turns[i]);
      carried = next;
    }
    for (int y = 0; y < LANES; y += 5) {
      uint64_t row[5];
      memcpy(row, s + y, sizeof row);
      for (int x = 0; x < 5; x++) s[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    s[0] ^= round_constants[round];
  }
}

static void absorb(uint64_t s[LANES], const uint8_t *block, size_t rate) {
  for (size_t i = 0; i < rate; i++) s[i / 8] ^= (uint64_t)block[i] << (8 * (i % 8));
}

void sepia_keccak(uint8_t *out, size_t out_len, const uint8_t *in, size_t len) {
  size_t rate = 200 - 2 * out_len;
  uint64_t s[LANES] = {0};
  for (; len >= rate; in += rate, len -= rate) {
    absorb(s, in, rate);
    permute(s);
  }
  uint8_t block[200] = {0};
  if (len > 0) memcpy(block, in, len);
  block[len] = 0x01;
  block[rate - 1] |= 0x80;
  absorb(s, block, rate);
  permute(s);
  for (size_t i = 0; i < out_len; i++) out[i] = (uint8_t)(s[i / 8] >> (8 * (i % 8)));
}
