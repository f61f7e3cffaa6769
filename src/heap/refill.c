// heap/refill.c -- take, when it runs dry: reload, carve, the next span.
// SPDX-License-Identifier: MIT
#include "base/options.h"
#include "heap/fast.h"
#include "heap/hardened.h"
#include "heap/sample.h"

enum {
  RELOAD_LEAST = 1024,  // bytes of blocks that a reload should bring while there is room to carve
  RELOAD_HOT = 8192,    // the same of a span that is all that was reloaded of late
  TELL_EVERY = 64,      // reloads
};

static bool is_enough(const struct mid_span *span, uint32_t blocks, size_t least) {
  if (mid_options.hardened) return mid_hardened_has_choice(span);
  return blocks > 0 &&
         ((size_t)blocks * span->block_bytes >= least || span->carved == span->capacity);
}

// ---- reload: what was freed is handed out again ----

// The next block of a list of free ones.
static inline struct mid_block *step(const struct mid_span *span, struct mid_block *block) {
  if (mid_unlikely(block->mark != span)) mid_crime_in_list(block);
  return block->next;
}

// Cut the list at block `count`: what follows.  Of all that a sample costs the walk to where the
// next one is due is the most, so it takes long steps.
static struct mid_block *cut_after(const struct mid_span *span, struct mid_block *block,
                                   uint32_t count) {
  for (; count > 4; count -= 4) block = step(span, step(span, step(span, step(span, block))));
  for (; count > 1; count--) block = step(span, block);
  struct mid_block *rest = step(span, block);
  block->next = mid_no_block();
  return rest;
}

// Of `count` blocks from `first` on, of which the counters know `told`, those that are granted are
// ready, and the rest is free.
static inline uint32_t make_ready(struct mid_heap *heap, struct mid_span *span,
                                  struct mid_block *first, uint32_t count, uint32_t told) {
  unsigned klass = span->klass;
  struct mid_feed_count *counts = &heap->count[klass];
  uint32_t granted = mid_sample_spend(heap, klass, count);
  span->freed = mid_likely(granted == count) ? mid_no_block() : cut_after(span, first, granted);
  span->ready = first;
  span->ready_zero = false;
  mid_count_add(&counts->freed, (uint64_t)count - told);
  mid_count_add(&counts->allocated, granted);
  if (mid_unlikely(told != count - granted)) mid_span_set_told(heap, span, count - granted);
  return granted;
}

static inline uint32_t reload_freed(struct mid_heap *heap, struct mid_span *span, uint32_t count) {
  uint32_t granted = make_ready(heap, span, span->freed, count, span->told);
  mid_span_watch_not(span, span->carved - (count - granted));
  return granted;
}

// Blocks in xfreed and in ready are `used` alike.
__attribute__((noinline)) static uint32_t reload_remote(struct mid_heap *heap,
                                                        struct mid_span *span) {
  uint32_t count, used = mid_span_used(span);
  struct mid_block *first = mid_remote_take(span, &count, false);
  mid_count_add(&heap->told.remote_freed, count);
  uint32_t granted = make_ready(heap, span, first, count, 0);
  mid_span_watch_not(span, used - (count - granted));
  return granted;
}

static uint32_t remote_waiting(const struct mid_span *span) {
  return mid_remote_count(atomic_load_explicit(&span->xfreed, memory_order_relaxed));
}

static struct mid_block *pop_ready(struct mid_span *span) {
  struct mid_block *block = span->ready;
  if (mid_unlikely(block->mark != span)) mid_crime_in_list(block);
  span->ready = block->next;
  block->mark = NULL;
  return block;
}

struct mid_block *mid_heap_reload(struct mid_heap *heap, struct mid_span *span, size_t asked) {
  heap->reloads_in_row = mid_likely(heap->reloaded == span) ? heap->reloads_in_row + 1 : 1;
  heap->reloaded = span;
  if (span->ready != mid_no_block() || ++heap->reloads >= TELL_EVERY) return NULL;
  if (span == &mid_span_none || mid_sample_granted(heap, span->klass) == 0) return NULL;
  if (atomic_load_explicit(&span->gone, memory_order_relaxed) != 0) return NULL;
  uint32_t freed = span->carved - mid_span_used(span);
  if (is_enough(span, freed, RELOAD_LEAST))
    (void)reload_freed(heap, span, freed);
  else if (freed == 0 && is_enough(span, remote_waiting(span), RELOAD_LEAST))
    (void)reload_remote(heap, span);
  else
    return NULL;
  struct mid_feed_count *counts = &heap->count[span->klass];
  mid_count_add(&counts->asked_samples, 1);
  mid_count_add(&counts->asked_bytes, asked);
  return pop_ready(span);
}

