// heap/heap.c -- the lists and counts of a heap, and a heap as a whole.
// SPDX-License-Identifier: MIT
#include "heap/heap.h"

#include <string.h>

#include "base/options.h"
#include "heap/fast.h"
#include "heap/hardened.h"
#include "heap/sample.h"

const struct mid_block mid_block_none;
struct mid_span mid_span_none = {.ready = (struct mid_block *)&mid_block_none,
                                 .freed = (struct mid_block *)&mid_block_none};

// ---- lists ----

struct mid_span_list *mid_spans_of(struct mid_heap *heap, const struct mid_span *span) {
  return span->list == MID_LIST_PARTIAL   ? &heap->partial[span->klass]
         : span->list == MID_LIST_FULL    ? &heap->full[span->klass]
         : span->list == MID_LIST_SAMPLED ? &heap->sampled[span->klass]
                                          : NULL;
}

void mid_span_arm(struct mid_heap *heap, struct mid_span *span) {
  bool inlined = heap->kind == MID_HEAP_THREAD && !mid_options.hardened &&
                 (span->list == MID_LIST_CURRENT || span->list == MID_LIST_PARTIAL);
  uint64_t limit = inlined ? mid_span_limit(span, span->carved) : 0;
  atomic_store_explicit(&span->limit, limit, memory_order_relaxed);
}

void mid_span_relist(struct mid_heap *heap, struct mid_span *span, uint8_t list) {
  struct mid_span_list *old = mid_spans_of(heap, span);
  bool current = span->list == MID_LIST_CURRENT || list == MID_LIST_CURRENT;
  if (old != NULL) mid_spans_drop(old, span);
  span->list = list & 7u;
  struct mid_span_list *now = mid_spans_of(heap, span);
  if (now != NULL) mid_spans_push(now, span);
  mid_span_arm(heap, span);
  if (current) mid_span_watch(span, mid_span_used(span));
  if (now != NULL && !mid_span_is_locked(span)) mid_remote_listen(heap, span);
}

void mid_heap_set_current(struct mid_heap *heap, unsigned klass, struct mid_span *span) {
  heap->current[klass] = span;
  if (span != &mid_span_none) mid_span_relist(heap, span, MID_LIST_CURRENT);
  // Hardened heaps take every block the slow way; so do shared ones, which need the lock, and those
  // that are recorded.
  if (heap->kind != MID_HEAP_THREAD || mid_options.hardened) return;
  if (heap->recorded) span = &mid_span_none;
  size_t most = mid_class_bytes(klass), least = klass == 0 ? 0 : mid_class_bytes(klass - 1) + 1;
  for (size_t i = (least + 15) / 16; i <= most / 16 && i <= MID_QUICK_MOST / 16; i++)
    heap->quick[i] = span;
}

void mid_span_shelve(struct mid_heap *heap, struct mid_span *span) {
  mid_span_relist(heap, span,
                  mid_span_is_apart(heap, span) ? MID_LIST_SAMPLED
                  : mid_span_has_room(span)     ? MID_LIST_PARTIAL
                                                : MID_LIST_FULL);
}

void mid_heap_retire_current(struct mid_heap *heap, unsigned klass) {
  struct mid_span *span = heap->current[klass];
  mid_heap_set_current(heap, klass, &mid_span_none);
  if (span != &mid_span_none) mid_span_shelve(heap, span);
}

bool mid_span_has_room(const struct mid_span *span) {
  if (mid_options.hardened) return mid_hardened_has_room(span);
  return span->freed != mid_no_block() || span->carved < span->capacity ||
         mid_pages_gone_blocks(span) > 0;
}

void mid_pending_add(struct mid_heap *heap, struct mid_span *span) {
  if (span->pending) return;
  span->pending = true;
  span->xprev = NULL;
  span->xnext = heap->pending;
  if (span->xnext != NULL) span->xnext->xprev = span;
  heap->pending = span;
}

void mid_pending_drop(struct mid_heap *heap, struct mid_span *span) {
  if (!span->pending) return;
  if (span->xnext != NULL) span->xnext->xprev = span->xprev;
  if (span->xprev != NULL)
    span->xprev->xnext = span->xnext;
  else
    heap->pending = span->xnext;
  span->xnext = span->xprev = NULL;
  span->pending = false;
}

