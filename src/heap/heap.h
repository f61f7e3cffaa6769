// heap/heap.h -- a heap: spans of equal blocks for each size class, and who may touch them.
// SPDX-License-Identifier: MIT
//
// Each thread has a heap.  For each class the heap pops from one span, `current`; its other spans
// wait in `partial` (blocks free or uncarved) or `full`.
//
//           take pops                 refill                          drain
//   program <------- current.ready <--------- current.freed   <------------------ span.xfreed
//      |                                          ^                                   ^
//      +--- free by the owner: push --------------+                                   |
//      +--- free by another thread: push ---------------------------------------------+
//
// The owner touches ready, freed, left, carved of its spans without atomics or locks.  Everything
// slower happens under heap->lock: refills, lists, drains, hand-overs.  A span whose owner word
// carries MID_OWNER_SLOW (full, or of a shared heap) is touched under the lock alone, so another
// thread that holds it may take the span apart.
//
//   carved = used + blocks in `freed`             used = floor + left
//   used   = blocks in `ready` + in the program's hands + in `xfreed`
//
// `left` counts frees down to the next look at the span (heap_watch): when it is empty, or when a
// quarter of its blocks was freed, so that the counters never lag by more.
//
// A thread's first free into a span that has no remote frees yet puts the span on its heap's
// `pending` list.  An owner that sleeps does not look there: of its spans the full ones are given
// up by whoever frees their last block; one that the owner itself has freed into waits for its
// return.
//
// When a thread ends its spans are abandoned: heap NULL, in a global list for each
// class; whoever needs such blocks, or frees one of them, takes the span over whole.
//
// Lock order: heaps_lock (the registry), heap->lock, abandoned_lock, the span locks.  No thread
// holds two heaps' locks, but for fork.
#ifndef MID_HEAP_HEAP_H
#define MID_HEAP_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed/feed.h"
#include "heap/class.h"
#include "midden/allocator.h"
#include "os/os.h"
#include "span/span.h"

enum { MID_QUICK_MOST = 1024 };  // sizes up to this find their span by one table look-up

enum mid_heap_kind {
  MID_HEAP_THREAD,  // of one thread
  MID_HEAP_SHARED,  // first-class: every call takes the lock
  MID_HEAP_LATE,    // for threads that are ending, shared in the same way
  MID_HEAP_POOLED,  // of no one: kept for the next thread or the next first-class heap
};

// Which list of its heap a span is in (span->list).
enum { MID_LIST_NONE, MID_LIST_CURRENT, MID_LIST_PARTIAL, MID_LIST_FULL, MID_LIST_LARGE };

struct mid_span_list {
  struct mid_span *first, *last;
};

static inline void mid_spans_push(struct mid_span_list *list, struct mid_span *span) {
  span->next = NULL;
  span->prev = list->last;
  if (list->last != NULL)
    list->last->next = span;
  else
    list->first = span;
  list->last = span;
}

static inline void mid_spans_drop(struct mid_span_list *list, struct mid_span *span) {
  if (span->next != NULL)
    span->next->prev = span->prev;
  else
    list->last = span->prev;
  if (span->prev != NULL)
    span->prev->next = span->next;
  else
    list->first = span->next;
  span->next = span->prev = NULL;
}

struct mid_heap {
  // The current span for each size in steps of 16; never NULL: mid_span_none pops nothing.
  struct mid_span *quick[MID_QUICK_MOST / 16 + 1];
  struct mid_span *current[MID_CLASSES];

  // All below: under the lock.
  struct mid_lock lock;
  enum mid_heap_kind kind;
  uint8_t rounds;    // of key destructors that its thread has been through
  uintptr_t thread;  // mid_os_self of its thread, or MID_OWNER_SHARED
  struct mid_span_list partial[MID_CLASSES], full[MID_CLASSES];
  struct mid_span_list large;  // of a shared heap; thread heaps do not keep their large blocks
  struct mid_span *pending;
  struct mid_feed_place *place;  // where the counters below are published; NULL: nowhere yet
  bool place_sought;
  struct mid_feed_heap told;
  struct mid_feed_count count[MID_CLASSES];
  size_t committed, peak;             // bytes charged to its spans
  struct midden_allocator allocator;  // what midden_heap_allocator gives out
  struct mid_hardened *hardened;      // with the option; NULL until the first block

  struct mid_heap *next;         // of all heaps, for ever
  struct mid_heap *next_pooled;  // while kind is MID_HEAP_POOLED
};

// A span without blocks: its mark never matches, so that take goes the slow way.
extern struct mid_span mid_span_none;
extern const struct mid_block mid_block_none;

// The two parts of span->xfreed.
#define MID_REMOTE_SHIFT 48
static inline uint32_t mid_remote_count(uint64_t word) {
  return (uint32_t)(word >> MID_REMOTE_SHIFT);
}
static inline struct mid_block *mid_remote_first(uint64_t word) {
  return (struct mid_block *)(uintptr_t)(word & (((uint64_t)1 << MID_REMOTE_SHIFT) - 1));
}

static inline struct mid_block *mid_no_block(void) { return (struct mid_block *)&mid_block_none; }

