#include "reads.h"

#include <string.h>

static bool kept(uint32_t len) { return len >= SEPIA_READ_KEY_LEAST && len <= SEPIA_READ_KEY; }

/* Where a key is kept. The last 16 bytes and those behind a pallet's prefix differ between keys of a runtime. Collisions only
 * cost a read, so an attacker who finds them gains nothing. */
static size_t place(const uint8_t *key, uint32_t len) {
  uint64_t item, a, b;
  memcpy(&item, key + (len >= 24 ? 16 : 0), sizeof item);
  memcpy(&a, key + len - 16, sizeof a);
  memcpy(&b, key + len - 8, sizeof b);
  uint64_t x = (item ^ len) * UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ x >> 32 ^ a) * UINT64_C(0xC2B2AE3D27D4EB4F);
  x = (x ^ x >> 32 ^ b) * UINT64_C(0x165667B19E3779F9);
  return (size_t)(x >> 40) % SEPIA_READS;
}

static bool holds(const sepia_read *entry, const uint8_t *key, uint32_t len) {
  return entry->key_len == len && memcmp(entry->key, key, len) == 0;
}

const sepia_read *sepia_reads_find(const sepia_reads *reads, const uint8_t *key, uint32_t len) {
  if (!kept(len)) return NULL;
  const sepia_read *entry = &reads->entries[place(key, len)];
  return entry->call == reads->call && holds(entry, key, len) ? entry : NULL;
}

sepia_read *sepia_reads_begin(sepia_reads *reads, const uint8_t *key, uint32_t len) {
  if (!kept(len)) return NULL;
  sepia_read *entry = &reads->entries[place(key, len)];
  entry->call = 0;
  entry->key_len = len;
  memcpy(entry->key, key, len);
  return entry;
}

void sepia_reads_end(const sepia_reads *reads, sepia_read *entry, const uint8_t *answer, uint32_t len, int64_t cost) {
  if (len > SEPIA_READ_ANSWER) return;
  memcpy(entry->answer, answer, len);
  entry->answer_len = len;
  entry->cost = cost;
  entry->call = reads->call;
}

void sepia_reads_forget(sepia_reads *reads, const uint8_t *key, uint32_t len) {
  if (!kept(len)) return;
  sepia_read *entry = &reads->entries[place(key, len)];
  if (holds(entry, key, len)) entry->call = 0;
}

void sepia_reads_forget_all(sepia_reads *reads) { reads->call++; }
