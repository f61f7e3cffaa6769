// heap/sample.c -- the samples: taken with their stacks, looked up when they are freed.
// SPDX-License-Identifier: MIT
//
// Locks: a heap's, then that of the samples, then the feed's.  The stack is walked before, under
// the lock of what the walk remembers: threads share a few of those.
#include "heap/sample.h"

#include <string.h>

#include "base/chance.h"
#include "base/options.h"
#include "heap/index.h"
#include "heap/sample_budget.h"
#include "heap/sample_stack.h"

enum {
  WALKERS = 32,            // that remember stacks, 37 KiB each as far as it is used
  SAMPLES_MOST = 1 << 15,  // live ones
  WEIGHT = 256,            // weighted sums are in 256ths
  BRIEF_US = 100,
  END_MOST = 256,  // blocks whose pages are looked at when the program ends
};

static struct mid_lock samples_lock;
static struct mid_samples_header *sample_file;  // NULL: not made yet
static bool sample_sought;
static uint32_t sample_spare;  // a record that is free again; its `reserved` leads to the next
static uint64_t sample_live;
static uint64_t sample_random_state = 1;

static uint64_t sample_hash_of(uint64_t block) {
  block = block / MID_BLOCK_ALIGN * 0x9e3779b97f4a7c15u;
  return (block ^ block >> 29) * 0xbf58476d1ce4e5b9u;
}
static struct mid_sample *sample_at(uint32_t number) {
  return mid_samples_at(MID_SAMPLES_BLOCK, number);
}
static uint64_t sample_hash(uint32_t number) {
  return sample_hash_of(atomic_load_explicit(&sample_at(number)->block, memory_order_relaxed));
}
static struct mid_index sample_blocks = {.hash = sample_hash};

// The record of the block at `p`; 0: it is no sample, or no longer.
static uint32_t sample_find(const void *p, uint32_t *place) {
  uint64_t hash = sample_hash_of((uintptr_t)p);
  uint32_t number = mid_index_first(&sample_blocks, hash, place);
  while (number != 0 && sample_at(number)->block != (uintptr_t)p) {
    ++*place;
    number = mid_index_next(&sample_blocks, hash, place);
  }
  return number;
}

// ---- sums ----

// Blocks that a sample stands for, in 256ths.
static uint64_t sample_weight_of(uint64_t bytes, uint64_t mean) {
  if (mean == 1) return WEIGHT;
  return (uint64_t)(WEIGHT / mid_chance_of((double)bytes / (double)mean) + 0.5);
}
// Kept where a free record has its link.
static uint64_t sample_weight(const struct mid_sample *s) { return s->reserved; }

static struct mid_sample_stack *sample_stack_of(const struct mid_sample *s) {
  uint64_t stacks =
      atomic_load_explicit(&sample_file->records[MID_SAMPLES_STACK], memory_order_relaxed);
  return s->stack == 0 || s->stack > stacks ? NULL : mid_sample_stack_at(s->stack);
}

static void sample_sum_live(const struct mid_sample *s, uint64_t weight) {
  struct mid_sample_stack *stack = sample_stack_of(s);
  if (stack == NULL) return;
  stack->live_samples++;
  stack->live += weight;
  stack->live_bytes += weight * s->asked;
  if (stack->live_bytes > stack->peak_live_bytes) {
    stack->peak_live_bytes = stack->live_bytes;
    stack->peak_ticks = mid_os_ticks();
  }
}

static void sample_unsum_live(const struct mid_sample *s, uint64_t weight) {
  struct mid_sample_stack *stack = sample_stack_of(s);
  if (stack == NULL) return;
  stack->live_samples--;
  stack->live -= mid_min(stack->live, weight);
  stack->live_bytes -= mid_min(stack->live_bytes, weight * s->asked);
}

static void sample_sum_taken(const struct mid_sample *s, uint64_t weight, uint64_t copied) {
  struct mid_sample_stack *stack = sample_stack_of(s);
  if (stack == NULL) return;
  stack->samples++;
  stack->allocated += weight;
  stack->allocated_bytes += weight * s->asked;
  stack->asked_least = mid_min(stack->asked_least, s->asked);
  stack->asked_most = mid_max(stack->asked_most, s->asked);
  if (stack->samples > 1) {
    stack->rises += s->asked > stack->asked_last;
    stack->falls += s->asked < stack->asked_last;
  }
  stack->asked_last = s->asked;
  stack->last_ticks = s->born;
  if (copied > 0) {
    stack->moved += weight;
    stack->moved_bytes += weight * copied;
  }
  stack->longest_moves = mid_max(stack->longest_moves, s->moves);
  sample_sum_live(s, weight);
}

