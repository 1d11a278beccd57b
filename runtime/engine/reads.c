#include "reads.h"

#include <string.h>

/* Roots of child tries are not kept: a host leaves a blob's own writes of these keys undone, and writes them itself. */
static bool kept(const uint8_t *key, uint32_t len) {
  static const char child[] = ":child_storage:";
  return len >= SEPIA_READ_KEY_LEAST && len <= SEPIA_READ_KEY && memcmp(key, child, sizeof child - 1) != 0;
}

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
  if (!kept(key, len)) return NULL;
  const sepia_read *entry = &reads->entries[place(key, len)];
  return entry->since == reads->since && holds(entry, key, len) ? entry : NULL;
}

sepia_read *sepia_reads_begin(sepia_reads *reads, const uint8_t *key, uint32_t len) {
  if (!kept(key, len)) return NULL;
  sepia_read *entry = &reads->entries[place(key, len)];
  entry->since = 0;
  entry->key_len = len;
  memcpy(entry->key, key, len);
  return entry;
}

/* The length of a SCALE compact number of two bytes or one: no longer one fits an answer. */
static uint32_t compact_len(uint32_t number) { return number < 64 ? 1 : 2; }

void sepia_reads_end(const sepia_reads *reads, sepia_read *entry, const uint8_t *answer, uint32_t len) {
  if (len == 0 || len > SEPIA_READ_ANSWER) return;
  memcpy(entry->answer, answer, len);
  entry->answer_len = len;
  entry->value_len = 0;
  if (answer[0] != 0 && len > 1) entry->value_len = len - 1 - ((answer[1] & 3) == 0 ? 1 : 2);
  entry->since = reads->since;
}

void sepia_reads_change(sepia_reads *reads, const uint8_t *key, uint32_t len, const uint8_t *value, uint32_t value_len) {
  sepia_read *entry = sepia_reads_begin(reads, key, len);
  if (entry == NULL) return;
  if (value == NULL) {
    static const uint8_t none[1] = {0};
    return sepia_reads_end(reads, entry, none, 1);
  }
  uint32_t head = 1 + compact_len(value_len);
  if (value_len > SEPIA_READ_ANSWER - head) return;
  entry->answer[0] = 1;
  entry->answer[1] = (uint8_t)(value_len << 2 | (head - 2));
  if (head == 3) entry->answer[2] = (uint8_t)(value_len >> 6);
  memcpy(entry->answer + head, value, value_len);
  entry->answer_len = head + value_len;
  entry->value_len = value_len;
  entry->since = reads->since;
}

void sepia_reads_forget(sepia_reads *reads, const uint8_t *key, uint32_t len) {
  if (!kept(key, len)) return;
  sepia_read *entry = &reads->entries[place(key, len)];
  if (holds(entry, key, len)) entry->since = 0;
}

void sepia_reads_forget_all(sepia_reads *reads) { reads->since++; }
