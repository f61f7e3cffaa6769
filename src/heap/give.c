// heap/give.c -- free, when it is not a plain push: blocks of full spans, of other threads, of
// none.
//
// SPDX-License-Identifier: MIT
#include "base/options.h"
#include "heap/fast.h"
#include "heap/foreign.h"
#include "heap/hardened.h"
#include "heap/record.h"
#include "heap/sample.h"

// ---- remote frees ----

struct mid_block *mid_remote_take(struct mid_span *span, uint32_t *count, bool tell) {
  // Acquire the blocks; release what was written before, so that who pushes next sees whose it is.
  uint64_t now = tell ? MID_REMOTE_TELL : 0;
  uint64_t word = atomic_exchange_explicit(&span->xfreed, now, memory_order_acq_rel);
  *count = mid_remote_count(word);
  return mid_remote_first(word);
}

void mid_remote_fold(struct mid_heap *heap, struct mid_span *span) {
  uint32_t count;
  struct mid_block *first = mid_remote_take(span, &count, true), *last = first;
  if (count == 0) return;
  if (mid_options.hardened) count = mid_hardened_fold(span, count);
  if (!mid_options.hardened && span->freed != mid_no_block()) {
    for (uint32_t i = 1; i < count; i++, last = last->next)
      if (last->mark != span) mid_crime_in_list(last);
    if (last->mark != span) mid_crime_in_list(last);
    last->next = span->freed;
  }
  if (!mid_options.hardened) span->freed = first;
  mid_count_add(&heap->told.remote_freed, count);
  mid_span_watch(span, mid_span_used(span) - count);
}

void mid_heap_drain(struct mid_heap *heap) {
  while (heap->pending != NULL) {
    struct mid_span *span = heap->pending;
    mid_pending_drop(heap, span);
    mid_span_take_stock(heap, span);
  }
}

// A full span whose every block came back is given up by the thread that freed the last one: its
// owner may sleep.  Full spans, and those of samples, are touched under the lock alone, so this is
// safe; others wait, and so do those of samples that are not full.
static void close_for_owner(struct mid_heap *heap, struct mid_span *span) {
  bool apart = span->list == MID_LIST_SAMPLED && mid_span_used(span) == span->capacity;
  if ((span->list != MID_LIST_FULL && !apart) || heap->kind == MID_HEAP_POOLED) return;
  uint64_t word = atomic_load_explicit(&span->xfreed, memory_order_acquire);
  if (mid_remote_count(word) != mid_span_used(span)) return;
  unsigned klass = span->klass;
  mid_pending_drop(heap, span);
  mid_spans_drop(mid_spans_of(heap, span), span);
  // The other counters are the owner's, who changes some of them without the lock.
  heap->spans[klass]--;
  heap->closed_by_others[klass]++;
  heap->freed_by_others += span->capacity;
  heap->committed -= span->bytes;
  if (mid_options.hardened) mid_hardened_close(span);
  mid_span_give(span);
  mid_tell_class(heap, klass);
}

// So many blocks wait in `span` that its owner should know.
static void remote_notify(struct mid_span *span) {
  for (;;) {
    struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
    if (heap == NULL) return;  // abandoned, or given up already: whoever takes it over drains it
    mid_lock_take(&heap->lock);
    bool here = atomic_load_explicit(&span->heap, memory_order_acquire) == heap;
    // Not SMALL: the block came home meanwhile, and its span went and came again as something else.
    if (here && span->state == MID_SPAN_SMALL && span->list != MID_LIST_CURRENT) {
      mid_pending_add(heap, span);
      close_for_owner(heap, span);
    }
    mid_lock_give(&heap->lock);
    if (here) return;
  }
}

// Whether `count` blocks that wait are an eighth of a full span, or all that is used of another.
// The owner may change what is read here: at worst the span waits for its next refill.
__attribute__((no_sanitize("thread"))) static bool is_much(const struct mid_span *span,
                                                           uint32_t count) {
  uint32_t used = span->floor + span->left, capacity = span->capacity;
  return count >= (used == capacity ? mid_max(capacity / 8u, 1) : used);
}

void mid_remote_listen(struct mid_heap *heap, struct mid_span *span) {
  uint64_t word = atomic_fetch_or_explicit(&span->xfreed, MID_REMOTE_TELL, memory_order_relaxed);
  uint32_t count = mid_remote_count(word);
  if (count > 0 && is_much(span, count)) mid_pending_add(heap, span);
}

void mid_remote_push(struct mid_span *span, struct mid_block *first, struct mid_block *last,
                     uint32_t blocks) {
  uint32_t capacity = span->capacity, count;
  uint64_t old = atomic_load_explicit(&span->xfreed, memory_order_relaxed), now;
  bool tell;
  do {
    count = mid_remote_count(old) + blocks;
    if (!mid_options.hardened)
      last->next = count == blocks ? mid_no_block() : mid_remote_first(old);
    tell = (old & MID_REMOTE_TELL) != 0 && is_much(span, count);
    now = (uintptr_t)first | (uint64_t)count << MID_REMOTE_SHIFT;
    if (!tell) now |= old & MID_REMOTE_TELL;
  } while (!atomic_compare_exchange_weak_explicit(&span->xfreed, &old, now, memory_order_acq_rel,
                                                  memory_order_relaxed));
  if (tell || count == capacity) remote_notify(span);
}

