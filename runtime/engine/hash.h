/* The hash functions that a FRAME runtime calls all the time. Plain C, no allocation, any alignment. */
#ifndef SEPIA_HASH_H
#define SEPIA_HASH_H

#include <stddef.h>
#include <stdint.h>

/* BLAKE2b without key, out_len from 1 to 64 bytes (RFC 7693). */
void sepia_blake2b(uint8_t *out, size_t out_len, const uint8_t *in, size_t len);
/* XXH64 with seeds 0, 1, ... words - 1, each little-endian: "twox". */
void sepia_twox(uint8_t *out, size_t words, const uint8_t *in, size_t len);
/* Keccak with the original padding (not SHA-3's), out_len 32 or 64 bytes. */
void sepia_keccak(uint8_t *out, size_t out_len, const uint8_t *in, size_t len);
/* SHA-256 (FIPS 180-4). */
void sepia_sha256(uint8_t out[32], const uint8_t *in, size_t len);

#endif
