// heap/heap.c -- refill, watch, drain and hand-over: what malloc and free do when they are slow.
// SPDX-License-Identifier: MIT
#include "heap/heap.h"

#include <string.h>

#include "base/options.h"
#include "heap/fast.h"
#include "heap/foreign.h"
#include "heap/hardened.h"

const struct mid_block mid_block_none;
struct mid_span mid_span_none = {.ready = (struct mid_block *)&mid_block_none,
                                 .freed = (struct mid_block *)&mid_block_none};

static struct mid_lock abandoned_lock;
static struct {
  struct mid_span_list spans;  // under abandoned_lock
  _Atomic uint32_t count;      // of spans: a look before the lock
} abandoned[MID_CLASSES];

void mid_abandoned_lock(void) { mid_lock_take(&abandoned_lock); }
void mid_abandoned_unlock(void) { mid_lock_give(&abandoned_lock); }

// ---- lists ----

static struct mid_span_list *spans_of(struct mid_heap *heap, const struct mid_span *span) {
  return span->list == MID_LIST_PARTIAL ? &heap->partial[span->klass]
         : span->list == MID_LIST_FULL  ? &heap->full[span->klass]
                                        : NULL;
}

// The owner word of a span of `heap`: frees into a full one need the lock.
static uintptr_t owner_word(const struct mid_heap *heap, uint8_t list) {
  if (heap->kind != MID_HEAP_THREAD || mid_options.hardened) return MID_OWNER_SHARED;
  return heap->thread | (list == MID_LIST_FULL ? MID_OWNER_SLOW : 0);
}

static void span_relist(struct mid_heap *heap, struct mid_span *span, uint8_t list) {
  struct mid_span_list *old = spans_of(heap, span);
  if (old != NULL) mid_spans_drop(old, span);
  span->list = list;
  struct mid_span_list *now = spans_of(heap, span);
  if (now != NULL) mid_spans_push(now, span);
  atomic_store_explicit(&span->owner, owner_word(heap, list), memory_order_release);
}

static void set_current(struct mid_heap *heap, unsigned klass, struct mid_span *span) {
  heap->current[klass] = span;
  if (span != &mid_span_none) span_relist(heap, span, MID_LIST_CURRENT);
  // Hardened heaps take every block the slow way; so do shared ones, which need the lock.
  if (heap->kind != MID_HEAP_THREAD || mid_options.hardened) return;
  size_t most = mid_class_bytes(klass), least = klass == 0 ? 0 : mid_class_bytes(klass - 1) + 1;
  for (size_t i = (least + 15) / 16; i <= most / 16 && i <= MID_QUICK_MOST / 16; i++)
    heap->quick[i] = span;
}

static bool span_has_room(const struct mid_span *span) {
  if (mid_options.hardened) return mid_hardened_has_room(span);
  return span->freed != mid_no_block() || span->carved < span->capacity;
}

// ---- counts ----

static uint32_t span_used(const struct mid_span *span) { return span->floor + span->left; }

// Tell the counters of the frees since they were last told.
void mid_span_tell_frees(struct mid_heap *heap, struct mid_span *span) {
  uint32_t freed = span->carved - span_used(span);
  heap->count[span->klass].freed += freed - span->told;
  span->told = (uint16_t)freed;
}

// `used` blocks are in use: look at the span again when a quarter of it was freed, or all.
static void span_watch(struct mid_span *span, uint32_t used) {
  size_t step = mid_max(span->capacity / 4u, 1);
  span->left = (uint32_t)mid_min(step, used);
  span->floor = used - span->left;
}

// ---- spans come and go ----