// ---- pages ----

// Of the whole pages in a block that was untouched when it was taken: how many are touched.
static void sample_sum_pages(const struct mid_sample *s) {
  enum { PAGES_MOST = 4096 };
  size_t page = mid_os_page_bytes();
  struct mid_sample_stack *stack = sample_stack_of(s);
  if ((s->door & MID_SAMPLE_FRESH) == 0 || stack == NULL) return;
  uintptr_t from = mid_round_up(s->block, page), to = mid_round_down(s->block + s->asked, page);
  if (to < from + 2 * page) return;
  to = mid_min(to, from + PAGES_MOST * page);
  stack->pages_known += (to - from) / page;
  stack->pages_touched += mid_os_resident_in((void *)from, to - from) / page;
}

// ---- a record ----

static uint32_t sample_record_new(void) {
  uint32_t number = sample_spare;
  if (number != 0) {
    sample_spare = (uint32_t)sample_at(number)->reserved;
    return number;
  }
  mid_tell_lock();
  number = (uint32_t)mid_samples_more(MID_SAMPLES_BLOCK, 1);
  mid_tell_unlock();
  if (number != 0) mid_samples_show(MID_SAMPLES_BLOCK);
  return number;
}

static void sample_record_free(uint32_t number) {
  struct mid_sample *s = sample_at(number);
  atomic_store_explicit(&s->block, 0, memory_order_release);
  s->reserved = sample_spare;
  sample_spare = number;
  atomic_store_explicit(&sample_file->live, --sample_live, memory_order_relaxed);
}

// Forget a sample; its sums are the caller's business.
static void sample_record_drop(uint32_t number, uint32_t place) {
  mid_index_drop(&sample_blocks, place);
  sample_record_free(number);
}

static bool sample_record_add(const struct mid_sample *made, uint64_t block) {
  uint32_t number = sample_record_new();
  if (number == 0) return false;
  sample_live++;
  struct mid_sample *s = sample_at(number);
  memcpy((char *)s + sizeof s->block, (const char *)made + sizeof s->block,
         sizeof *s - sizeof s->block);
  atomic_store_explicit(&s->block, block, memory_order_release);
  if (!mid_index_add(&sample_blocks, number)) {
    sample_record_free(number);
    return false;
  }
  atomic_store_explicit(&sample_file->live, sample_live, memory_order_relaxed);
  return true;
}

// ---- too many: thin them out ----

// Keep each with the odds of the new mean over those of its own.
static bool sample_is_kept(struct mid_sample *s, uint64_t mean) {
  if (s->mean >= mean) return true;
  double had = s->mean == 1 ? 1 : mid_chance_of((double)s->bytes / (double)s->mean);
  double has = mid_chance_of((double)s->bytes / (double)mean);
  if ((double)(mid_chance_next(&sample_random_state) >> 11) * 0x1p-53 * had >= has) return false;
  s->mean = mean;
  s->reserved = sample_weight_of(s->bytes, mean);
  return true;
}

MID_RARELY static void sample_thin(void) {
  uint64_t mean = (uint64_t)1 << mid_sample_log_now();
  atomic_fetch_add_explicit(&sample_file->sequence, 1, memory_order_acq_rel);
  uint64_t stacks =
      atomic_load_explicit(&sample_file->records[MID_SAMPLES_STACK], memory_order_relaxed);
  for (uint64_t i = 1; i <= stacks; i++) {
    struct mid_sample_stack *stack = mid_sample_stack_at(i);
    stack->live = stack->live_bytes = stack->live_samples = 0;
  }
  uint64_t records =
      atomic_load_explicit(&sample_file->records[MID_SAMPLES_BLOCK], memory_order_relaxed);
  uint64_t before = sample_live;
  mid_index_clear(&sample_blocks);
  for (uint32_t i = 1; i <= records; i++) {
    struct mid_sample *s = sample_at(i);
    if (s->block == 0) continue;
    if (sample_is_kept(s, mean) && mid_index_add(&sample_blocks, i))
      sample_sum_live(s, sample_weight(s));
    else
      sample_record_free(i);
  }
  atomic_fetch_add_explicit(&sample_file->thinned, before - sample_live, memory_order_relaxed);
  atomic_fetch_add_explicit(&sample_file->sequence, 1, memory_order_release);
}