// ---- counts ----

enum { PURSE_MOST = 1 << 21 };

// Tell the counters of the frees since they were last told.
void mid_span_tell_frees(struct mid_heap *heap, struct mid_span *span) {
  uint32_t freed = span->carved - mid_span_used(span);
  mid_count_add(&heap->count[span->klass].freed, freed - span->told);
  heap->purse = mid_min(heap->purse + freed - span->told, PURSE_MOST);
  mid_span_set_told(heap, span, freed);
}

// Look again when a quarter of the span was freed; when less than half of it is used, at each
// quarter of that, since whole pages become free then.
void mid_span_watch(struct mid_span *span, uint32_t used) {
  if (span->list == MID_LIST_CURRENT) return mid_span_watch_not(span, used);
  uint32_t in_use = used - mid_pages_gone_blocks(span);
  size_t much = in_use > span->capacity / 2u ? span->capacity : in_use;
  size_t step = mid_min(in_use, mid_max(much / 4, 1));
  // In this order: a child that is forked off between the two has too many in use, never too few.
  span->left = (uint32_t)step;
  atomic_signal_fence(memory_order_seq_cst);
  span->floor = used - span->left;
}

// ---- spans come and go ----

struct mid_span *mid_span_open(struct mid_heap *heap, unsigned klass, bool urgent) {
  size_t slices = mid_class_slices(klass), bytes = mid_class_bytes(klass);
  struct mid_span *span = mid_span_take(slices, MID_SLICE_BYTES, MID_SPAN_SMALL, urgent);
  if (span == NULL) return NULL;
  span->klass = (uint8_t)klass;
  span->block_bytes = (uint32_t)bytes;
  span->magic = mid_span_magic(bytes);
  mid_span_set_key(heap, span);
  span->capacity = (uint16_t)(slices * MID_SLICE_BYTES / bytes);
  span->ready = span->freed = mid_no_block();
  atomic_store_explicit(&span->heap, heap, memory_order_release);
  mid_count_add(&heap->count[klass].opened, 1);
  heap->spans[klass]++;
  if (!mid_options.hardened || mid_hardened_open(heap, span)) return span;
  mid_count_add(&heap->count[klass].closed, 1);
  heap->spans[klass]--;
  mid_span_give(span);
  return NULL;
}

void mid_span_close(struct mid_heap *heap, struct mid_span *span) {
  mid_pending_drop(heap, span);
  struct mid_feed_count *count = &heap->count[span->klass];
  mid_count_add(&count->dropped, span->carved - mid_pages_gone_blocks(span));
  mid_span_set_told(heap, span, 0);
  heap->regret -= heap->regret / 16384;
  mid_count_add(&count->closed, 1);
  heap->spans[span->klass]--;
  heap->committed -= span->bytes;
  if (mid_options.hardened) mid_hardened_close(span);
  mid_span_give(span);
}

bool mid_span_is_empty(const struct mid_span *span) {
  uint32_t used = mid_span_used(span);
  if (used != mid_pages_gone_blocks(span)) return false;
  mid_pages_check(span);
  return true;
}

bool mid_span_close_if_empty(struct mid_heap *heap, struct mid_span *span) {
  if (span->list == MID_LIST_CURRENT || !mid_span_is_empty(span)) return false;
  mid_spans_drop(mid_spans_of(heap, span), span);
  mid_span_close(heap, span);
  return true;
}

// The thread that popped is gone or is us; where fork cut it off in a pop, the first block's mark
// may be wiped while the block is still listed.
void mid_ready_fold(struct mid_heap *heap, struct mid_span *span) {
  if (mid_options.hardened) return;
  uint32_t folded = 0;
  struct mid_block *block = span->ready, *next;
  for (bool first = true; block != mid_no_block() && (first || block->mark == span); block = next) {
    next = block->next;
    mid_span_push(span, block);
    folded++, first = false;
  }
  span->ready = mid_no_block();
  mid_sample_forgo(heap, span->klass);
  mid_count_add(&heap->count[span->klass].allocated, -(uint64_t)folded);
  mid_span_set_told(heap, span, span->told + folded);
  mid_span_watch(span, mid_span_used(span) - folded);
}

