// heap/first_class.c -- heaps of one's own, and every heap as an allocator.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/options.h"
#include "heap/family.h"
#include "heap/hardened.h"
#include "heap/ledger.h"
#include "heap/record.h"
#include "heap/sample.h"
#include "midden/heap.h"
#include "midden/malloc.h"

#define CALLER __builtin_return_address(0)

static struct mid_heap *inner(midden_heap *heap) { return (struct mid_heap *)heap; }

midden_status midden_heap_open(midden_heap **out) {
  if (mid_thread_heap_get() == NULL) return MIDDEN_NOMEM;  // starts the library
  struct mid_heap *heap = mid_heap_new_shared();
  if (heap == NULL) return MIDDEN_NOMEM;
  heap->peak = heap->committed;
  *out = (midden_heap *)heap;
  return MIDDEN_OK;
}

static bool give_recorded(void *block, size_t bytes, void *caller) {
  (void)bytes;
  mid_record_give(block, caller);
  return true;
}

void midden_heap_close(midden_heap *heap) {
  if (heap == NULL) return;
  mid_ledger_close(heap);
  if (mid_record_is_on()) midden_heap_walk(heap, give_recorded, CALLER);
  mid_hardened_flush(inner(heap));
  mid_lock_take(&inner(heap)->lock);
  mid_heap_drop(inner(heap));
  mid_lock_give(&inner(heap)->lock);
  mid_heap_pool(inner(heap));
  mid_span_settle();
  mid_tell_process();
}

void *midden_heap_alloc(midden_heap *heap, size_t bytes) {
  void *p = mid_take(inner(heap), bytes, MID_BLOCK_ALIGN, false, CALLER);
  p = mid_sampled(MID_DOOR_MALLOC, p, bytes, CALLER);
  return mid_recorded(MID_RING_TAKE, p, bytes, MID_BLOCK_ALIGN, CALLER);
}

void *midden_heap_calloc(midden_heap *heap, size_t count, size_t bytes) {
  return mid_calloc(inner(heap), count, bytes, CALLER);
}

void *midden_heap_realloc(midden_heap *heap, void *p, size_t bytes) {
  return mid_realloc(inner(heap), p, bytes, CALLER);
}

void *midden_heap_aligned(midden_heap *heap, size_t align, size_t bytes) {
  return mid_aligned(inner(heap), align, bytes, CALLER);
}

void midden_heap_free(void *p) { midden_free(p); }
size_t midden_heap_usable(const void *p) { return mid_heap_usable(p); }

// ---- walk ----

// Which blocks of `span` are live: bit i for block i.  The heap's lock is held.
static uint32_t live_blocks(struct mid_span *span, uint64_t live[64]) {
  memset(live, 0, 64 * sizeof *live);
  uint32_t count = 0;
  if (mid_options.hardened) {
    const char *p = (const char *)mid_span_base(span);
    for (uint32_t i = 0; i < span->carved; i++, p += span->block_bytes)
      if (!mid_hardened_is_free(span, p)) live[i / 64] |= 1ull << i % 64, count++;
    return count;
  }
  for (uint32_t i = 0; i < span->carved; i++) live[i / 64] |= 1ull << i % 64;
  const struct mid_block *lists[] = {span->ready, span->freed};
  count = span->carved;
  for (int l = 0; l < 2; l++)
    for (const struct mid_block *b = lists[l]; b != mid_no_block(); b = b->next, count--) {
      size_t i = ((uintptr_t)b - mid_span_base(span)) / span->block_bytes;
      live[i / 64] &= ~(1ull << i % 64);
    }
  return count;
}

typedef bool visitor(void *block, size_t bytes, void *context);

static bool walk_span(struct mid_span *span, visitor *visit, void *context) {
  uint64_t live[64];
  live_blocks(span, live);
  char *p = (char *)mid_span_base(span);
  for (uint32_t i = 0; i < span->carved; i++, p += span->block_bytes)
    if ((live[i / 64] >> i % 64) & 1)
      if (!visit(p, mid_heap_usable(p), context)) return false;
  return true;
}

static bool walk_list(const struct mid_span_list *list, visitor *visit, void *context) {
  for (struct mid_span *span = list->first; span != NULL; span = span->next)
    if (!walk_span(span, visit, context)) return false;
  return true;
}

static bool walk_large(const struct mid_span_list *list, visitor *visit, void *context) {
  for (struct mid_span *span = list->first; span != NULL; span = span->next)
    if (!visit((char *)mid_span_base(span) + span->block_bytes, mid_large_usable(span), context))
      return false;
  return true;
}

static bool walk_locked(struct mid_heap *heap, visitor *visit, void *context) {
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    if (heap->current[c] != &mid_span_none && !walk_span(heap->current[c], visit, context))
      return false;
    if (!walk_list(&heap->partial[c], visit, context)) return false;
    if (!walk_list(&heap->full[c], visit, context)) return false;
  }
  return walk_large(&heap->large, visit, context);
}

