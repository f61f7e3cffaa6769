// heap/standard.c -- the standard names: malloc and its family, as libmidden.so replaces them.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "heap/family.h"
#include "heap/fast.h"
#include "heap/last_look.h"
#include "midden/malloc.h"

#define STANDARD MIDDEN_API
// What is called most begins at a cache line: else what lies before it decides how it is fetched,
// and an exported name more cost a program that builds trees a sixth of its time.
#define STANDARD_HOT __attribute__((aligned(64))) STANDARD
#define CALLER __builtin_return_address(0)

// Not in Debian 12's headers: C23's sized frees, and what glibc dropped from its own.
STANDARD void free_sized(void *p, size_t bytes);
STANDARD void free_aligned_sized(void *p, size_t align, size_t bytes);
STANDARD void cfree(void *p);

STANDARD_HOT void *malloc(size_t bytes) { return mid_fast_malloc(bytes); }
STANDARD_HOT void free(void *p) { mid_fast_free(p); }
STANDARD void cfree(void *p) { mid_fast_free(p); }

// The size is not trusted to find the block: programs get it wrong, after a shrinking realloc.
STANDARD void free_sized(void *p, size_t bytes) { (void)bytes, mid_fast_free(p); }
STANDARD void free_aligned_sized(void *p, size_t align, size_t bytes) {
  (void)align, (void)bytes;
  mid_fast_free(p);
}

STANDARD void *calloc(size_t count, size_t bytes) { return mid_calloc(NULL, count, bytes, CALLER); }
STANDARD void *realloc(void *p, size_t bytes) { return mid_realloc(NULL, p, bytes, CALLER); }
STANDARD void *reallocarray(void *p, size_t count, size_t bytes) {
  return mid_reallocarray(p, count, bytes, CALLER);
}

STANDARD void *aligned_alloc(size_t align, size_t bytes) {
  return mid_aligned(NULL, align, bytes, CALLER);
}

STANDARD int posix_memalign(void **out, size_t align, size_t bytes) {
  if (align % sizeof(void *) != 0 || !mid_is_power(align)) return EINVAL;
  int kept = errno;
  void *p = mid_aligned(NULL, align, bytes, CALLER);
  errno = kept;
  if (p == NULL) return ENOMEM;
  *out = p;
  return 0;
}

// As in glibc, an alignment that is no power of two is rounded up to one.
STANDARD void *memalign(size_t align, size_t bytes) {
  if (align > PTRDIFF_MAX / 2) return mid_aligned(NULL, 1, SIZE_MAX, CALLER);
  if (!mid_is_power(align)) align = align == 0 ? 1 : (size_t)2 << mid_log2(align);
  return mid_aligned(NULL, align, bytes, CALLER);
}

STANDARD void *valloc(size_t bytes) {
  return mid_aligned(NULL, mid_os_page_bytes(), bytes, CALLER);
}

STANDARD void *pvalloc(size_t bytes) {
  size_t page = mid_os_page_bytes();
  size_t whole = bytes > PTRDIFF_MAX ? bytes : mid_round_up(mid_max(bytes, 1), page);
  return mid_aligned(NULL, page, whole, CALLER);
}

STANDARD size_t malloc_usable_size(void *p) { return midden_malloc_usable_size(p); }

// `pad`, the bytes to keep, is glibc's; all is given back.
STANDARD int malloc_trim(size_t pad) {
  (void)pad;
  return midden_malloc_trim();
}

// Knobs of glibc's heap: accepted, and without effect here (`midden options` lists ours).
STANDARD int mallopt(int knob, int value) {
  (void)value;
  return knob <= M_MXFAST && knob >= M_ARENA_MAX;
}

// Programs that end by _exit run no destructors: their feed is removed here.  A signal handler may
// call it amid a malloc, so no lock is taken, and figures stay as they were last published.
_Noreturn STANDARD void _exit(int status) {
  mid_tell_left();
  mid_last_look_ask();
  mid_os_exit(status);
}
_Noreturn STANDARD void _Exit(int status) { _exit(status); }

// ---- figures ----

