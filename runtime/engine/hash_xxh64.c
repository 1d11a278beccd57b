/* XXH64, after the specification in the xxHash repository. */
#include "hash.h"

#include <string.h>

static const uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F, prime3 = 0x165667B19E3779F9,
                      prime4 = 0x85EBCA77C2B2AE63, prime5 = 0x27D4EB2F165667C5;

static inline uint64_t rotate_left(uint64_t x, int n) { return x << n | x >> (64 - n); }

static inline uint64_t load64(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  return v;
}

static inline uint32_t load32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap32(v);
#endif
  return v;
}

static inline uint64_t lane(uint64_t lane, uint64_t word) { return rotate_left(lane + word * prime2, 31) * prime1; }

static inline uint64_t merge(uint64_t h, uint64_t v) { return (h ^ lane(0, v)) * prime1 + prime4; }

static uint64_t xxh64(const uint8_t *p, size_t len, uint64_t seed) {
  const uint8_t *end = p + len;
  uint64_t h = seed + prime5;
  if (len >= 32) {
    uint64_t a = seed + prime1 + prime2, b = seed + prime2, c = seed, d = seed - prime1;
    for (; end - p >= 32; p += 32) {
      a = lane(a, load64(p));
      b = lane(b, load64(p + 8));
      c = lane(c, load64(p + 16));
      d = lane(d, load64(p + 24));
    }
    h = rotate_left(a, 1) + rotate_left(b, 7) + rotate_left(c, 12) + rotate_left(d, 18);
    h = merge(merge(merge(merge(h, a), b), c), d);
  }
  h += len;
  for (; end - p >= 8; p += 8) h = rotate_left(h ^ lane(0, load64(p)), 27) * prime1 + prime4;
  if (end - p >= 4) {
    h = rotate_left(h ^ load32(p) * prime1, 23) * prime2 + prime3;
    p += 4;
  }
  for (; p < end; p++) h = rotate_left(h ^ *p * prime5, 11) * prime1;
  h = (h ^ h >> 33) * prime2;
  h = (h ^ h >> 29) * prime3;
  return h ^ h >> 32;
}

void sepia_twox(uint8_t *out, size_t words, const uint8_t *in, size_t len) {
  for (size_t seed = 0; seed < words; seed++) {
    uint64_t h = xxh64(in, len, seed);
    for (int i = 0; i < 8; i++) out[8 * seed + (size_t)i] = (uint8_t)(h >> (8 * i));
  }
}
