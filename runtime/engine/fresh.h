/* Making an instance's memory what it was at its birth, page by page. See fresh.c. */
#ifndef SEPIA_FRESH_H
#define SEPIA_FRESH_H

#include <stdbool.h>
#include <stdint.h>

/* The memory of a new instance. */
typedef struct sepia_image {
  uint8_t *bytes;
  uint64_t len;
  bool *zero; /* for each page of the machine */
} sepia_image;

/* Which pages of one memory may differ from the image. */
typedef struct sepia_pages {
  uint32_t *at; /* page numbers */
  uint32_t count;
  bool known; /* false: pages may be missing in the list */
  int64_t faults;
} sepia_pages;

enum {
  SEPIA_PAGES_MOST = 256, /* above, a new instance is cheaper */
  SEPIA_PAGES_KEPT = 64,  /* above, pages that the last call's heap did not reach are given back */
};

/* A file to learn of written pages from, or -1 where the system cannot tell them reliably. */
int sepia_tracker_open(void);
void sepia_tracker_close(int tracker);

void sepia_image_take(sepia_image *image, const uint8_t *bytes, uint64_t len);
void sepia_image_free(sepia_image *image);

/* Brackets everything that may write to the memory. Both ends run on one thread. */
void sepia_pages_begin(sepia_pages *pages);
void sepia_pages_end(sepia_pages *pages);
void sepia_pages_forget(sepia_pages *pages);

/* Restores the memory, of the image's length; `used` is the end of the last call's heap. Says false when a new instance is the
 * better or the only way. */
bool sepia_pages_restore(sepia_pages *pages, int tracker, const sepia_image *image, uint8_t *memory, uint64_t used);

#endif