struct figures {
  struct mid_feed_process totals;
  uint64_t live_blocks, live_bytes, free_blocks, free_bytes;
};

MID_RARELY static struct figures figures_now(void) {
  struct figures f = {.totals = mid_span_totals()};
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_feed_count count = mid_tell_sum(c);
    uint64_t live = count.allocated - count.freed;
    uint64_t unused = count.carved - count.dropped - live;
    f.live_blocks += live;
    f.live_bytes += live * mid_class_bytes(c);
    f.free_blocks += unused;
    f.free_bytes += unused * mid_class_bytes(c);
  }
  return f;
}

STANDARD struct mallinfo2 mallinfo2(void) {
  struct figures f = figures_now();
  struct mallinfo2 info = {0};
  info.arena = f.totals.used - f.totals.large_bytes + f.totals.dirty;
  info.ordblks = f.free_blocks + f.totals.spans_free;
  info.hblks = f.totals.large_blocks;
  info.hblkhd = f.totals.large_bytes;
  info.uordblks = f.live_bytes + f.totals.large_bytes;
  info.fordblks = f.free_bytes + f.totals.dirty;
  info.keepcost = f.totals.dirty;
  return info;
}

static int capped(size_t n) { return n > INT32_MAX ? INT32_MAX : (int)n; }

STANDARD struct mallinfo mallinfo(void) {
  struct mallinfo2 all = mallinfo2();
  return (struct mallinfo){.arena = capped(all.arena),
                           .ordblks = capped(all.ordblks),
                           .hblks = capped(all.hblks),
                           .hblkhd = capped(all.hblkhd),
                           .uordblks = capped(all.uordblks),
                           .fordblks = capped(all.fordblks),
                           .keepcost = capped(all.keepcost)};
}

static void say_line(struct mid_text *t, const char *what, uint64_t bytes) {
  mid_text_add(t, what);
  mid_text_size(t, bytes);
  mid_text_add(t, "\n");
}

MID_RARELY STANDARD void malloc_stats(void) {
  struct figures f = figures_now();
  char room[512];
  struct mid_text t = mid_text_open(room, sizeof room);
  say_line(&t, "midden: live blocks      ", f.live_bytes + f.totals.large_bytes);
  say_line(&t, "midden: free in spans    ", f.free_bytes);
  say_line(&t, "midden: dirty            ", f.totals.dirty);
  say_line(&t, "midden: committed        ", f.totals.used + f.totals.dirty);
  say_line(&t, "midden: committed, peak  ", f.totals.peak_committed);
  say_line(&t, "midden: given back       ", f.totals.purged);
  mid_text_say(&t);
}

// XML in the manner of glibc's: a size element for each class in use, then totals.
MID_RARELY STANDARD int malloc_info(int options, FILE *out) {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  struct figures f = figures_now();
  fprintf(out, "<malloc version=\"midden-1\">\n<sizes>\n");
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_feed_count count = mid_tell_sum(c);
    if (count.carved == count.dropped) continue;
    uint64_t live = count.allocated - count.freed;
    fprintf(out, "<size bytes=\"%zu\" live=\"%llu\" free=\"%llu\" spans=\"%llu\"/>\n",
            mid_class_bytes(c), (unsigned long long)live,
            (unsigned long long)(count.carved - count.dropped - live),
            (unsigned long long)(count.opened - count.closed));
  }
  fprintf(out, "</sizes>\n<total type=\"live\" count=\"%llu\" size=\"%llu\"/>\n",
          (unsigned long long)(f.live_blocks + f.totals.large_blocks),
          (unsigned long long)(f.live_bytes + f.totals.large_bytes));
  fprintf(out, "<total type=\"large\" count=\"%llu\" size=\"%llu\"/>\n",
          (unsigned long long)f.totals.large_blocks, (unsigned long long)f.totals.large_bytes);
  fprintf(out, "<system type=\"current\" size=\"%llu\"/>\n<system type=\"max\" size=\"%llu\"/>\n",
          (unsigned long long)(f.totals.used + f.totals.dirty),
          (unsigned long long)f.totals.peak_committed);
  fprintf(out, "</malloc>\n");
  return ferror(out) ? -1 : 0;
}
