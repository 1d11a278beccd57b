/* Each block has an 8-byte header in guest memory: bit 32 says "in use"; the low half then holds the block's order, and
 * for a free block the address of the next free header of the same order, or NIL. The guest can write over its own
 * headers, so nothing read from one is trusted: an address must be a possible header inside the used heap. */
#include "allocator.h"

#include <string.h>

#define NIL UINT32_MAX
#define IN_USE (UINT64_C(1) << 32)

static uint64_t load_header(const sepia_heap *heap, uint64_t at) {
  uint64_t v;
  memcpy(&v, heap->bytes + at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  return v;
}

static void store_header(sepia_heap *heap, uint64_t at, uint64_t v) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  memcpy(heap->bytes + at, &v, sizeof v);
}

static uint32_t order_of(uint32_t size) {
  return size <= 8 ? 0 : 32 - (uint32_t)__builtin_clz(size - 1) - 3;
}

/* Whether a block of this order can have its header here. */
static bool possible(const sepia_allocator *a, const sepia_heap *heap, uint64_t header, uint32_t order) {
  uint64_t end = header + SEPIA_ALLOCATOR_HEADER_BYTES + (UINT64_C(8) << order);
  return header >= a->base && header % 8 == 0 && end <= a->bump && end <= heap->len;
}

void sepia_allocator_reset(sepia_allocator *a, uint32_t heap_base) {
  a->bump = ((uint64_t)heap_base + 7) & ~UINT64_C(7);
  a->base = a->bump > UINT32_MAX ? UINT32_MAX : (uint32_t)a->bump;
  for (int i = 0; i < SEPIA_ALLOCATOR_ORDERS; i++) a->free_lists[i] = NIL;
}

uint32_t sepia_allocator_malloc(sepia_allocator *a, sepia_heap *heap, uint32_t size) {
  if (size > SEPIA_ALLOCATOR_MAX_BYTES) return 0;
  uint32_t order = order_of(size);
  uint64_t header = a->free_lists[order];
  if (header != NIL) {
    if (!possible(a, heap, header, order)) return 0;
    uint64_t link = load_header(heap, header);
    if (link & IN_USE) return 0;
    a->free_lists[order] = (uint32_t)link;
  } else {
    header = a->bump;
    uint64_t end = header + SEPIA_ALLOCATOR_HEADER_BYTES + (UINT64_C(8) << order);
    if (end > heap->len && !heap->grow(heap, end)) return 0;
    a->bump = end;
  }
  store_header(heap, header, IN_USE | order);
  return (uint32_t)(header + SEPIA_ALLOCATOR_HEADER_BYTES);
}

bool sepia_allocator_free(sepia_allocator *a, sepia_heap *heap, uint32_t at) {
  if (at < SEPIA_ALLOCATOR_HEADER_BYTES) return false;
  uint64_t header = (uint64_t)at - SEPIA_ALLOCATOR_HEADER_BYTES;
  if (!possible(a, heap, header, 0)) return false;
  uint64_t value = load_header(heap, header);
  uint32_t order = (uint32_t)value;
  if (value >> 32 != 1 || order >= SEPIA_ALLOCATOR_ORDERS || !possible(a, heap, header, order)) return false;
  store_header(heap, header, a->free_lists[order]);
  a->free_lists[order] = (uint32_t)header;
  return true;
}
