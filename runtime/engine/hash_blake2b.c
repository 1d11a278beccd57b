/* BLAKE2b as RFC 7693 describes it, one shot, unkeyed. */
#include "hash.h"

#include <string.h>

enum { BLOCK = 128, ROUNDS = 12 };

static const uint64_t initial[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* Message word schedule; round 10 and 11 repeat the first two rows. */
static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotate_right(uint64_t x, int n) { return x >> n | x << (64 - n); }

static inline uint64_t load64(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  return v;
}

#define MIX(a, b, c, d, x, y)                                                                                          \
  do {                                                                                                                 \
    v[a] += v[b] + (x);                                                                                                \
    v[d] = rotate_right(v[d] ^ v[a], 32);                                                                              \
    v[c] += v[d];                                                                                                      \
    v[b] = rotate_right(v[b] ^ v[c], 24);                                                                              \
    v[a] += v[b] + (y);                                                                                                \
    v[d] = rotate_right(v[d] ^ v[a], 16);                                                                              \
    v[c] += v[d];                                                                                                      \
    v[b] = rotate_right(v[b] ^ v[c], 63);                                                                              \
  } while (0)

static void compress(uint64_t h[8], const uint8_t *block, uint64_t counter, int last) {
  uint64_t m[16], v[16];
  for (int i = 0; i < 16; i++) m[i] = load64(block + 8 * i);
  memcpy(v, h, 64);
  memcpy(v + 8, initial, 64);
  v[12] ^= counter; /* inputs are far below 2^64 bytes */
  if (last) v[14] = ~v[14];
#pragma GCC unroll 12
  for (int round = 0; round < ROUNDS; round++) {
    const uint8_t *s = sigma[round % 10];
    MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
    MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
    MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
    MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
    MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
    MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
    MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
    MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
  for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
}

void sepia_blake2b(uint8_t *out, size_t out_len, const uint8_t *in, size_t len) {
  uint64_t h[8], counter = 0;
  memcpy(h, initial, sizeof h);
  h[0] ^= 0x01010000 ^ out_len; /* fan-out 1, depth 1, no key */
  while (len > BLOCK) {         /* the last block, even a full one, is marked */
    counter += BLOCK;
    compress(h, in, counter, 0);
    in += BLOCK;
    len -= BLOCK;
  }
  uint8_t block[BLOCK] = {0};
  if (len > 0) memcpy(block, in, len);
  compress(h, block, counter + len, 1);
  uint8_t digest[64];
  for (int i = 0; i < 64; i++) digest[i] = (uint8_t)(h[i / 8] >> (8 * (i % 8)));
  memcpy(out, digest, out_len);
}