void mid_span_take_stock(struct mid_heap *heap, struct mid_span *span) {
  mid_remote_fold(heap, span);
  mid_span_tell_frees(heap, span);
  if (mid_span_close_if_empty(heap, span)) return;
  if (span->list == MID_LIST_FULL && mid_span_has_room(span)) mid_span_shelve(heap, span);
}

// ---- a heap as a whole ----

void mid_heap_prepare(struct mid_heap *heap, enum mid_heap_kind kind, uintptr_t thread) {
  heap->kind = kind;
  heap->rounds = 0;
  memset(heap->lent, 0, sizeof heap->lent);
  memset(heap->grant_log, 0, sizeof heap->grant_log);
  heap->thread = thread;
  heap->recorded = false;
  for (unsigned c = 0; c < MID_CLASSES; c++) heap->current[c] = &mid_span_none;
  for (size_t i = 0; i < sizeof heap->quick / sizeof *heap->quick; i++)
    heap->quick[i] = &mid_span_none;
}

// ---- after a fork ----

// Blocks that other threads were freeing as the pages were copied: the list may lead to a page that
// was copied before they wrote to it.  Then it is lost.
MID_RARELY static void mend_remote(struct mid_heap *heap, struct mid_span *span) {
  uint64_t word = atomic_load_explicit(&span->xfreed, memory_order_relaxed);
  uintptr_t base = mid_span_base(span), bytes = span->slices * MID_SLICE_BYTES;
  const struct mid_block *block = mid_remote_first(word);
  for (uint32_t left = mid_remote_count(word); left > 0; left--, block = block->next)
    if ((uintptr_t)block - base >= bytes || block->mark != span) {
      atomic_store_explicit(&span->xfreed, MID_REMOTE_TELL, memory_order_relaxed);
      return;
    }
  if (mid_remote_count(word) > 0 && span->list != MID_LIST_CURRENT) mid_pending_add(heap, span);
}

// The same for the lists of a thread that is gone, which it changed without a lock.
MID_RARELY static void forget_free(struct mid_heap *heap, struct mid_span *span) {
  span->ready = span->freed = mid_no_block();
  mid_span_set_told(heap, span, 0);
  mid_span_watch(span, span->carved);
}

MID_RARELY void mid_heap_mend(struct mid_heap *heap, bool mine) {
  for (unsigned c = 0; c < MID_CLASSES && !mid_options.hardened; c++) {
    // A current span leads to none, and so does the one that stands for none.
    struct mid_span *current = heap->current[c] == &mid_span_none ? NULL : heap->current[c];
    struct mid_span *lists[] = {current, heap->partial[c].first, heap->full[c].first};
    for (int l = 0; l < 3; l++)
      for (struct mid_span *span = lists[l]; span != NULL; span = span->next) {
        mend_remote(heap, span);
        if (!mine && l < 2) forget_free(heap, span);
      }
  }
}

// ---- what is kept for the next call ----

MID_RARELY static void tidy_current(struct mid_heap *heap, unsigned klass) {
  struct mid_span *span = heap->current[klass];
  if (span == &mid_span_none) return;
  mid_ready_fold(heap, span);
  mid_remote_fold(heap, span);
  mid_span_tell_frees(heap, span);
  if (!mid_span_is_empty(span)) return;
  mid_heap_set_current(heap, klass, &mid_span_none);
  span->list = MID_LIST_NONE;
  mid_span_close(heap, span);
}

MID_RARELY static void tidy_list(struct mid_heap *heap, struct mid_span_list *list) {
  for (struct mid_span *span = list->first, *next; span != NULL; span = next) {
    next = span->next;
    mid_span_take_stock(heap, span);
  }
}