bool midden_heap_walk(midden_heap *heap, visitor *visit, void *context) {
  mid_lock_take(&inner(heap)->lock);
  bool whole = walk_locked(inner(heap), visit, context);
  mid_lock_give(&inner(heap)->lock);
  return whole;
}

// ---- stats ----

static bool add_block(void *block, size_t bytes, void *context) {
  (void)block;
  midden_stats *stats = context;
  stats->live_blocks++;
  stats->live_bytes += bytes;
  return true;
}

midden_stats midden_heap_stats(midden_heap *heap) {
  midden_stats stats = {0};
  struct mid_heap *h = inner(heap);
  mid_lock_take(&h->lock);
  walk_locked(h, add_block, &stats);
  stats.committed_bytes = h->committed;
  stats.peak_bytes = h->peak;
  mid_lock_give(&h->lock);
  return stats;
}

// ---- as allocators ----

static midden_heap *heap_of(midden_allocator *self) {
  return (midden_heap *)((char *)self - offsetof(struct mid_heap, allocator));
}

static void *heap_alloc(midden_allocator *self, size_t bytes, size_t align) {
  return midden_heap_aligned(heap_of(self), align == 0 ? MID_BLOCK_ALIGN : align, bytes);
}

// What realloc cannot promise, an alignment over 16, is done by hand.
static void *resize_aligned(midden_allocator *self, void *p, size_t bytes, size_t align) {
  size_t usable = mid_heap_usable(p);
  if (bytes <= usable && bytes >= usable / 2 && (uintptr_t)p % align == 0) return p;
  return mid_moved(p, self->alloc(self, bytes, align), mid_min(usable, bytes));
}

static void *heap_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                         size_t align) {
  (void)old_bytes;
  if (p == NULL) return heap_alloc(self, bytes, align);
  if (align > MID_BLOCK_ALIGN) return resize_aligned(self, p, bytes, align);
  return midden_heap_realloc(heap_of(self), p, bytes);
}

static void any_free(midden_allocator *self, void *p, size_t bytes) {
  (void)self, (void)bytes;
  midden_free(p);
}

// The span of `p` when that is the start of a block in use, else NULL.
static struct mid_span *span_of(const void *p) {
  struct mid_span *span = p == NULL ? NULL : mid_map_find_head(p);
  if (span == NULL) return NULL;
  size_t off = (uintptr_t)p - mid_span_base(span), block_bytes = span->block_bytes;
  if (span->state == MID_SPAN_LARGE) return off == block_bytes ? span : NULL;
  if (block_bytes == 0) return NULL;  // being opened or closed just now
  if (off % block_bytes != 0 || off / block_bytes >= span->carved) return NULL;
  bool is_free = mid_options.hardened ? mid_hardened_is_free(span, p)
                                      : ((const struct mid_block *)p)->mark == span;
  return is_free ? NULL : span;
}

static bool heap_owns(midden_allocator *self, const void *p) {
  const struct mid_span *span = span_of(p);
  return span != NULL &&
         atomic_load_explicit(&span->heap, memory_order_acquire) == inner(heap_of(self));
}

static midden_stats heap_stats(midden_allocator *self) { return midden_heap_stats(heap_of(self)); }

midden_allocator *midden_heap_allocator(midden_heap *heap) {
  inner(heap)->allocator =
      (midden_allocator){"heap", heap_alloc, heap_resize, any_free, heap_owns, heap_stats};
  return &inner(heap)->allocator;
}

static void *malloc_alloc(midden_allocator *self, size_t bytes, size_t align) {
  (void)self;
  if (mid_likely(align == MID_BLOCK_ALIGN || align == 0)) return midden_malloc(bytes);
  return midden_aligned_alloc(align, bytes);
}

static void *malloc_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                           size_t align) {
  (void)old_bytes;
  if (p == NULL) return malloc_alloc(self, bytes, align);
  return align > MID_BLOCK_ALIGN ? resize_aligned(self, p, bytes, align) : midden_realloc(p, bytes);
}

// A block of a thread's heap, of one that ended, or with a span of its own; not of a heap's.
static bool malloc_owns(midden_allocator *self, const void *p) {
  (void)self;
  const struct mid_span *span = span_of(p);
  if (span == NULL) return false;
  const struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
  return heap == NULL || heap->kind != MID_HEAP_SHARED;
}

static midden_stats malloc_stats_now(midden_allocator *self) {
  (void)self;
  struct mid_feed_process totals = mid_span_totals();
  midden_stats stats = {.live_blocks = totals.large_blocks,
                        .live_bytes = totals.large_bytes,
                        .committed_bytes = totals.used + totals.stale + totals.dirty,
                        .peak_bytes = totals.peak_committed};
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_feed_count count = mid_tell_sum(c);
    stats.live_blocks += count.allocated - count.freed;
    stats.live_bytes += (count.allocated - count.freed) * mid_class_bytes(c);
  }
  return stats;
}

static midden_allocator allocator_malloc = {"malloc", malloc_alloc, malloc_resize,
                                            any_free, malloc_owns,  malloc_stats_now};

midden_allocator *midden_allocator_malloc(void) { return &allocator_malloc; }