static struct mid_span *span_open(struct mid_heap *heap, unsigned klass, bool urgent) {
  size_t slices = mid_class_slices(klass), bytes = mid_class_bytes(klass);
  struct mid_span *span = mid_span_take(slices, MID_SLICE_BYTES, MID_SPAN_SMALL, urgent);
  if (span == NULL) return NULL;
  span->klass = (uint8_t)klass;
  span->block_bytes = (uint32_t)bytes;
  span->magic = (uint32_t)((((uint64_t)1 << 32) + bytes - 1) / bytes);
  span->capacity = (uint16_t)(slices * MID_SLICE_BYTES / bytes);
  span->ready = span->freed = mid_no_block();
  atomic_store_explicit(&span->heap, heap, memory_order_release);
  heap->count[klass].opened++;
  if (!mid_options.hardened || mid_hardened_open(heap, span, urgent)) return span;
  heap->count[klass].closed++;
  mid_span_give(span);
  return NULL;
}

static void pending_add(struct mid_heap *heap, struct mid_span *span) {
  if (span->pending) return;
  span->pending = true;
  span->xprev = NULL;
  span->xnext = heap->pending;
  if (span->xnext != NULL) span->xnext->xprev = span;
  heap->pending = span;
}

static void pending_drop(struct mid_heap *heap, struct mid_span *span) {
  if (!span->pending) return;
  if (span->xnext != NULL) span->xnext->xprev = span->xprev;
  if (span->xprev != NULL)
    span->xprev->xnext = span->xnext;
  else
    heap->pending = span->xnext;
  span->xnext = span->xprev = NULL;
  span->pending = false;
}

// Give back a span that is in no list but perhaps `pending`.
static void span_close(struct mid_heap *heap, struct mid_span *span) {
  pending_drop(heap, span);
  struct mid_feed_count *count = &heap->count[span->klass];
  count->dropped += span->carved;
  count->closed++;
  heap->committed -= span->bytes;
  if (mid_options.hardened) mid_hardened_close(span);
  mid_span_give(span);
}

// All blocks are free: leave its list and go, but for the current one, which is about to be used.
static bool close_if_empty(struct mid_heap *heap, struct mid_span *span) {
  if (span_used(span) != 0 || span->list == MID_LIST_CURRENT) return false;
  mid_spans_drop(spans_of(heap, span), span);
  span_close(heap, span);
  return true;
}

// ---- remote frees ----

static struct mid_block *remote_take(struct mid_span *span, uint32_t *count) {
  // Acquire the blocks; release what was written before, so that who pushes next sees whose it is.
  uint64_t word = atomic_exchange_explicit(&span->xfreed, 0, memory_order_acq_rel);
  *count = mid_remote_count(word);
  return mid_remote_first(word);
}

// Bring remote frees home.  Whoever may touch `freed` calls it.
static uint32_t span_drain(struct mid_span *span) {
  uint32_t count;
  struct mid_block *first = remote_take(span, &count), *last = first;
  if (count == 0) return 0;
  for (uint32_t i = 1; i < count; i++, last = last->next)
    if (last->mark != span) mid_crime_in_list(last);
  if (last->mark != span) mid_crime_in_list(last);
  last->next = span->freed;
  span->freed = first;
  span_watch(span, span_used(span) - count);
  return count;
}

static void drain_one(struct mid_heap *heap, struct mid_span *span) {
  uint32_t count = span_drain(span);
  if (count == 0) return;
  heap->told.remote_freed += count;
  mid_span_tell_frees(heap, span);
  if (!close_if_empty(heap, span) && span->list == MID_LIST_FULL)
    span_relist(heap, span, MID_LIST_PARTIAL);
}

// By the owner, or for a shared heap by anyone, under the lock.
static void heap_drain(struct mid_heap *heap) {
  while (heap->pending != NULL) {
    struct mid_span *span = heap->pending;
    pending_drop(heap, span);
    drain_one(heap, span);
  }
}

