/* The blob's heap: Substrate's freeing-bump allocator. It decides when memory runs out, so it is part of consensus. */
#ifndef SEPIA_ALLOCATOR_H
#define SEPIA_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

enum {
  SEPIA_ALLOCATOR_ORDERS = 23,               /* block sizes 8, 16, ... 32 MiB */
  SEPIA_ALLOCATOR_MAX_BYTES = 32 * 1024 * 1024, /* the largest block: 8 << 22 */
  SEPIA_ALLOCATOR_HEADER_BYTES = 8,
};

typedef struct sepia_allocator {
  uint32_t base;  /* first header: the heap base rounded up to 8 */
  uint64_t bump;  /* end of everything ever handed out */
  uint32_t free_lists[SEPIA_ALLOCATOR_ORDERS];
} sepia_allocator;

/* The memory that an allocator works in. grow makes it at least `need` bytes long and updates bytes and len; it says
 * false when the limit is reached. */
typedef struct sepia_heap {
  uint8_t *bytes;
  uint64_t len;
  bool (*grow)(struct sepia_heap *heap, uint64_t need);
} sepia_heap;

void sepia_allocator_reset(sepia_allocator *a, uint32_t heap_base);

/* Returns the address of a block of at least size bytes, or 0: out of memory, too large, or a damaged free list. */
uint32_t sepia_allocator_malloc(sepia_allocator *a, sepia_heap *heap, uint32_t size);

/* Says false when at is not the address of a block in use. */
bool sepia_allocator_free(sepia_allocator *a, sepia_heap *heap, uint32_t at);

#endif