static void sample_tell_time(uint64_t ticks, uint64_t ns) {
  atomic_store_explicit(&sample_file->now_ticks, ticks, memory_order_relaxed);
  atomic_store_explicit(&sample_file->now_ns, ns, memory_order_relaxed);
}

static void sample_spend(uint64_t took, bool now) {
  bool full = mid_sample_budget_spend(took, now, sample_live, SAMPLES_MOST);
  atomic_store_explicit(&sample_file->mean, (uint64_t)1 << mid_sample_log_now(),
                        memory_order_relaxed);
  atomic_store_explicit(&sample_file->spent_ticks, mid_sample_budget_spent(), memory_order_relaxed);
  uint64_t ticks, ns;
  mid_sample_budget_clock(&ticks, &ns);
  if (ticks != atomic_load_explicit(&sample_file->now_ticks, memory_order_relaxed))
    sample_tell_time(ticks, ns);
  if (full) sample_thin();
}

// ---- the stack ----

static struct walker {
  struct mid_lock lock;
  const struct mid_heap *of;  // who walked last
  struct mid_unwind_thread thread;
} * sample_walkers[WALKERS];
static uint32_t sample_walker_next;

// Which walker a heap uses, from the first sample on.
static struct walker *sample_walker_of(struct mid_heap *heap) {
  if (heap->walker == 0) {
    mid_lock_take(&samples_lock);
    uint32_t i = sample_walker_next++ % WALKERS;
    if (sample_walkers[i] == NULL) sample_walkers[i] = mid_meta_take(sizeof *sample_walkers[i]);
    if (sample_walkers[i] != NULL) heap->walker = (uint8_t)(i + 1);
    mid_lock_give(&samples_lock);
  }
  return heap->walker == 0 ? NULL : sample_walkers[heap->walker - 1];
}

// The number of the stack from `caller` on; 0: it is not known.
__attribute__((noinline)) static uint32_t sample_stack_walk(struct mid_heap *heap,
                                                            const void *caller) {
  struct mid_unwind_frame here;
  struct walker *w = sample_walker_of(heap);
  if (w == NULL) return 0;
  mid_lock_take(&w->lock);
  if (w->of != heap) mid_unwind_hand_on(&w->thread);
  w->of = heap;
  mid_unwind_here(&here);
  uint64_t number = mid_unwind(&w->thread, &here, (uintptr_t)caller);
  if (number == 0) {
    mid_lock_take(&samples_lock);
    mid_tell_lock();
    number = sample_file == NULL ? 0 : mid_sample_stack(&w->thread.trace);
    mid_tell_unlock();
    mid_lock_give(&samples_lock);
    if (number != 0) mid_unwind_mark(&w->thread, number);
  }
  mid_lock_give(&w->lock);
  return (uint32_t)number;
}

// ---- taking one ----

static void sample_file_open(void) {
  sample_sought = true;
  mid_tell_open();
  mid_tell_lock();
  sample_file = mid_samples_open(mid_options.sample);
  mid_tell_unlock();
  if (sample_file == NULL) {
    atomic_store_explicit(&mid_sample_log, MID_SAMPLE_OFF, memory_order_relaxed);
    return;
  }
  if (sample_blocks.places == 0) (void)mid_index_grow(&sample_blocks);
  mid_sample_stack_open();
  sample_file->opened_ticks = mid_os_ticks();
  sample_file->opened_ns = mid_os_nanoseconds();
  sample_random_state = mid_os_random() | 1;
  atomic_store_explicit(&sample_file->xmagic, MID_SAMPLES_MAGIC, memory_order_release);
}

static bool sample_file_is_open(void) {
  mid_lock_take(&samples_lock);
  if (!sample_sought) sample_file_open();
  bool open = sample_file != NULL;
  mid_lock_give(&samples_lock);
  return open;
}

// What a realloc of the calling thread is about to copy: moves so far, bytes.  0: none.
static __thread struct {
  uint32_t moves;
  bool busy;  // in a sample: a signal's handler that interrupts it has none
  uint64_t bytes;
} sample_own;

// Usable bytes, which decided the chance; the span is told that it has a sample.
static size_t sample_usable_of(const void *p) {
  struct mid_span *span = mid_map_find_head(p);
  if (span->state == MID_SPAN_SMALL) return span->block_bytes;
  mid_span_set_sampled(span);
  return span->bytes;
}