static void give_remote(struct mid_span *span, struct mid_block *block) {
  bool sample = mid_span_is_sampled(span);
  if (!mid_options.hardened && !sample) return mid_gather(span, block);
  if (mid_options.hardened) {
    mid_hardened_push_remote(span, block);
  } else {  // not with others, since each is looked up
    mid_sample_gave(block);
    block->mark = span;
  }
  mid_remote_push(span, block, block, 1);
}

// ---- the owner's own ----

// A class keeps its only span of samples.  Those that were freed into are tried first.
static bool is_kept(struct mid_heap *heap, struct mid_span *span) {
  struct mid_span_list *list = &heap->sampled[span->klass];
  if (span->list != MID_LIST_SAMPLED) return false;
  mid_spans_drop(list, span);
  mid_spans_push_first(list, span);
  return list->first == list->last;
}

static void freed_one(struct mid_heap *heap, struct mid_span *span) {
  bool kept = is_kept(heap, span);
  if (--span->left == 0) {
    mid_span_tell_frees(heap, span);
    if (!kept && mid_span_close_if_empty(heap, span)) return;
    mid_span_watch(span, span->floor);
  }
  if (span->list == MID_LIST_FULL) mid_span_relist(heap, span, MID_LIST_PARTIAL);
}

static void look_locked(struct mid_heap *heap, struct mid_span *span) {
  mid_lock_take(&heap->lock);
  unsigned klass = span->klass;
  if (!mid_span_close_if_empty(heap, span)) mid_pages_look(heap, span);
  mid_tell_class(heap, klass);
  mid_lock_give(&heap->lock);
  mid_span_settle();
}

void mid_heap_give_watched(struct mid_span *span) {
  struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_relaxed);
  mid_span_tell_frees(heap, span);
  mid_span_watch(span, span->floor);
  if (span->left == 0 || mid_pages_wanted(heap)) look_locked(heap, span);
}

static void give_slow(struct mid_heap *heap, struct mid_span *span, struct mid_block *block) {
  unsigned klass = span->klass;
  if (mid_options.hardened) {
    mid_hardened_push(span, block);
  } else {
    if (mid_span_is_sampled(span)) mid_sample_gave(block);
    mid_span_push(span, block);
  }
  freed_one(heap, span);
  mid_tell_class(heap, klass);
}

// Free into a span of an ended thread: take the span over; a thread that is ending itself only
// puts the block back.  false when the span changed hands meanwhile.
static bool give_abandoned(struct mid_span *span, struct mid_block *block) {
  struct mid_heap *heap = mid_thread_heap_get();
  // Without a heap to take it over the block is lost, as memory ran out.
  if (heap == NULL) return true;
  mid_lock_take(&heap->lock);
  bool mine = mid_adopt(heap, span);
  if (mine) {
    give_slow(heap, span, block);
    // A thread that is ending does not keep it, unless it is gone already.
    if (heap->kind == MID_HEAP_LATE &&
        atomic_load_explicit(&span->heap, memory_order_relaxed) == heap)
      mid_span_abandon(heap, span);
  }
  mid_lock_give(&heap->lock);
  return mine;
}

// Into a span that is touched under its heap's lock alone.  false when it changed hands meanwhile.
static bool give_under_lock(struct mid_heap *heap, struct mid_span *span, struct mid_block *block) {
  mid_lock_take(&heap->lock);
  bool still = atomic_load_explicit(&span->heap, memory_order_relaxed) == heap &&
               (mid_span_is_locked(span) || heap->thread == mid_os_self());
  if (still) give_slow(heap, span, block);
  mid_lock_give(&heap->lock);
  return still;
}

void mid_heap_give_block(struct mid_span *span, struct mid_block *block) {
  for (;;) {
    struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
    if (heap == NULL) {
      if (give_abandoned(span, block)) return;
    } else if (heap != mid_thread_heap && !mid_span_is_locked(span)) {
      return give_remote(span, block);
    } else if (atomic_load_explicit(&span->limit, memory_order_relaxed) != 0) {
      // Ours, in a slice behind the span's first.
      mid_span_push(span, block);
      if (--span->left == 0) mid_heap_give_watched(span);
      return;
    } else if (give_under_lock(heap, span, block)) {
      return;
    }
  }
}

__attribute__((noinline)) static void give_looked_up(void *p) {
  struct mid_span *span = mid_heap_block_span(p);
  if (span == NULL)
    mid_foreign_give(p);
  else if (span->state == MID_SPAN_LARGE)
    mid_large_give(span);
  else if (mid_options.hardened)
    mid_hardened_give(span, p);
  else
    mid_heap_give_block(span, p);
  mid_span_settle();
}

void mid_heap_give_any(void *p) {
  if (mid_record_is_on()) mid_record_give(p, __builtin_return_address(0));
  bool done = mid_unlikely(mid_options.hardened) ? mid_hardened_give_quick(p) : mid_gather_quick(p);
  if (!done && p != NULL) give_looked_up(p);
}
