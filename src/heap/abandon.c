// heap/abandon.c -- spans without a thread: left by one that ended, taken over by who comes next.
// SPDX-License-Identifier: MIT
#include "base/options.h"
#include "heap/fast.h"

static struct mid_lock abandoned_lock;
static struct {
  struct mid_span_list spans;  // under abandoned_lock
  _Atomic uint32_t count;      // of spans: a look before the lock
} abandoned[MID_CLASSES];

void mid_abandoned_lock(void) { mid_lock_take(&abandoned_lock); }
void mid_abandoned_unlock(void) { mid_lock_give(&abandoned_lock); }

static void abandoned_add(struct mid_span *span) {
  mid_lock_take(&abandoned_lock);
  mid_spans_push(&abandoned[span->klass].spans, span);
  atomic_fetch_add_explicit(&abandoned[span->klass].count, 1, memory_order_relaxed);
  atomic_store_explicit(&span->heap, NULL, memory_order_release);
  mid_lock_give(&abandoned_lock);
}

// Both locks are held.  The span is in no list of `heap` afterwards.
static void abandoned_drop(struct mid_heap *heap, struct mid_span *span) {
  mid_spans_drop(&abandoned[span->klass].spans, span);
  atomic_fetch_sub_explicit(&abandoned[span->klass].count, 1, memory_order_relaxed);
  mid_span_set_key(heap, span);
  atomic_store_explicit(&span->heap, heap, memory_order_release);
  mid_count_add(&heap->told.adopted, 1);
  heap->spans[span->klass]++;
  heap->free_bytes += (size_t)span->told * span->block_bytes;
  mid_heap_commit(heap, span->bytes);
}

// Put `span`, which is ours now, into a list.
static void settle_in(struct mid_heap *heap, struct mid_span *span) {
  mid_remote_fold(heap, span);
  mid_span_tell_frees(heap, span);
  mid_span_shelve(heap, span);
}

bool mid_adopt(struct mid_heap *heap, struct mid_span *span) {
  mid_lock_take(&abandoned_lock);
  bool mine = atomic_load_explicit(&span->heap, memory_order_relaxed) == NULL;
  if (mine) abandoned_drop(heap, span);
  mid_lock_give(&abandoned_lock);
  if (mine) settle_in(heap, span);
  return mine;
}

// Heaps that can be closed take over none: the blocks in it are not theirs.
struct mid_span *mid_adopt_any(struct mid_heap *heap, unsigned klass) {
  if (heap->kind != MID_HEAP_THREAD) return NULL;
  while (atomic_load_explicit(&abandoned[klass].count, memory_order_relaxed) > 0) {
    mid_lock_take(&abandoned_lock);
    struct mid_span *span = abandoned[klass].spans.first;
    if (span != NULL) abandoned_drop(heap, span);
    mid_lock_give(&abandoned_lock);
    if (span == NULL) return NULL;
    settle_in(heap, span);
    if (span->list == MID_LIST_PARTIAL) return span;
  }
  return NULL;
}

void mid_span_abandon(struct mid_heap *heap, struct mid_span *span) {
  mid_span_relist(heap, span, MID_LIST_NONE);
  mid_ready_fold(heap, span);
  mid_pending_drop(heap, span);
  mid_remote_fold(heap, span);
  mid_span_tell_frees(heap, span);
  if (mid_span_is_empty(span)) return mid_span_close(heap, span);
  heap->spans[span->klass]--;
  heap->committed -= span->bytes;
  heap->free_bytes -= (size_t)span->told * span->block_bytes;
  abandoned_add(span);
}

void mid_heap_abandon(struct mid_heap *heap) {
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    if (heap->spans[c] == 0) continue;
    struct mid_span *current = heap->current[c];
    mid_heap_set_current(heap, c, &mid_span_none);
    if (current != &mid_span_none) mid_span_abandon(heap, current);
    while (heap->partial[c].first != NULL) mid_span_abandon(heap, heap->partial[c].first);
    while (heap->full[c].first != NULL) mid_span_abandon(heap, heap->full[c].first);
    while (heap->sampled[c].first != NULL) mid_span_abandon(heap, heap->sampled[c].first);
    mid_tell_class(heap, c);
  }
}
