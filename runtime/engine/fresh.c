/* A blob call must find memory as a new instance has it. A new instance for each call is exact, but its page faults cost
 * more than a short call does. Restoring what the toolchain says is written (data, heap, the top of the stack) is cheap, but
 * a blob may write anywhere and read it in a later call. So the pages that were really written are restored.
 *
 * The kernel knows them: a page of a private mapping that was never written is absent or belongs to the file it was mapped
 * from. /proc/self/pagemap says so for each page. A first write to a page always faults on the thread that writes; the list
 * from the last look is complete as long as the thread had no page fault since, and asking for their number is ten times
 * cheaper than looking.
 *
 * Swapped pages count as written. Where the file is missing or does not mean this (a start-up check tries it), restoring is
 * never attempted and each call gets a new instance: slower, with the same results. */
#define _GNU_SOURCE
#include "fresh.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/resource.h>

enum { LOOK_ENTRIES = 2048 };

static const uint64_t present = UINT64_C(1) << 63, swapped = UINT64_C(1) << 62, of_file = UINT64_C(1) << 61;

static size_t page_size(void) {
  static size_t size;
  if (size == 0) size = (size_t)sysconf(_SC_PAGESIZE);
  return size;
}

static int64_t thread_faults(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) != 0) return -1;
  return usage.ru_minflt + usage.ru_majflt;
}

/* Appends the written pages of a range to the list, as far as it has room. Says how many there are, or -1. */
static int64_t look(int tracker, const uint8_t *memory, uint64_t len, uint32_t *list, uint32_t room) {
  uint64_t entries[LOOK_ENTRIES], total = (len + page_size() - 1) / page_size();
  int64_t found = 0;
  for (uint64_t at = 0; at < total; at += LOOK_ENTRIES) {
    uint64_t n = total - at < LOOK_ENTRIES ? total - at : LOOK_ENTRIES;
    off_t offset = (off_t)(((uintptr_t)memory / page_size() + at) * sizeof *entries);
    if (pread(tracker, entries, n * sizeof *entries, offset) != (ssize_t)(n * sizeof *entries)) return -1;
    for (uint64_t i = 0; i < n; i++) {
      if (!(entries[i] & (present | swapped)) || (entries[i] & of_file)) continue;
      if (found < room) list[found] = (uint32_t)(at + i);
      found++;
    }
  }
  return found;
}

/* Tries on a mapping whether exactly the written page is reported, and its fault counted. The volatile accesses must not be
 * optimised away. */
static bool reports_writes(int tracker, uint8_t *mapping, size_t pages) {
  volatile uint8_t *v = mapping;
  (void)v[0]; /* a page that was read only may be reported: it costs time, not correctness */
  uint32_t list[2];
  int64_t faults = thread_faults();
  v[page_size()] = 1;
  if (faults < 0 || thread_faults() == faults) return false;
  int64_t n = look(tracker, mapping, pages * page_size(), list, 2);
  return (n == 1 && list[0] == 1) || (n == 2 && list[0] == 0 && list[1] == 1);
}

static bool works(int tracker) {
  size_t len = 3 * page_size();
  int image = memfd_create("sepia", MFD_CLOEXEC);
  if (image < 0) return false;
  bool ok = ftruncate(image, (off_t)len) == 0;
  for (int backing = -1; ok && backing <= image; backing += image + 1) {
    int flags = backing < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE;
    uint8_t *mapping = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, backing, 0);
    if (mapping == MAP_FAILED) {
      ok = false;
      break;
    }
    madvise(mapping, len, MADV_NOHUGEPAGE);
    ok = reports_writes(tracker, mapping, 3);
    munmap(mapping, len);
  }
  close(image);
  return ok;
}

int sepia_tracker_open(void) {
  int tracker = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (tracker < 0) return -1;
  if (works(tracker)) return tracker;
  close(tracker);
  return -1;
}

void sepia_tracker_close(int tracker) {
  if (tracker >= 0) close(tracker);
}

#else /* other systems: a new instance for each call */

static size_t page_size(void) { return 65536; }
static int64_t thread_faults(void) { return -1; }
static int64_t look(int tracker, const uint8_t *memory, uint64_t len, uint32_t *list, uint32_t room) {
  (void)tracker, (void)memory, (void)len, (void)list, (void)room;
  return -1;
}
int sepia_tracker_open(void) { return -1; }
void sepia_tracker_close(int tracker) { (void)tracker; }

#endif

void sepia_image_take(sepia_image *image, const uint8_t *bytes, uint64_t len) {
  size_t page = page_size();
  uint64_t pages = (len + page - 1) / page;
  image->len = len;
  image->bytes = malloc(len + 1);
  image->zero = calloc(pages + 1, sizeof *image->zero);
  memcpy(image->bytes, bytes, len);
  for (uint64_t i = 0; i < pages; i++) {
    const uint8_t *p = image->bytes + i * page;
    image->zero[i] = p[0] == 0 && memcmp(p, p + 1, page - 1) == 0;
  }
}

void sepia_image_free(sepia_image *image) {
  free(image->bytes);
  free(image->zero);
}

void sepia_pages_begin(sepia_pages *pages) { pages->faults = thread_faults(); }

void sepia_pages_end(sepia_pages *pages) {
  if (pages->faults < 0 || thread_faults() != pages->faults) pages->known = false;
}

void sepia_pages_forget(sepia_pages *pages) {
  pages->known = false;
  pages->count = 0;
}

static void restore_page(const sepia_image *image, uint8_t *memory, uint32_t number) {
  size_t page = page_size();
  uint64_t at = (uint64_t)number * page;
  if (image->zero[number])
    memset(memory + at, 0, page);
  else
    memcpy(memory + at, image->bytes + at, page);
}

/* The number of listed pages from index i on that lie side by side and are zero in the image. */
static uint32_t zero_run(const sepia_pages *pages, const sepia_image *image, uint32_t i) {
  uint32_t n = 0;
  while (i + n < pages->count && image->zero[pages->at[i + n]] && pages->at[i + n] == pages->at[i] + n) n++;
  return n;
}

/* One call with a large heap must not make all later ones restore its pages. Giving a page back to the kernel makes it zero,
 * but its next write faults, which costs ten times what restoring does; hence only above a number of pages. */
static void restore_some_drop_others(sepia_pages *pages, const sepia_image *image, uint8_t *memory, uint32_t first_unused) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < pages->count;) {
    uint32_t number = pages->at[i], run = number < first_unused ? 0 : zero_run(pages, image, i);
    if (run > 0 && madvise(memory + (uint64_t)number * page_size(), run * page_size(), MADV_DONTNEED) == 0) {
      i += run;
      continue;
    }
    restore_page(image, memory, number);
    pages->at[kept++] = number;
    i++;
  }
  pages->count = kept;
}

bool sepia_pages_restore(sepia_pages *pages, int tracker, const sepia_image *image, uint8_t *memory, uint64_t used) {
  if (tracker < 0) return false;
  if (pages->at == NULL) pages->at = malloc(SEPIA_PAGES_MOST * sizeof *pages->at);
  if (!pages->known) {
    int64_t found = look(tracker, memory, image->len, pages->at, SEPIA_PAGES_MOST);
    if (found < 0 || found > SEPIA_PAGES_MOST) return false;
    pages->count = (uint32_t)found;
    pages->known = true;
  }
  if (pages->count > SEPIA_PAGES_KEPT) {
    restore_some_drop_others(pages, image, memory, (uint32_t)((used + page_size() - 1) / page_size()));
    return true;
  }
  for (uint32_t i = 0; i < pages->count; i++) restore_page(image, memory, pages->at[i]);
  return true;
}