static void sample_took(uint32_t due, enum mid_sample_door door, void *p, size_t asked,
                        const void *caller) {
  uint64_t since = mid_os_ticks();
  struct mid_heap *heap = mid_thread_heap;
  if (!mid_heap_is_real(heap) || !sample_file_is_open()) return;
  struct mid_sample s = {
      .asked = asked, .bytes = sample_usable_of(p), .born = since, .moves = sample_own.moves};
  s.stack = sample_stack_walk(heap, caller);
  s.mean = (uint64_t)1 << ((due & 0xff) - 1);
  s.thread = (uint32_t)heap->told.thread;
  s.door = door | (due & MID_SAMPLE_FRESH);
  s.reserved = sample_weight_of(s.bytes, s.mean);
  uint64_t walked = mid_os_ticks() - since;
  mid_lock_take(&samples_lock);
  since = mid_os_ticks();  // waiting costs no processor time
  if (sample_file != NULL) {
    atomic_fetch_add_explicit(&sample_file->taken, 1, memory_order_relaxed);
    if (s.stack != 0 && sample_live < SAMPLES_MOST && sample_record_add(&s, (uintptr_t)p))
      sample_sum_taken(&s, sample_weight(&s), sample_own.bytes);
    else
      atomic_fetch_add_explicit(&sample_file->lost, 1, memory_order_relaxed);
    sample_spend(walked + mid_os_ticks() - since, true);
  }
  mid_lock_give(&samples_lock);
}

static void sample_busy_set(bool busy) {
  atomic_signal_fence(memory_order_seq_cst);
  sample_own.busy = busy;
  atomic_signal_fence(memory_order_seq_cst);
}

// Lock the samples and find that of the block at `p`; false: there is none, and nothing is locked.
// A signal's handler that interrupts this thread in here leaves them alone.
static bool sample_lock_of(const void *p, uint32_t *number, uint32_t *place) {
  if (sample_own.busy) return false;
  sample_busy_set(true);
  mid_lock_take(&samples_lock);
  *number = sample_file == NULL ? 0 : sample_find(p, place);
  if (*number != 0) return true;
  mid_lock_give(&samples_lock);
  sample_busy_set(false);
  return false;
}

static void sample_unlock(void) {
  mid_lock_give(&samples_lock);
  sample_busy_set(false);
}

void mid_sample_took(enum mid_sample_door door, void *p, size_t asked, const void *caller) {
  uint32_t due = mid_sample_due;
  mid_sample_due = 0;
  if (p != NULL && !sample_own.busy) {
    sample_busy_set(true);
    sample_took(due, door, p, asked, caller);
    sample_busy_set(false);
  }
  sample_own.moves = 0;
  sample_own.bytes = 0;
}

// ---- and what becomes of it ----

static uint64_t sample_ticks_of_us(uint64_t us) {
  uint64_t ticks = mid_os_ticks() - sample_file->opened_ticks;
  uint64_t ns = mid_os_nanoseconds() - sample_file->opened_ns;
  return ns == 0 ? us * 2000 : (uint64_t)((double)us * 1000 * (double)ticks / (double)ns);
}

// Ticks in a microsecond: asked for when the process is twice as old as the last time, until it is
// old enough to know.
static uint64_t sample_us_ticks(void) {
  enum { OLD_US = 100000 };
  static uint64_t known, next;
  uint64_t age = mid_os_ticks() - sample_file->opened_ticks;
  if (age >= next || known == 0) {
    known = mid_max(sample_ticks_of_us(1), 1);
    next = age > known * OLD_US ? UINT64_MAX : age * 2;
  }
  return known;
}

static uint32_t sample_life_bucket(uint64_t ticks) {
  uint64_t us = ticks / sample_us_ticks();
  uint32_t bucket = us == 0 ? 0 : mid_log2(us) / 2 + 1;
  return (uint32_t)mid_min(bucket, MID_SAMPLE_LIVES - 1);
}

static void sample_sum_gave(const struct mid_sample *s, uint64_t weight, uint64_t now) {
  struct mid_sample_stack *stack = sample_stack_of(s);
  if (stack == NULL) return;
  const struct mid_heap *heap = mid_thread_heap;
  bool remote = !mid_heap_is_real(heap) || heap->told.thread != s->thread;
  uint64_t ticks = now - s->born;
  sample_unsum_live(s, weight);
  stack->lives[sample_life_bucket(ticks)] += weight;
  if (remote) {
    stack->remote += weight;
    stack->remote_bytes += weight * s->asked;
  } else if (ticks < BRIEF_US * sample_us_ticks()) {
    stack->brief += weight;
    stack->brief_bytes += weight * s->asked;
  }
  sample_sum_pages(s);
}

