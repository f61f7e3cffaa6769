// heap/tell.c -- the heap's counters, told to the feed.
// SPDX-License-Identifier: MIT
//
// The truth is in each heap, under its lock; slow paths copy what they changed into the heap's slot
// of the feed.  The feed is made at the first allocation that takes a slow path, and made anew in a
// forked child before its first count.
#include <string.h>

#include "base/options.h"
#include "heap/heap.h"
#include "heap/last_look.h"
#include "heap/record.h"
#include "midden/request.h"

static struct mid_lock feed_lock;  // innermost: taken under heap locks, never around them
static _Atomic bool sought;        // x: the feed was opened, or could not be

// x: that threads ended whose heap has no slot in the feed, or that have none.
static _Atomic uint64_t homeless_requests;
static _Atomic bool requests_begun;  // x: somebody has summed up, or does so just now
static struct { uint64_t blocks, bytes; } before_requests;  // allocated until then; feed_lock

static void feed_open(void) {
  struct mid_feed_class classes[MID_CLASSES];
  for (unsigned c = 0; c < MID_CLASSES; c++)
    classes[c] = (struct mid_feed_class){mid_class_bytes(c), mid_class_slices(c) * MID_SLICE_BYTES};
  uint64_t recording = mid_options.record != 0 ? mid_options.record * 2 + 1 : 0;
  if (mid_feed_open(mid_options.run, recording, classes, MID_CLASSES)) mid_last_look_open();
}

static void publish_process(struct mid_feed_process *totals, void *context) {
  (void)context;
  totals->feed_lost = mid_feed_lost();
  totals->requests = atomic_load_explicit(&homeless_requests, memory_order_relaxed);
  totals->requests_after_blocks = before_requests.blocks;
  totals->requests_after_bytes = before_requests.bytes;
  mid_feed_publish_process(totals);
}

static void publish_count(struct mid_heap *heap, unsigned klass) {
  struct mid_feed_count count = mid_heap_count(heap, klass);
  mid_feed_publish_count(heap->place, klass, &count);
}

static void place_seek(struct mid_heap *heap) {
  heap->place_sought = true;
  mid_lock_take(&feed_lock);
  if (!atomic_exchange_explicit(&sought, true, memory_order_relaxed)) feed_open();
  if (mid_feed_is_open()) heap->place = mid_feed_place_open();
  mid_lock_give(&feed_lock);
  if (heap->place == NULL) return;
  for (unsigned c = 0; c < MID_CLASSES; c++)
    if (heap->count[c].allocated != 0) publish_count(heap, c);
  mid_feed_publish_requests(heap->place,
                            atomic_load_explicit(&heap->requests, memory_order_relaxed));
}

void mid_tell_process(void) {
  if (!mid_options.feed || !mid_span_changed()) return;
  mid_lock_take(&feed_lock);
  if (!atomic_exchange_explicit(&sought, true, memory_order_relaxed)) feed_open();
  if (mid_feed_is_open()) mid_span_locked(publish_process, NULL);
  mid_lock_give(&feed_lock);
}

void mid_tell_class(struct mid_heap *heap, unsigned klass) {
  if (!mid_options.feed) return;
  mid_record_look();
  if (!heap->place_sought) place_seek(heap);
  struct mid_feed_heap told = mid_heap_told(heap);
  mid_feed_publish_heap(heap->place, &told);
  publish_count(heap, klass);
  mid_tell_process();
}

// ---- sums ----

struct sum {
  unsigned klass;
  struct mid_feed_count count;
};

// The counts as they are at this moment: without what waits to be handed out, and with the frees
// that were not told yet.  The lock is held; an estimate while the heap's owner runs.
static struct mid_feed_count count_now(const struct mid_heap *heap, unsigned klass) {
  struct mid_feed_count count = mid_heap_count(heap, klass);
  count.allocated -= mid_heap_ready_count(heap, klass);
  count.freed += mid_heap_untold(heap, klass);
  return count;
}

static void add_heap(struct mid_heap *heap, void *context) {
  struct sum *sum = context;
  mid_lock_take(&heap->lock);
  struct mid_feed_count count = count_now(heap, sum->klass);
  mid_lock_give(&heap->lock);
#define X(field, ...) sum->count.field += count.field;
  MID_FEED_COUNT(X)
#undef X
}

struct mid_feed_count mid_tell_sum(unsigned klass) {
  struct sum sum = {klass, {0}};
  mid_heaps_visit(add_heap, &sum);
  return sum.count;
}

// ---- requests ----

struct allocated {
  uint64_t blocks, bytes;
};

static void add_allocated(struct mid_heap *heap, void *context) {
  struct allocated *sum = context;
  mid_lock_take(&heap->lock);
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    // Not count_now, which also walks the spans, for what is free.
    uint64_t blocks = mid_heap_count(heap, c).allocated - mid_heap_ready_count(heap, c);
    sum->blocks += blocks;
    sum->bytes += blocks * mid_class_bytes(c);
  }
  mid_lock_give(&heap->lock);
}