// A full span whose every block came back is given up by the thread that freed the last one: its
// owner may sleep.  Full spans are touched under the lock alone, so this is safe; others wait.
static void close_for_owner(struct mid_heap *heap, struct mid_span *span) {
  if (span->list != MID_LIST_FULL || heap->kind == MID_HEAP_POOLED) return;
  uint64_t word = atomic_load_explicit(&span->xfreed, memory_order_acquire);
  if (mid_remote_count(word) == span_used(span)) {
    unsigned klass = span->klass;
    pending_drop(heap, span);
    drain_one(heap, span);
    mid_tell_class(heap, klass);
  }
}

// The first block since the last drain went into `span`, or the last one that it has.
static void remote_notify(struct mid_span *span, bool all) {
  for (;;) {
    struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
    if (heap == NULL) return;  // abandoned, or given up already: whoever takes it over drains it
    mid_lock_take(&heap->lock);
    bool here = atomic_load_explicit(&span->heap, memory_order_acquire) == heap;
    // Not SMALL: the block came home meanwhile, and its span went and came again as something else.
    if (here && span->state == MID_SPAN_SMALL) {
      pending_add(heap, span);
      if (all) close_for_owner(heap, span);
    }
    mid_lock_give(&heap->lock);
    if (here) return;
  }
}

static void give_remote(struct mid_span *span, struct mid_block *block) {
  uint32_t capacity = span->capacity;
  uint64_t old = atomic_load_explicit(&span->xfreed, memory_order_relaxed), now;
  block->mark = span;
  do {
    uint64_t count = (old >> MID_REMOTE_SHIFT) + 1;
    block->next = count == 1 ? mid_no_block() : mid_remote_first(old);
    now = (uintptr_t)block | count << MID_REMOTE_SHIFT;
  } while (!atomic_compare_exchange_weak_explicit(&span->xfreed, &old, now, memory_order_acq_rel,
                                                  memory_order_relaxed));
  bool all = now >> MID_REMOTE_SHIFT == capacity;
  if (old == 0 || all) remote_notify(span, all);
}

// ---- abandoned spans ----

static void abandoned_add(struct mid_span *span) {
  span->list = MID_LIST_NONE;
  mid_lock_take(&abandoned_lock);
  mid_spans_push(&abandoned[span->klass].spans, span);
  atomic_fetch_add_explicit(&abandoned[span->klass].count, 1, memory_order_relaxed);
  atomic_store_explicit(&span->owner, MID_OWNER_ABANDONED, memory_order_relaxed);
  atomic_store_explicit(&span->heap, NULL, memory_order_release);
  mid_lock_give(&abandoned_lock);
}

// Both locks are held.  The span is in no list of `heap` afterwards.
static void abandoned_adopt(struct mid_heap *heap, struct mid_span *span) {
  mid_spans_drop(&abandoned[span->klass].spans, span);
  atomic_fetch_sub_explicit(&abandoned[span->klass].count, 1, memory_order_relaxed);
  span->list = MID_LIST_NONE;
  atomic_store_explicit(&span->heap, heap, memory_order_release);
  // No longer anyone's for the taking; slow, until it is in a list.
  atomic_store_explicit(&span->owner, owner_word(heap, MID_LIST_FULL), memory_order_release);
  heap->told.adopted++;
  mid_heap_commit(heap, span->bytes);
}

// Take over an abandoned span of `klass` that has a block to give; NULL when there is none.  Heaps
// that can be closed take over none: the blocks in it are not theirs.
static struct mid_span *adopt_any(struct mid_heap *heap, unsigned klass) {
  if (heap->kind != MID_HEAP_THREAD) return NULL;
  while (atomic_load_explicit(&abandoned[klass].count, memory_order_relaxed) > 0) {
    mid_lock_take(&abandoned_lock);
    struct mid_span *span = abandoned[klass].spans.first;
    if (span != NULL) abandoned_adopt(heap, span);
    mid_lock_give(&abandoned_lock);
    if (span == NULL) return NULL;
    heap->told.remote_freed += span_drain(span);
    mid_span_tell_frees(heap, span);
    if (span_has_room(span)) return span;
    span_relist(heap, span, MID_LIST_FULL);
  }
  return NULL;
}