MID_RARELY void mid_heap_tidy(struct mid_heap *heap) {
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    if (heap->spans[c] == 0) continue;
    tidy_current(heap, c);
    tidy_list(heap, &heap->partial[c]);
    tidy_list(heap, &heap->full[c]);
    tidy_list(heap, &heap->sampled[c]);
    mid_tell_class(heap, c);
  }
}

// Each class keeps a current span, however long ago it was used.  Looked at when the heap has grown
// by an eighth, so that the cost is small beside that of the growth.
enum { SWEEP_STEP = 256 << 10 };

void mid_heap_sweep(struct mid_heap *heap, unsigned klass) {
  if (heap->committed < heap->sweep_at || mid_options.hardened) return;
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_span *span = heap->current[c];
    if (c == klass || span == &mid_span_none) continue;
    mid_ready_fold(heap, span);
    mid_remote_fold(heap, span);
    mid_heap_retire_current(heap, c);
    mid_span_tell_frees(heap, span);
    (void)mid_span_close_if_empty(heap, span);
  }
  heap->sweep_at = heap->committed + mid_max(heap->committed / 8, SWEEP_STEP);
}

MID_RARELY static void drop_list(struct mid_heap *heap, struct mid_span_list *list) {
  while (list->first != NULL) {
    struct mid_span *span = list->first;
    mid_spans_drop(list, span);
    mid_ready_fold(heap, span);
    if (mid_span_is_sampled(span)) mid_sample_dropped(span);
    uint32_t made = span->carved - mid_pages_gone_blocks(span);
    mid_count_add(&heap->count[span->klass].freed, made - (uint64_t)span->told);
    mid_span_close(heap, span);
  }
}

MID_RARELY void mid_heap_drop(struct mid_heap *heap) {
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    if (heap->spans[c] == 0) continue;
    mid_heap_retire_current(heap, c);
    drop_list(heap, &heap->partial[c]);
    drop_list(heap, &heap->full[c]);
    mid_tell_class(heap, c);
  }
  while (heap->large.first != NULL) mid_large_drop(heap, heap->large.first);
}

// ---- figures ----

struct mid_feed_count mid_heap_count(const struct mid_heap *heap, unsigned klass) {
  struct mid_feed_count count = heap->count[klass];
  uint64_t spans = heap->closed_by_others[klass];
  uint64_t blocks = spans * (mid_class_slices(klass) * MID_SLICE_BYTES / mid_class_bytes(klass));
  count.freed += blocks;
  count.dropped += blocks;
  count.closed += spans;
  return count;
}

struct mid_feed_heap mid_heap_told(const struct mid_heap *heap) {
  struct mid_feed_heap told = heap->told;
  told.remote_freed += heap->freed_by_others;
  return told;
}

// Free blocks, of whatever list, that the counters take for live ones.
static uint64_t span_untold(const struct mid_span *span) {
  uint32_t remote = mid_remote_count(atomic_load_explicit(&span->xfreed, memory_order_relaxed));
  return span->carved - mid_span_used(span) - span->told + remote;
}

MID_RARELY uint64_t mid_heap_untold(const struct mid_heap *heap, unsigned klass) {
  const struct mid_span *span = heap->current[klass];
  uint64_t untold = span == &mid_span_none ? 0 : span_untold(span);
  untold += mid_hardened_held(heap, klass) + mid_gather_count(heap, klass);
  for (span = heap->partial[klass].first; span != NULL; span = span->next)
    untold += span_untold(span);
  for (span = heap->full[klass].first; span != NULL; span = span->next) untold += span_untold(span);
  for (span = heap->sampled[klass].first; span != NULL; span = span->next)
    untold += span_untold(span);
  return untold;
}

uint32_t mid_heap_ready_count(const struct mid_heap *heap, unsigned klass) {
  const struct mid_span *span = heap->current[klass];
  if (span == &mid_span_none || mid_options.hardened) return 0;
  // The owner may pop meanwhile: a link is followed only while it stays within the span.
  uintptr_t base = mid_span_base(span), bytes = span->slices * MID_SLICE_BYTES;
  const struct mid_block *block = span->ready;
  uint32_t count = 0;
  while ((uintptr_t)block - base < bytes && block->mark == span && count < span->capacity)
    block = block->next, count++;
  return count;
}