static void publish_before_requests(struct mid_feed_process *totals, void *context) {
  const struct allocated *small = context;
  before_requests.blocks = small->blocks + totals->large_allocated;
  before_requests.bytes = small->bytes + totals->large_allocated_bytes;
  publish_process(totals, NULL);
}

// What a program allocates as it starts is of no request: the figures are of those after the first.
MID_RARELY static void requests_begin(void) {
  struct allocated small = {0};
  if (atomic_exchange_explicit(&requests_begun, true, memory_order_relaxed)) return;
  (void)mid_thread_heap_get();  // starts the library
  mid_tell_open();
  mid_heaps_visit(add_allocated, &small);
  mid_lock_take(&feed_lock);
  mid_span_locked(publish_before_requests, &small);
  mid_lock_give(&feed_lock);
}

MID_RARELY static void request_end_homeless(void) {
  if (!mid_options.feed) return;
  requests_begin();
  atomic_fetch_add_explicit(&homeless_requests, 1, memory_order_relaxed);
}

void midden_request_end(void) {
  struct mid_heap *heap = mid_thread_heap;
  struct mid_feed_place *place =
      mid_heap_is_real(heap) ? atomic_load_explicit(&heap->place, memory_order_relaxed) : NULL;
  if (mid_unlikely(place == NULL)) return request_end_homeless();
  uint64_t now = atomic_load_explicit(&heap->requests, memory_order_relaxed) + 1;
  if (mid_unlikely(now == 1)) requests_begin();
  atomic_store_explicit(&heap->requests, now, memory_order_relaxed);
  mid_feed_publish_requests(place, now);
}

// ---- the end, and fork ----

MID_RARELY static void tell_last(struct mid_heap *heap, void *context) {
  (void)context;
  mid_lock_take(&heap->lock);
  for (unsigned c = 0; c < MID_CLASSES && heap->place != NULL; c++) {
    struct mid_feed_count now = count_now(heap, c);
    mid_feed_publish_count(heap->place, c, &now);
  }
  struct mid_feed_heap told = mid_heap_told(heap);
  if (heap->place != NULL) mid_feed_publish_heap(heap->place, &told);
  mid_lock_give(&heap->lock);
}

MID_RARELY static void publish_end(struct mid_feed_process *totals, void *context) {
  const struct mid_feed_process *end = context;
  totals->ended = 1;
  totals->end_rss = end->end_rss;
  totals->end_peak_rss = end->end_peak_rss;
  totals->end_anonymous = end->end_anonymous;
  totals->end_huge = end->end_huge;
  totals->end_swap = end->end_swap;
  totals->end_span_rss = end->end_span_rss;
  publish_process(totals, NULL);
}

MID_RARELY void mid_tell_end(void) {
  if (!mid_options.feed || !mid_feed_is_open()) return;
  mid_lock_hurry(true);  // exit may have been called from a signal handler, amid a malloc
  bool keep = mid_options.feed == MID_OPTION_FEED_KEEP;
  if (keep) {
    mid_heaps_visit(tell_last, NULL);
    // Read first, so that what reading touches is not in the figures.
    struct mid_feed_process end = {0};
    struct mid_os_resident resident = {0};
    end.end_span_rss = mid_span_resident();
    if (mid_os_resident_read(&resident)) {
      end.end_rss = resident.rss;
      end.end_peak_rss = resident.peak_rss;
      end.end_anonymous = resident.anonymous;
      end.end_huge = resident.huge;
      end.end_swap = resident.swap;
    }
    mid_lock_take(&feed_lock);
    mid_span_locked(publish_end, &end);
    mid_lock_give(&feed_lock);
  }
  mid_lock_take(&feed_lock);
  mid_feed_end(keep);
  mid_lock_give(&feed_lock);
  mid_lock_hurry(false);
}

void mid_tell_left(void) {
  if (mid_options.feed && mid_feed_is_open())
    mid_feed_end(mid_options.feed == MID_OPTION_FEED_KEEP);
}

void mid_tell_open(void) {
  if (!mid_options.feed || atomic_load_explicit(&sought, memory_order_relaxed)) return;
  mid_lock_take(&feed_lock);
  if (!atomic_exchange_explicit(&sought, true, memory_order_relaxed)) feed_open();
  mid_lock_give(&feed_lock);
}

void mid_tell_lock(void) { mid_lock_take(&feed_lock); }
void mid_tell_unlock(void) { mid_lock_give(&feed_lock); }

static void forget_place(struct mid_heap *heap) {
  heap->place = NULL;
  heap->place_sought = false;
}

void mid_tell_forked(struct mid_heap *first) {
  for (struct mid_heap *heap = first; heap != NULL; heap = heap->next) forget_place(heap);
  mid_feed_forget();
  atomic_store_explicit(&sought, false, memory_order_relaxed);
}