// Put what waits in `ready` back among the freed.  The thread that popped is gone or is us; where
// fork cut it off in a pop, the first block's mark may be wiped while the block is still listed.
static void ready_fold(struct mid_heap *heap, struct mid_span *span) {
  uint32_t folded = 0;
  struct mid_block *block = span->ready, *next;
  for (bool first = true; block != mid_no_block() && (first || block->mark == span); block = next) {
    next = block->next;
    mid_span_push(span, block);
    folded++, first = false;
  }
  span->ready = mid_no_block();
  heap->count[span->klass].allocated -= folded;
  span->told = (uint16_t)(span->told + folded);
  span_watch(span, span_used(span) - folded);
}

static void span_abandon(struct mid_heap *heap, struct mid_span *span) {
  ready_fold(heap, span);
  pending_drop(heap, span);
  heap->told.remote_freed += span_drain(span);
  mid_span_tell_frees(heap, span);
  struct mid_span_list *list = spans_of(heap, span);
  if (list != NULL) mid_spans_drop(list, span);
  span->list = MID_LIST_NONE;
  if (span_used(span) == 0)
    span_close(heap, span);
  else
    heap->committed -= span->bytes, abandoned_add(span);
}

void mid_heap_abandon(struct mid_heap *heap) {
  mid_hardened_flush(heap);
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_span *current = heap->current[c];
    set_current(heap, c, &mid_span_none);
    if (current != &mid_span_none) span_abandon(heap, current);
    while (heap->partial[c].first != NULL) span_abandon(heap, heap->partial[c].first);
    while (heap->full[c].first != NULL) span_abandon(heap, heap->full[c].first);
    mid_tell_class(heap, c);
  }
}

static void announce(struct mid_heap *heap, struct mid_span *span) {
  if (atomic_load_explicit(&span->xfreed, memory_order_relaxed) != 0) pending_add(heap, span);
}

void mid_heap_announce(struct mid_heap *heap) {
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_span *span = heap->current[c];
    if (span != &mid_span_none) announce(heap, span);
    for (span = heap->partial[c].first; span != NULL; span = span->next) announce(heap, span);
    for (span = heap->full[c].first; span != NULL; span = span->next) announce(heap, span);
  }
}

void mid_heap_tidy(struct mid_heap *heap) {
  mid_hardened_flush(heap);
  heap_drain(heap);
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    struct mid_span *span = heap->current[c];
    if (span == &mid_span_none) continue;
    ready_fold(heap, span);
    mid_span_tell_frees(heap, span);
    if (span_used(span) != 0) continue;
    set_current(heap, c, &mid_span_none);
    span->list = MID_LIST_NONE;
    span_close(heap, span);
    mid_tell_class(heap, c);
  }
}

// ---- refill ----

// The inline path does not look how far the span is carved; here the block freed last is looked at.
static void check_last_freed(const struct mid_span *span) {
  size_t off = (uintptr_t)span->freed - mid_span_base(span);
  if (off >= (size_t)span->carved * span->block_bytes)
    mid_heap_crime("wild pointer", span->freed, "malloc has not given out this place yet");
}

// Move what was freed to `ready`; false when nothing was.
static bool span_reload(struct mid_heap *heap, struct mid_span *span) {
  if (mid_options.hardened) return mid_hardened_has_room(span);
  if (span->freed == mid_no_block()) return false;
  check_last_freed(span);
  mid_span_tell_frees(heap, span);
  heap->count[span->klass].allocated += span->carved - span_used(span);
  span->ready = span->freed;
  span->freed = mid_no_block();
  span->told = 0;
  span->ready_zero = false;
  span_watch(span, span->carved);
  return true;
}