void mid_sample_gave(const void *p) {
  enum { RECENT_US = 10000 };
  uint32_t number, place;
  if (!sample_lock_of(p, &number, &place)) return;
  uint64_t since = mid_os_ticks();
  const struct mid_sample *s = sample_at(number);
  bool recent = since - s->born < RECENT_US * sample_us_ticks();
  sample_sum_gave(s, sample_weight(s), since);
  sample_record_drop(number, place);
  sample_spend(mid_os_ticks() - since, recent);
  sample_unlock();
}

void mid_sample_resized(const void *p, size_t asked) {
  uint32_t number, place;
  if (!sample_lock_of(p, &number, &place)) return;
  struct mid_sample *s = sample_at(number);
  sample_unsum_live(s, sample_weight(s));
  s->asked = asked;
  sample_sum_live(s, sample_weight(s));
  sample_unlock();
}

void mid_sample_moved(const void *p, const void *to, size_t asked) {
  uint32_t number, place;
  if (!sample_lock_of(p, &number, &place)) return;
  struct mid_sample moved = *sample_at(number);
  sample_unsum_live(&moved, sample_weight(&moved));
  sample_record_drop(number, place);
  moved.asked = asked;
  moved.moves++;
  struct mid_sample_stack *stack = sample_stack_of(&moved);
  if (stack != NULL) stack->longest_moves = mid_max(stack->longest_moves, moved.moves);
  if (sample_record_add(&moved, (uintptr_t)to)) sample_sum_live(&moved, sample_weight(&moved));
  sample_unlock();
}

void mid_sample_copies(const void *p, size_t bytes) {
  uint32_t number, place;
  sample_own.bytes = bytes;
  sample_own.moves = 1;
  if (!sample_lock_of(p, &number, &place)) return;
  sample_own.moves = sample_at(number)->moves + 1;
  sample_unlock();
}

void mid_sample_dropped(const struct mid_span *span) {
  uintptr_t base = mid_span_base(span), end = base + span->slices * MID_SLICE_BYTES;
  mid_lock_take(&samples_lock);
  uint64_t records =
      sample_file == NULL
          ? 0
          : atomic_load_explicit(&sample_file->records[MID_SAMPLES_BLOCK], memory_order_relaxed);
  for (uint32_t i = 1; i <= records; i++) {
    struct mid_sample *s = sample_at(i);
    uint32_t place;
    if (s->block < base || s->block >= end || sample_find((void *)(uintptr_t)s->block, &place) != i)
      continue;
    sample_unsum_live(s, sample_weight(s));
    sample_record_drop(i, place);
  }
  mid_lock_give(&samples_lock);
}

// ---- start, end and fork ----

void mid_sample_start(void) {
  if (mid_options.feed != 0 && mid_options.sample != 0) mid_sample_budget_start(mid_options.sample);
}

MID_RARELY void mid_sample_unloaded(void) {
  mid_lock_take(&samples_lock);
  mid_sample_stack_unloaded();
  mid_lock_give(&samples_lock);
  mid_unwind_forget();
}

MID_RARELY void mid_sample_end(void) {
  mid_lock_take(&samples_lock);
  uint64_t records =
      sample_file == NULL
          ? 0
          : atomic_load_explicit(&sample_file->records[MID_SAMPLES_BLOCK], memory_order_relaxed);
  for (uint32_t i = 1, left = END_MOST; i <= records && left > 0; i++) {
    const struct mid_sample *s = sample_at(i);
    if (s->block == 0 || (s->door & MID_SAMPLE_FRESH) == 0 || s->asked < mid_os_page_bytes() * 2)
      continue;
    sample_sum_pages(s);
    left--;
  }
  if (sample_file != NULL) sample_tell_time(mid_os_ticks(), mid_os_nanoseconds());
  mid_lock_give(&samples_lock);
}

void mid_sample_lock(void) { mid_lock_take(&samples_lock); }
void mid_sample_unlock(void) { mid_lock_give(&samples_lock); }

// The file is the parent's, and what is in it; threads that held a walker are not here.
MID_RARELY void mid_sample_forked(void) {
  if (sample_sought) mid_sample_budget_forked();
  mid_samples_forget();
  sample_file = NULL;
  sample_sought = false;
  sample_spare = 0;
  sample_live = 0;
  mid_index_clear(&sample_blocks);
  mid_sample_stack_forget();
  mid_unwind_forget();
  for (int i = 0; i < WALKERS; i++)
    if (sample_walkers[i] != NULL)
      memset(&sample_walkers[i]->lock, 0, sizeof sample_walkers[i]->lock);
}
