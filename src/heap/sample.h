// heap/sample.h -- some allocations are samples: their stacks are told until they are freed.
// SPDX-License-Identifier: MIT
//
//   refill: as many blocks as are granted  -->  fast path, which knows nothing of it, runs dry
//   slow path: the grant is used up        -->  this request is the sample, from a span of samples
//   door (malloc, calloc ...)              -->  its stack, and a record in the sample file
//
// For each class a heap keeps how many blocks are granted before the next sample, drawn so that
// samples are those of a Poisson process over bytes (feed/samples.h): thinned by class it leaves
// independent ones, after J. F. C. Kingman, "Poisson Processes", 1993.  The law has no memory, so a
// grant may be drawn anew whenever what it stands for has not been handed out.
//
// A thread's samples are in spans of their own, which it touches under the lock alone and others
// push into: so each free of one goes the slow way and finds it out.  Blocks that go the slow way
// anyhow (of shared or hardened heaps, large ones) are where they would be; `sampled` in their span
// says that there is something to look up.
//
// The mean starts at 1, every allocation, and grows as time is spent: 2 ms at first, then it
// doubles with each ms, up to what the option `sample` says.  From 10 ms on it doubles whenever
// more than 1.5 % of the processor time goes into samples, and falls again when that is far off.
#ifndef MID_HEAP_SAMPLE_H
#define MID_HEAP_SAMPLE_H

#include "feed/samples.h"
#include "heap/heap.h"
#include "heap/sample_budget.h"

enum { MID_SAMPLE_FRESH = 1 << 8 };  // in mid_sample_due: memory that nobody has touched before

// What the calling thread's allocation was found to be: 0, or 1 + log2 of the mean, and flags.
// Initial-exec as mid_thread_heap.
extern __thread uint32_t mid_sample_due __attribute__((tls_model("initial-exec")));

// Draw anew how many blocks of `klass` come before the next sample.
void mid_sample_draw(struct mid_heap *heap, unsigned klass);

// How many blocks of `klass` the heap may hand out before the next sample; 0: the next is one.
// By whoever may touch `ready`, once for each request that finds it empty.  A grant of another mean
// than now is drawn anew; but not once it is used up, since what follows is a sample then.
static inline uint32_t mid_sample_granted(struct mid_heap *heap, unsigned klass) {
  uint32_t log = heap->grant_log[klass];
  bool holds = log == mid_sample_log_now() + 1 || (log != 0 && heap->grant[klass] == 0);
  if (mid_unlikely(!holds)) mid_sample_draw(heap, klass);
  return heap->grant[klass];
}
// That many of `blocks` are handed out, at least 1 where one is granted.
static inline uint32_t mid_sample_spend(struct mid_heap *heap, unsigned klass, uint32_t blocks) {
  uint32_t granted = (uint32_t)mid_min(heap->grant[klass], blocks);
  heap->grant[klass] -= granted;
  return granted;
}
// What was granted last was not handed out.
static inline void mid_sample_forgo(struct mid_heap *heap, unsigned klass) {
  heap->grant_log[klass] = 0;
}

// A block of `klass` for a sample, from a span of samples; NULL: the limit refuses.  The heap's
// lock is held.
struct mid_block *mid_sample_take(struct mid_heap *heap, unsigned klass, bool *zeroed, bool urgent);
// A block that is free there, for a request at the limit that is no sample.
struct mid_block *mid_sample_take_free(struct mid_heap *heap, unsigned klass);
// A block of `span` is about to be the sample where it is.
void mid_sample_in_place(struct mid_heap *heap, struct mid_span *span);
// Whether a large block of `bytes` is one.
void mid_sample_large(size_t bytes, bool fresh);

// `p`, just allocated or NULL, is due: have its stack and its record.
void mid_sample_took(enum mid_sample_door door, void *p, size_t asked, const void *caller);
static inline void *mid_sampled(enum mid_sample_door door, void *p, size_t asked,
                                const void *caller) {
  if (mid_unlikely(mid_sample_due != 0)) mid_sample_took(door, p, asked, caller);
  return p;
}

// `p` of a span with samples is freed; was resized where it is; was moved by its page tables.  By
// the caller of free or realloc, who may hold the heap's lock.
void mid_sample_gave(const void *p);
void mid_sample_resized(const void *p, size_t asked);
void mid_sample_moved(const void *p, const void *to, size_t asked);
// `p` is to be copied: how often that was done, for the block that it becomes.
void mid_sample_copies(const void *p, size_t bytes);
// All samples of `span` are gone with its heap.
void mid_sample_dropped(const struct mid_span *span);

void mid_sample_start(void);     // after the options are read
void mid_sample_unloaded(void);  // code may lie where other code lay
void mid_sample_end(void);       // at a clean exit: what is known of blocks that are never freed
void mid_sample_lock(void);      // around fork, after the heaps' locks
void mid_sample_unlock(void);
void mid_sample_forked(void);  // in the child, with the lock held

#endif