// How many blocks to make next: a page of them at first, more as the span fills, so that a class
// used little touches little.
static uint32_t carve_count(const struct mid_span *span) {
  size_t made = (size_t)span->carved * span->block_bytes;
  size_t bytes = made < 8192 ? 4096 : made < 32768 ? 8192 : 16384;
  uint32_t blocks = (uint32_t)mid_max(1, bytes / span->block_bytes);
  return (uint32_t)mid_min(blocks, (size_t)(span->capacity - span->carved));
}

// Charge the pages that `count` more blocks reach into.
static bool carve_charge(struct mid_heap *heap, struct mid_span *span, uint32_t count,
                         bool urgent) {
  size_t end =
      mid_round_up(((size_t)span->carved + count) * span->block_bytes, mid_os_page_bytes());
  if (end <= span->bytes) return true;
  size_t more = end - span->bytes;
  if (!mid_span_charge(span, more, urgent)) return false;
  mid_heap_commit(heap, more);
  return true;
}

// Make blocks from the span's untouched end; false when it has none, or the limit refuses.
static bool span_carve(struct mid_heap *heap, struct mid_span *span, bool urgent) {
  uint32_t count = carve_count(span);
  if (count == 0) return false;
  // At a limit there may be room for one.
  if (!carve_charge(heap, span, count, urgent) && !carve_charge(heap, span, count = 1, urgent))
    return false;
  char *at = (char *)mid_span_base(span) + (size_t)span->carved * span->block_bytes;
  struct mid_block *first = (struct mid_block *)at, *block = first;
  for (uint32_t i = 1; i < count; i++, block = block->next) {
    at += span->block_bytes;
    block->mark = span;
    block->next = (struct mid_block *)at;
  }
  block->mark = span;
  block->next = mid_no_block();
  span_watch(span, span_used(span) + count);
  span->carved = (uint16_t)(span->carved + count);
  span->ready = first;
  span->ready_zero = span->zero;
  heap->count[span->klass].carved += count;
  heap->count[span->klass].allocated += count;
  return true;
}

static void retire_current(struct mid_heap *heap, unsigned klass) {
  struct mid_span *span = heap->current[klass];
  if (span == &mid_span_none) return;
  set_current(heap, klass, &mid_span_none);
  span_relist(heap, span, span_has_room(span) ? MID_LIST_PARTIAL : MID_LIST_FULL);
}

// A span that has freed blocks.  Those with nothing but untouched room are few: at a limit one may
// stand first, and must not hide the others.
static struct mid_span *partial_with_freed(const struct mid_heap *heap, unsigned klass) {
  struct mid_span *span = heap->partial[klass].first;
  while (span != NULL && span->freed == mid_no_block() && !mid_options.hardened) span = span->next;
  return span;
}

// The span to go on with when the current one has nothing left.
static struct mid_span *next_span(struct mid_heap *heap, unsigned klass, bool urgent) {
  if (heap->partial[klass].first != NULL) return heap->partial[klass].first;
  struct mid_span *span = adopt_any(heap, klass);
  return span != NULL ? span : span_open(heap, klass, urgent);
}

// Make `ready` of the class's current span hold a block.  Blocks that were used before come before
// untouched memory, the heap's own before those of ended threads.
bool mid_heap_refill(struct mid_heap *heap, unsigned klass, bool urgent) {
  heap_drain(heap);
  struct mid_span *span = heap->current[klass];
  if (span != &mid_span_none && span_reload(heap, span)) return true;
  struct mid_span *next = partial_with_freed(heap, klass);
  if (next == NULL) {
    if (span != &mid_span_none && span_carve(heap, span, urgent)) return true;
    next = next_span(heap, klass, urgent);
  }
  if (next == NULL) return false;
  retire_current(heap, klass);
  set_current(heap, klass, next);
  return span_reload(heap, next) || span_carve(heap, next, urgent);
}