// As above, under the lock and with however little there is: the number of blocks.
static uint32_t span_reload(struct mid_heap *heap, struct mid_span *span) {
  if (mid_options.hardened) {
    if (!mid_hardened_has_choice(span)) mid_remote_fold(heap, span);
    return mid_hardened_has_free(span);
  }
  mid_pages_check(span);
  if (span->freed != mid_no_block())
    return reload_freed(heap, span, span->carved - mid_span_used(span));
  return remote_waiting(span) > 0 ? reload_remote(heap, span) : 0;
}

static bool span_regrow(struct mid_heap *heap, struct mid_span *span, bool urgent) {
  return mid_pages_regrow(heap, span, urgent) && span_reload(heap, span) > 0;
}

// ---- carve: blocks from the untouched end of a span ----

// How many blocks to make next: a page of them at first, more as the span fills, so that a class
// used little touches little; and a KiB for each span that the class has, since what it has too
// much is then small beside that.
static uint32_t carve_count(const struct mid_heap *heap, const struct mid_span *span) {
  size_t made = (size_t)span->carved * span->block_bytes;
  size_t bytes = made < 8192 ? 4096 : made < 32768 ? 8192 : 16384;
  bytes = mid_max(bytes, mid_min(heap->spans[span->klass] * (size_t)1024, MID_SLICE_BYTES));
  uint32_t blocks = (uint32_t)mid_max(1, bytes / span->block_bytes);
  return (uint32_t)mid_min(blocks, (size_t)(span->capacity - span->carved));
}

bool mid_span_charge_blocks(struct mid_heap *heap, struct mid_span *span, uint32_t *count,
                            bool urgent, struct mid_fresh *fresh) {
  size_t bytes = span->block_bytes, made = span->carved * bytes, page = mid_os_page_bytes();
  fresh->from = mid_round_up(made, page);
  fresh->bytes = mid_round_up(made + *count * bytes, page) - fresh->from;
  if (fresh->bytes == 0 || mid_span_charge(span, fresh->bytes, urgent)) {
    mid_heap_commit(heap, fresh->bytes);
    return true;
  }
  // At a limit there may be room for one.
  bool again = *count > 1;
  *count = 1;
  return again && mid_span_charge_blocks(heap, span, count, urgent, fresh);
}

// A list of `count` blocks from `at` on, one after the other; returns the last.
static struct mid_block *link_up(struct mid_span *span, char *at, uint32_t count) {
  struct mid_block *block = (struct mid_block *)at;
  for (block->mark = span; count > 1; count--) {
    at += span->block_bytes;
    block = block->next = (struct mid_block *)at;
    block->mark = span;
  }
  return block;
}

// Make blocks from the span's untouched end, in front of those that are ready; what is more than is
// granted is free.  false when it has none, or the limit refuses.
static bool span_carve(struct mid_heap *heap, struct mid_span *span, bool urgent) {
  if (mid_options.hardened) return mid_hardened_carve(heap, span, urgent);
  uint32_t count = carve_count(heap, span);
  struct mid_fresh fresh;
  if (count == 0 || heap->grant[span->klass] == 0 ||
      !mid_span_charge_blocks(heap, span, &count, urgent, &fresh))
    return false;
  // Where blocks start in every page, one call is cheaper than a fault for each.
  size_t page = mid_os_page_bytes(), bytes = span->block_bytes;
  if (fresh.bytes > page && bytes <= page) mid_span_populate(span, fresh.from, fresh.bytes);
  uint32_t granted = mid_sample_spend(heap, span->klass, count), more = count - granted;
  char *at = (char *)mid_span_base(span) + span->carved * bytes;
  link_up(span, at, granted)->next = span->ready;
  if (more > 0) {
    char *rest = at + granted * bytes;
    link_up(span, rest, more)->next = span->freed;
    span->freed = (struct mid_block *)rest;
    mid_span_set_told(heap, span, span->told + more);  // free, but never freed
  }
  span->ready_zero = span->zero && span->ready == mid_no_block();
  span->ready = (struct mid_block *)at;
  mid_span_watch(span, mid_span_used(span) + granted);
  span->carved = (uint16_t)(span->carved + count);
  mid_span_arm(heap, span);
  mid_count_add(&heap->count[span->klass].carved, count);
  mid_count_add(&heap->count[span->klass].allocated, granted);
  return true;
}

