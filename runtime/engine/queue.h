/* Changes of the storage that a blob has asked for and Go has not made yet. Each crossing into Go costs more than most changes
 * do, and a change has no result. So they wait here, with copies of their arguments, until Go is entered for something else or
 * the call ends; Go then makes them first, in their order. */
#ifndef SEPIA_QUEUE_H
#define SEPIA_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* A transfer leaves 4 KiB here. What is larger than the queue does not wait. */
enum { SEPIA_QUEUE_BYTES = 64 * 1024 };

/* Before the bytes of each change's arguments. The size is a multiple of 8, and so is where each begins. */
typedef struct sepia_change {
  uint32_t id;        /* the import */
  uint32_t length[2]; /* of its arguments */
  uint32_t size;      /* of all, this and what fills up to a multiple of 8 included */
} sepia_change;

typedef struct sepia_queue {
  uint32_t len;
  uint8_t bytes[SEPIA_QUEUE_BYTES] __attribute__((aligned(8)));
} sepia_queue;

/* Appends a change of import id with two arguments, NULL if it has fewer. Says no if there is no room. */
bool sepia_queue_add(sepia_queue *queue, uint32_t id, const uint8_t *first, uint32_t first_len, const uint8_t *second,
                     uint32_t second_len);

#endif