// Debug builds look the current span over at each refill.
static void check_span(const struct mid_span *span) {
#ifdef MID_DEBUG
  const void *block = mid_span_unmarked(span);
  if (block != NULL) mid_crime_in_list(block);
  MID_ASSERT(mid_span_blocks_broken(span) == NULL);
#endif
  (void)span;
}

void *mid_heap_take_class(struct mid_heap *heap, unsigned klass, size_t asked, bool *zeroed,
                          bool urgent) {
  struct mid_block *block = NULL;
  mid_lock_take(&heap->lock);
  struct mid_span *span = heap->current[klass];
  if (span->ready != mid_no_block() && span->ready->mark != span) mid_crime_in_list(span->ready);
  heap->told.refills++;
  heap->count[klass].asked_samples++;
  heap->count[klass].asked_bytes += asked;
  if (span->ready != mid_no_block() || mid_heap_refill(heap, klass, urgent)) {
    span = heap->current[klass];
    block = span->ready;
    if (block->mark != span) mid_crime_in_list(block);
    check_span(span);
    span->ready = block->next;
    block->mark = NULL;
    if (zeroed != NULL) *zeroed = span->ready_zero;
  }
  mid_tell_class(heap, klass);
  mid_lock_give(&heap->lock);
  mid_span_settle();
  return block;
}

// ---- free, the slow way ----

// A block of `span` became free.  The lock is held, by the owner unless the span is a slow one.
void mid_span_freed_one(struct mid_heap *heap, struct mid_span *span) {
  if (--span->left == 0) {
    mid_span_tell_frees(heap, span);
    if (close_if_empty(heap, span)) return;
    span_watch(span, span->floor);
  }
  if (span->list == MID_LIST_FULL) span_relist(heap, span, MID_LIST_PARTIAL);
}

static void give_local(struct mid_heap *heap, struct mid_span *span, struct mid_block *block) {
  mid_span_push(span, block);
  mid_span_freed_one(heap, span);
}

void mid_heap_give_watched(struct mid_span *span) {
  check_last_freed(span);
  struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_relaxed);
  mid_lock_take(&heap->lock);
  unsigned klass = span->klass;
  mid_span_tell_frees(heap, span);
  if (!close_if_empty(heap, span)) span_watch(span, span->floor);
  mid_tell_class(heap, klass);
  mid_lock_give(&heap->lock);
  mid_span_settle();
}

static void give_slow(struct mid_heap *heap, struct mid_span *span, struct mid_block *block) {
  unsigned klass = span->klass;
  if (mid_options.hardened)
    mid_hardened_give(heap, span, block);
  else
    give_local(heap, span, block);
  mid_tell_class(heap, klass);
}

// Free into a span of an ended thread: take the span over; a thread that is ending itself only
// puts the block back.  false when the span changed hands meanwhile.
static bool give_abandoned(struct mid_span *span, struct mid_block *block) {
  struct mid_heap *heap = mid_thread_heap_get();
  if (heap != NULL) mid_lock_take(&heap->lock);
  mid_lock_take(&abandoned_lock);
  bool mine = atomic_load_explicit(&span->owner, memory_order_acquire) == MID_OWNER_ABANDONED;
  if (mine && heap != NULL) abandoned_adopt(heap, span);
  mid_lock_give(&abandoned_lock);
  if (mine && heap != NULL) {
    heap->told.remote_freed += span_drain(span);
    span_relist(heap, span, span_has_room(span) ? MID_LIST_PARTIAL : MID_LIST_FULL);
    give_slow(heap, span, block);
    // A thread that is ending does not keep it, unless it is gone already.
    if (heap->kind == MID_HEAP_LATE &&
        atomic_load_explicit(&span->heap, memory_order_relaxed) == heap)
      span_abandon(heap, span);
  }
  if (heap != NULL) mid_lock_give(&heap->lock);
  return mine;  // without a heap to take it over the block is lost, as memory ran out
}