// Heaps that are none: of threads that have not allocated yet, and of threads that have ended.
extern struct mid_heap mid_heap_none, mid_heap_late;

// Initial-exec, one pointer: no call, no lazy allocation.
extern __thread struct mid_heap *mid_thread_heap __attribute__((tls_model("initial-exec")));

// ---- heap.c: blocks ----

// Take a block of `klass`, whose fast path ran dry.  `zeroed`, where not NULL, is set to whether
// the block is known to be zero but for its first 16 bytes.  urgent: pass heap_limit.
void *mid_heap_take_class(struct mid_heap *heap, unsigned klass, size_t asked, bool *zeroed,
                          bool urgent);

// Make the class's current span ready to give a block; the lock is held.
bool mid_heap_refill(struct mid_heap *heap, unsigned klass, bool urgent);

// Free `p`, a word that the fast path could not deal with.
void mid_heap_give_any(void *p);
// The owner freed as many blocks of `span` as it was to look after.
void mid_heap_give_watched(struct mid_span *span);

// The heap's spans are charged with `bytes` more; the lock is held.
static inline void mid_heap_commit(struct mid_heap *heap, size_t bytes) {
  heap->committed += bytes;
  heap->peak = mid_max(heap->peak, heap->committed);
}

// Tell the counters of the frees in `span` that they do not know of; the lock is held.
void mid_span_tell_frees(struct mid_heap *heap, struct mid_span *span);

// A block of `span` became free; the lock is held.
void mid_span_freed_one(struct mid_heap *heap, struct mid_span *span);

// ---- lookup.c ----

// The head of the span that `p` is a block of, NULL when `p` lies in no span in use.  Stops the
// program when `p` is not the start of a block, or of a free one.
struct mid_span *mid_heap_block_span(const void *p);
size_t mid_heap_usable(const void *p);

// mid_crime, after which locks that this thread holds are in nobody's way: handlers of SIGABRT fork
// and allocate.
_Noreturn void mid_heap_crime(const char *crime, const void *p, const char *advice);
_Noreturn void mid_crime_in_list(const void *block);

// ---- heap.c: a heap as a whole ----

// Make an empty heap; `heap` is zero or was emptied before.
void mid_heap_prepare(struct mid_heap *heap, enum mid_heap_kind kind, uintptr_t thread);
// Hand every span to whoever comes next.  The heap's lock is held.
void mid_heap_abandon(struct mid_heap *heap);
// Look for remote frees that nobody told of: fork cut off who would have.  The lock is held.
void mid_heap_announce(struct mid_heap *heap);
// Give every span back, live blocks or not.  The heap's lock is held.
void mid_heap_drop(struct mid_heap *heap);
// Give empty spans back that are kept for the next call.  The heap's lock is held, by its owner.
void mid_heap_tidy(struct mid_heap *heap);
// Frees that the counters do not know of yet; an estimate while the owner runs.
uint64_t mid_heap_untold(const struct mid_heap *heap, unsigned klass);
// Blocks in `ready` of the current span; safe while another thread pops.
uint32_t mid_heap_ready_count(const struct mid_heap *heap, unsigned klass);

void mid_abandoned_lock(void);
void mid_abandoned_unlock(void);

// NULL, or a sentence naming the first broken invariant.  The heap's lock is held, and its owner
// is the caller or stands still.
const char *mid_heap_broken(const struct mid_heap *heap);
const char *mid_span_blocks_broken(const struct mid_span *span);
// The first block in a free list of `span` that was written to since; NULL when there is none.
const void *mid_span_unmarked(const struct mid_span *span);

// ---- large.c: blocks with a span of their own ----

void *mid_large_take(struct mid_heap *shared, size_t bytes, size_t align, bool zero, bool urgent);
void mid_large_give(struct mid_span *span);
void mid_large_drop(struct mid_heap *shared, struct mid_span *span);  // its lock is held
size_t mid_large_usable(const struct mid_span *span);
// `p` resized, perhaps moved; NULL when it must be copied by the caller, or there is no memory.
void *mid_large_resize(struct mid_span *span, size_t bytes, bool urgent);

// ---- thread.c: whose heap it is ----

// The calling thread's heap, made at its first call.  A shared one for a thread that is ending.
// NULL when the system refuses memory for it.
struct mid_heap *mid_thread_heap_get(void);
struct mid_heap *mid_heap_new_shared(void);
void mid_heap_pool(struct mid_heap *heap);
void mid_heaps_visit(void (*visit)(struct mid_heap *heap, void *context), void *context);

// ---- tell.c: the counters, to the feed ----

void mid_tell_class(struct mid_heap *heap, unsigned klass);  // the heap's lock is held
void mid_tell_process(void);
void mid_tell_end(void);
void mid_tell_left(void);  // at _exit: takes no lock
void mid_tell_lock(void);  // around fork
void mid_tell_unlock(void);
void mid_tell_forked(struct mid_heap *first);  // in the child, with the lock held

// Sum of the counters of all heaps for a class, with blocks that wait in `ready` taken off.
struct mid_feed_count mid_tell_sum(unsigned klass);

#endif