// ---- refill ----

static bool has_freed(const struct mid_span *span) {
  return mid_options.hardened ? mid_hardened_has_free(span) : span->freed != mid_no_block();
}

// A span that has freed blocks.  Those with nothing but untouched room are few: at a limit one may
// stand first, and must not hide the others.
static struct mid_span *partial_with_freed(const struct mid_heap *heap, unsigned klass) {
  struct mid_span *span = heap->partial[klass].first;
  while (span != NULL && !has_freed(span) && remote_waiting(span) == 0) span = span->next;
  return span;
}

// The span to go on with when the current one has nothing left.
static struct mid_span *next_span(struct mid_heap *heap, unsigned klass, bool urgent) {
  if (heap->partial[klass].first != NULL) return heap->partial[klass].first;
  struct mid_span *span = mid_adopt_any(heap, klass);
  if (span != NULL) return span;
  mid_heap_sweep(heap, klass);
  return mid_span_open(heap, klass, urgent);
}

// Make `ready` of the class's current span hold a block.  Blocks that were used before come before
// untouched memory, the heap's own before those of ended threads.
bool mid_heap_refill(struct mid_heap *heap, unsigned klass, bool urgent) {
  mid_heap_drain(heap);
  struct mid_span *span = heap->current[klass];
  uint32_t ready = span == &mid_span_none ? 0 : span_reload(heap, span);
  if (ready > 0) {
    // Of so few the next call would come soon.
    bool hot = heap->reloaded == span && heap->reloads_in_row >= TELL_EVERY;
    if (!is_enough(span, ready, hot ? RELOAD_HOT : RELOAD_LEAST))
      (void)span_carve(heap, span, urgent);
    return true;
  }
  struct mid_span *next = partial_with_freed(heap, klass);
  if (next == NULL) {
    if (span != &mid_span_none &&
        (span_regrow(heap, span, urgent) || span_carve(heap, span, urgent)))
      return true;
    next = next_span(heap, klass, urgent);
  }
  if (next == NULL) return false;
  mid_heap_retire_current(heap, klass);
  mid_heap_set_current(heap, klass, next);
  return span_reload(heap, next) > 0 || span_regrow(heap, next, urgent) ||
         span_carve(heap, next, urgent);
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

// The request is a sample if what was granted is used up.
static struct mid_block *take_sample(struct mid_heap *heap, unsigned klass, bool *zeroed,
                                     bool urgent) {
  const struct mid_span *span = heap->current[klass];
  bool due = span->ready == mid_no_block() && mid_sample_granted(heap, klass) == 0;
  if (mid_likely(!due)) return NULL;
  if (heap->kind == MID_HEAP_THREAD) return mid_sample_take(heap, klass, zeroed, urgent);
  heap->grant[klass] = 1;
  if (!mid_heap_refill(heap, klass, urgent)) return NULL;
  mid_sample_in_place(heap, heap->current[klass]);
  *zeroed = heap->current[klass]->ready_zero;
  return pop_ready(heap->current[klass]);
}

void *mid_heap_take_class(struct mid_heap *heap, unsigned klass, size_t asked, bool *zeroed,
                          bool urgent) {
  mid_lock_take(&heap->lock);
  struct mid_span *span = heap->current[klass];
  mid_count_add(&heap->count[klass].asked_samples, 1);
  mid_count_add(&heap->count[klass].asked_bytes, asked);
  struct mid_block *block = take_sample(heap, klass, zeroed, urgent);
  uint32_t reloads = block == NULL ? heap->reloads : 0;
  mid_count_add(&heap->told.refills, mid_max(reloads, 1));
  heap->reloads -= reloads;
  if (block == NULL && (span->ready != mid_no_block() || mid_heap_refill(heap, klass, urgent))) {
    span = heap->current[klass];
    check_span(span);
    *zeroed = span->ready_zero;
    block = pop_ready(span);
  }
  if (block == NULL) block = mid_sample_take_free(heap, klass);
  mid_tell_class(heap, klass);
  mid_lock_give(&heap->lock);
  mid_span_settle();
  return block;
}