// `block` is a block of `span`, and in use as far as its first word tells.
static void give_block(struct mid_span *span, struct mid_block *block) {
  for (;;) {
    uintptr_t owner = atomic_load_explicit(&span->owner, memory_order_acquire);
    if (owner == MID_OWNER_ABANDONED) {
      if (give_abandoned(span, block)) return;
      continue;
    }
    bool mine = (owner & ~(uintptr_t)MID_OWNER_SLOW) == mid_os_self();
    if (!mine && owner != MID_OWNER_SHARED) return give_remote(span, block);
    struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
    if (heap == NULL) continue;  // being abandoned
    mid_lock_take(&heap->lock);
    // Its thread may have ended meanwhile, when another frees into it.
    bool still = atomic_load_explicit(&span->heap, memory_order_relaxed) == heap &&
                 atomic_load_explicit(&span->owner, memory_order_relaxed) == owner;
    if (still) give_slow(heap, span, block);
    mid_lock_give(&heap->lock);
    if (still) return;
  }
}

void mid_heap_give_any(void *p) {
  if (p == NULL) return;
  struct mid_span *span = mid_heap_block_span(p);
  if (span == NULL)
    mid_foreign_give(p);
  else if (span->state == MID_SPAN_LARGE)
    mid_large_give(span);
  else
    give_block(span, p);
  mid_span_settle();
}

// ---- a heap as a whole ----

void mid_heap_prepare(struct mid_heap *heap, enum mid_heap_kind kind, uintptr_t thread) {
  heap->kind = kind;
  heap->rounds = 0;
  heap->thread = thread;
  for (unsigned c = 0; c < MID_CLASSES; c++) heap->current[c] = &mid_span_none;
  for (size_t i = 0; i < sizeof heap->quick / sizeof *heap->quick; i++)
    heap->quick[i] = &mid_span_none;
}

static void drop_list(struct mid_heap *heap, struct mid_span_list *list) {
  while (list->first != NULL) {
    struct mid_span *span = list->first;
    mid_spans_drop(list, span);
    ready_fold(heap, span);
    heap->count[span->klass].freed += span->carved - span->told;
    span_close(heap, span);
  }
}

void mid_heap_drop(struct mid_heap *heap) {
  mid_hardened_flush(heap);
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    retire_current(heap, c);
    drop_list(heap, &heap->partial[c]);
    drop_list(heap, &heap->full[c]);
    mid_tell_class(heap, c);
  }
  while (heap->large.first != NULL) mid_large_drop(heap, heap->large.first);
}

// Free blocks, of whatever list, that the counters take for live ones.
static uint64_t span_untold(const struct mid_span *span) {
  uint64_t remote = atomic_load_explicit(&span->xfreed, memory_order_relaxed) >> MID_REMOTE_SHIFT;
  return span->carved - span_used(span) - span->told + remote;
}

uint64_t mid_heap_untold(const struct mid_heap *heap, unsigned klass) {
  const struct mid_span *span = heap->current[klass];
  uint64_t untold = span == &mid_span_none ? 0 : span_untold(span);
  untold += mid_hardened_held(heap, klass);
  for (span = heap->partial[klass].first; span != NULL; span = span->next)
    untold += span_untold(span);
  for (span = heap->full[klass].first; span != NULL; span = span->next) untold += span_untold(span);
  return untold;
}

uint32_t mid_heap_ready_count(const struct mid_heap *heap, unsigned klass) {
  const struct mid_span *span = heap->current[klass];
  if (span == &mid_span_none) return 0;
  // The owner may pop meanwhile: a link is followed only while it stays within the span.
  uintptr_t base = mid_span_base(span), bytes = span->slices * MID_SLICE_BYTES;
  const struct mid_block *block = span->ready;
  uint32_t count = 0;
  while ((uintptr_t)block - base < bytes && block->mark == span && count < span->capacity)
    block = block->next, count++;
  return count;
}
