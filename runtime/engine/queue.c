#include "queue.h"

#include <string.h>

bool sepia_queue_add(sepia_queue *queue, uint32_t id, const uint8_t *first, uint32_t first_len, const uint8_t *second,
                     uint32_t second_len) {
  uint64_t size = (sizeof(sepia_change) + (uint64_t)first_len + second_len + 7) & ~UINT64_C(7);
  if (size > SEPIA_QUEUE_BYTES - queue->len) return false;
  uint8_t *at = queue->bytes + queue->len;
  sepia_change change = {.id = id, .length = {first_len, second_len}, .size = (uint32_t)size};
  memcpy(at, &change, sizeof change);
  if (first_len != 0) memcpy(at + sizeof change, first, first_len);
  if (second_len != 0) memcpy(at + sizeof change + first_len, second, second_len);
  queue->len += (uint32_t)size;
  return true;
}
