// heap/heap.h -- a heap: spans of equal blocks for each size class, and who may touch them.
// SPDX-License-Identifier: MIT
//
// Each thread has a heap.  For each class the heap pops from one span, `current`; its other spans
// wait in `partial` (blocks free or uncarved) or `full`.
//
//           take pops                 reload                     reload
//   program <------- current.ready <--------- current.freed  or <-------- current.xfreed
//      |                                          ^                            ^
//      +--- free by the owner: push --------------+                            |
//      +--- free by another thread: push --------------------------------------+
//
// Some blocks are samples, whose every free is to be seen: sample.h.
//
// The owner touches ready, freed, left, carved of its spans without atomics or locks, and reloads
// what it has run out of in the same way.  Everything slower happens under heap->lock: lists, new
// spans, hand-overs.  A span whose `limit` is 0 (full, or of a shared heap) is touched under the
// lock alone, so another thread that holds it may take the span apart.
//
//   carved = used + blocks in `freed`              used = floor + left
//   used   = blocks in `ready` + in the program's hands + put aside by other threads + in `xfreed`
//            + in pages that are gone
//
// `left` counts frees down to the next look at the span (mid_span_watch), so that the counters
// never lag by more than a quarter of a span.  The current span is not looked at.
//
// Frees by other threads are gathered in each and pushed in bundles (gather.c), without a word
// until they are a good part of a full span, or all that is still used of a partial one: then the
// span is put on its heap's `pending` list.  An owner that sleeps does not look there: of its spans
// the full ones are given up by whoever frees their last block; one that the owner itself has freed
// into waits for its return.
//
// When a thread ends its spans are abandoned: heap NULL, in a global list for each class; whoever
// needs such blocks, or frees one of them, takes the span over whole.
//
// Where things are: refill.c (take, when it runs dry), give.c (free, when it is not a plain push),
// gather.c (frees for other threads), pages.c (free pages within a span), abandon.c (spans without
// a thread), heap.c (lists, counts, a heap as a whole).
//
// Lock order: heaps_lock (the registry), heap->lock, abandoned_lock, the span locks.  No thread
// holds two heaps' locks, but for mid_heap_lock_all.
#ifndef MID_HEAP_HEAP_H
#define MID_HEAP_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/options.h"
#include "feed/feed.h"
#include "heap/class.h"
#include "midden/allocator.h"
#include "os/os.h"
#include "span/span.h"

// Blocks that a thread's heap takes from a coarser class before a class gets a span of its own:
// each span costs a page at least, and most sizes of a program are rare.
enum { MID_LENT_MOST = 8 };

// Sizes up to this find their span by one table look-up.
enum { MID_QUICK_MOST = 1024, MID_QUICKS = MID_QUICK_MOST / 16 + 1 };

enum mid_heap_kind {
  MID_HEAP_THREAD,  // of one thread
  MID_HEAP_SHARED,  // first-class: every call takes the lock
  MID_HEAP_LATE,    // for threads that are ending, shared in the same way
  MID_HEAP_POOLED,  // of no one: kept for the next thread or the next first-class heap
};

// Which list of its heap a span is in (span->list).
enum {
  MID_LIST_NONE,
  MID_LIST_CURRENT,
  MID_LIST_PARTIAL,
  MID_LIST_FULL,
  MID_LIST_SAMPLED,  // of blocks that are samples, of a thread's heap
  MID_LIST_LARGE,
};

// A span with so many frees left is not looked at.
#define MID_UNWATCHED (1u << 31)

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

static inline void mid_spans_push_first(struct mid_span_list *list, struct mid_span *span) {
  span->prev = NULL;
  span->next = list->first;
  if (list->first != NULL)
    list->first->prev = span;
  else
    list->last = span;
  list->first = span;
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

// Blocks of another thread's span that this thread freed, and has not handed over yet (gather.c).
struct mid_gathered {
  uintptr_t base;         // of the span
  uint64_t magic, limit;  // of the span, of all its blocks; limit is 0 when there are none
  struct mid_block *first, *last;
  struct mid_span *span;
  uint32_t most, room;  // so many make a bundle; for how many there is room yet
};
enum { MID_GATHERS = 32 };

struct mid_heap {
  // The current span for each size in steps of 16; never NULL: mid_span_none pops nothing.
  struct mid_span *quick[MID_QUICKS];
  struct mid_span *current[MID_CLASSES];
  struct mid_gathered gathered[MID_GATHERS];  // by the owner, without the lock

  // All below: under the lock.
  struct mid_lock lock;
  enum mid_heap_kind kind;
  uint8_t rounds;    // of key destructors that its thread has been through
  uint8_t walker;    // who walks its thread's stack for samples, from 1; 0: nobody yet
  uint32_t reloads;  // tried by the owner without the lock, since the counters were last published
  const struct mid_span *reloaded;  // tried last, and how often in a row; by the owner
  uint32_t reloads_in_row;
  uintptr_t thread;            // mid_os_self of its thread, 0 for others
  struct mid_span_list large;  // of a shared heap; thread heaps do not keep their large blocks
  struct mid_span *pending;
  // Where `told`, `count` and `requests` are published; NULL: nowhere yet.  The owner reads it
  // without the lock, to publish requests.
  _Atomic(struct mid_feed_place *) place;
  bool place_sought;
  bool recorded;  // every call of its thread goes the slow way, and is told (record.h)
  struct mid_feed_heap told;
  size_t committed, peak;  // bytes charged to its spans
  size_t sweep_at;         // when it is to look for memory that it does not need
  size_t free_bytes;       // in its spans: told * block_bytes of each; by the owner
  size_t regret;           // see pages.c
  size_t purse;            // frees that pay for work on pages
  uint64_t freed_by_others;
  _Atomic uint64_t requests;          // as in its slot: by the owner, without the lock
  uint64_t random;                    // for sample.h; 0: not drawn yet
  struct midden_allocator allocator;  // what midden_heap_allocator gives out
  struct mid_hardened *hardened;      // with the option; NULL until the first block
  struct mid_heap *next;              // of all heaps, for ever
  struct mid_heap *next_pooled;       // while kind is MID_HEAP_POOLED

  // By class, so that a heap of few classes touches few pages.
  uint8_t lent[MID_CLASSES];       // blocks asked of it and taken from a coarser one; by the owner
  uint8_t grant_log[MID_CLASSES];  // sample.h: 1 + log2 of the mean that `grant` was drawn for ...
  uint32_t grant[MID_CLASSES];     // ... 0: not drawn; blocks before the next sample; by the owner
  struct mid_span_list partial[MID_CLASSES], full[MID_CLASSES], sampled[MID_CLASSES];
  struct mid_feed_count count[MID_CLASSES];
  uint32_t spans[MID_CLASSES];  // that it has
  // Full spans given up by the thread that freed their last block, and their blocks (all in
  // freed_by_others); in no other counter.
  uint32_t closed_by_others[MID_CLASSES];
};

// A span without blocks: its mark never matches, so that take goes the slow way.
extern struct mid_span mid_span_none;
extern const struct mid_block mid_block_none;

// span->xfreed = count << 48 | first block | whether the owner wants to be told.
#define MID_REMOTE_SHIFT 48
#define MID_REMOTE_TELL ((uint64_t)1)
static inline uint32_t mid_remote_count(uint64_t word) {
  return (uint32_t)(word >> MID_REMOTE_SHIFT);
}
static inline struct mid_block *mid_remote_first(uint64_t word) {
  uint64_t pointer = word & (((uint64_t)1 << MID_REMOTE_SHIFT) - 1) & ~MID_REMOTE_TELL;
  return (struct mid_block *)(uintptr_t)pointer;
}

static inline struct mid_block *mid_no_block(void) { return (struct mid_block *)&mid_block_none; }

// Heaps that are none: of threads that have not allocated yet, and of threads that have ended.
// The inline path sees nothing but `quick` of them, and there is nothing else.
extern struct mid_span *mid_heap_none_quick[MID_QUICKS], *mid_heap_ended_quick[MID_QUICKS];
#define MID_HEAP_NONE ((struct mid_heap *)(void *)mid_heap_none_quick)
#define MID_HEAP_ENDED ((struct mid_heap *)(void *)mid_heap_ended_quick)
static inline bool mid_heap_is_real(const struct mid_heap *heap) {
  return heap != MID_HEAP_NONE && heap != MID_HEAP_ENDED;
}

// Initial-exec, one pointer: no call, no lazy allocation.
extern __thread struct mid_heap *mid_thread_heap __attribute__((tls_model("initial-exec")));

// ---- refill.c: take, when it runs dry ----

// Take a block from the owner's current span, whose `ready` is used up, without the lock; NULL when
// that is not enough.
struct mid_block *mid_heap_reload(struct mid_heap *heap, struct mid_span *span, size_t asked);

// Take a block of `klass`, whose fast path ran dry.  `zeroed` is set to whether the block is known
// to be zero but for its first 16 bytes.  urgent: pass heap_limit.
void *mid_heap_take_class(struct mid_heap *heap, unsigned klass, size_t asked, bool *zeroed,
                          bool urgent);

// Charge the pages that `*count` more blocks of `span` reach into, or one block at a limit; false
// when that refuses.  `fresh` tells which pages are new.  The lock is held.
struct mid_fresh {
  size_t from, bytes;  // in the span
};
bool mid_span_charge_blocks(struct mid_heap *heap, struct mid_span *span, uint32_t *count,
                            bool urgent, struct mid_fresh *fresh);

// Make the class's current span ready to give a block; the lock is held.
bool mid_heap_refill(struct mid_heap *heap, unsigned klass, bool urgent);

// ---- give.c: free, when it is not a plain push ----

// Free `p`, a word that the fast path could not deal with.
void mid_heap_give_any(void *p);
// `block` is a block of `span`, and in use as far as its first word tells; when hardened, it was
// held back long enough.
void mid_heap_give_block(struct mid_span *span, struct mid_block *block);
// The owner freed as many blocks of `span` as it was to look after.
void mid_heap_give_watched(struct mid_span *span);
// What other threads freed in the spans that they told of; the lock is held, by the owner or for a
// shared heap.
void mid_heap_drain(struct mid_heap *heap);
// Take the blocks that other threads freed; *count of them.  By the owner, or under the lock. tell:
// the owner wants to hear when there are many again.
struct mid_block *mid_remote_take(struct mid_span *span, uint32_t *count, bool tell);
// Want to hear of them from now on, or have heard already: then the span is pending.
void mid_remote_listen(struct mid_heap *heap, struct mid_span *span);
// Bring them home.  Whoever may touch `freed` calls it.
void mid_remote_fold(struct mid_heap *heap, struct mid_span *span);

// Put `blocks` blocks of another thread's span, `first` to `last`, before its owner.
void mid_remote_push(struct mid_span *span, struct mid_block *first, struct mid_block *last,
                     uint32_t blocks);

// ---- gather.c: remote frees in bundles ----

// Free `block` of another thread's span, now or with others that are to come.
void mid_gather(struct mid_span *span, struct mid_block *block);
// Hand over a bundle, or all of them; by the owner, without locks.
void mid_gather_give(struct mid_gathered *bundle);
void mid_gather_give_all(struct mid_heap *heap);
// In a forked child: what a thread that is not here had put aside is lost.
void mid_gather_forget(struct mid_heap *heap);
// Whether a thread has put `block` of `span` aside.  Takes the registry's lock; for rare doubts.
bool mid_gather_has(const struct mid_span *span, const struct mid_block *block);
// Blocks of a class that are put aside; an estimate while the owner runs.
uint32_t mid_gather_count(const struct mid_heap *heap, unsigned klass);

// ---- abandon.c: spans without a thread ----

// Hand `span`, which is in use, to whoever comes next, or give it up when it is empty.
void mid_span_abandon(struct mid_heap *heap, struct mid_span *span);
// Hand every span to whoever comes next.  The heap's lock is held.
void mid_heap_abandon(struct mid_heap *heap);
// Take over an abandoned span of `klass` that has a block to give; NULL when there is none.
struct mid_span *mid_adopt_any(struct mid_heap *heap, unsigned klass);
// Take over `span`; false when it is no longer abandoned.  It is in a list of `heap` afterwards.
bool mid_adopt(struct mid_heap *heap, struct mid_span *span);
void mid_abandoned_lock(void);
void mid_abandoned_unlock(void);

// ---- heap.c: lists and counts; the lock is held ----

// Put `span` into another list of its heap, and let the inline path free into it or not.
void mid_span_relist(struct mid_heap *heap, struct mid_span *span, uint8_t list);
void mid_heap_set_current(struct mid_heap *heap, unsigned klass, struct mid_span *span);
// Put `span` where one belongs that is not the current one; have the class no current one.
void mid_span_shelve(struct mid_heap *heap, struct mid_span *span);
void mid_heap_retire_current(struct mid_heap *heap, unsigned klass);
// Bring home what others freed in `span`, which may be empty then, and gone.
void mid_span_take_stock(struct mid_heap *heap, struct mid_span *span);
struct mid_span_list *mid_spans_of(struct mid_heap *heap, const struct mid_span *span);
// What the inline path may free into `span` from now on: after `carved` or the list changed.
void mid_span_arm(struct mid_heap *heap, struct mid_span *span);
struct mid_span *mid_span_open(struct mid_heap *heap, unsigned klass, bool urgent);
// Give back a span that is in no list but perhaps `pending`.
void mid_span_close(struct mid_heap *heap, struct mid_span *span);
// All blocks are free: leave its list and go, but for the current one, which is about to be used.
bool mid_span_close_if_empty(struct mid_heap *heap, struct mid_span *span);
bool mid_span_has_room(const struct mid_span *span);
bool mid_span_is_empty(const struct mid_span *span);
void mid_pending_add(struct mid_heap *heap, struct mid_span *span);
void mid_pending_drop(struct mid_heap *heap, struct mid_span *span);
// Put what waits in `ready` back among the freed.
void mid_ready_fold(struct mid_heap *heap, struct mid_span *span);

static inline uint32_t mid_span_used(const struct mid_span *span) {
  return span->floor + span->left;
}
// `used` blocks are in use now: when to look at the span again.
void mid_span_watch(struct mid_span *span, uint32_t used);
static inline void mid_span_watch_not(struct mid_span *span, uint32_t used) {
  span->left = MID_UNWATCHED;
  span->floor = used - MID_UNWATCHED;
}

// The counters know of `told` blocks in `freed`.
static inline void mid_span_set_told(struct mid_heap *heap, struct mid_span *span, uint32_t told) {
  heap->free_bytes += ((size_t)told - span->told) * span->block_bytes;
  span->told = (uint16_t)told;
}

// Counters are changed by one thread at a time, and read by others for figures.
static inline void mid_count_add(uint64_t *counter, uint64_t more) {
  __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + more, __ATOMIC_RELAXED);
}

// Whether `span` is one of a thread's spans of samples, by whom the heap is.  Shared heaps and
// hardened ones have none apart.
static inline bool mid_span_is_apart(const struct mid_heap *heap, const struct mid_span *span) {
  return mid_span_is_sampled(span) && heap->kind == MID_HEAP_THREAD && !mid_options.hardened;
}

// The key of a span of `heap` (mid_span_frees_inline).  Spans that are touched under the lock alone
// belong to no thread; those of samples, or of a heap that is recorded, to one that none is, as
// nothing is mapped at 16.
static inline void mid_span_set_key(const struct mid_heap *heap, struct mid_span *span) {
  bool nobody = heap->recorded || mid_span_is_apart(heap, span);
  uint64_t owner = nobody ? 16 : heap->thread;
  uint64_t key = mid_span_base(span) + (owner << 16);
  atomic_store_explicit(&span->key, key, memory_order_relaxed);
}
static inline bool mid_span_is_locked(const struct mid_span *span) {
  return atomic_load_explicit(&span->key, memory_order_relaxed) == mid_span_base(span);
}

// The heap's spans are charged with `bytes` more.
static inline void mid_heap_commit(struct mid_heap *heap, size_t bytes) {
  heap->committed += bytes;
  heap->peak = mid_max(heap->peak, heap->committed);
}

// Tell the counters of the frees in `span` that they do not know of; by the owner or under the
// lock.
void mid_span_tell_frees(struct mid_heap *heap, struct mid_span *span);

// ---- pages.c: pages of a span that are given back; by the owner, under the lock ----

// Whether the heap has so much that is free that pages should go.
bool mid_pages_wanted(const struct mid_heap *heap);
// Give the free pages of `span` back, a partial one, unless it uses more blocks than it has pages:
// then few are without one.  And those of some others of its class.
void mid_pages_look(struct mid_heap *heap, struct mid_span *span);
// Make blocks of a page that was given back; false when there is none, or the limit refuses.
bool mid_pages_regrow(struct mid_heap *heap, struct mid_span *span, bool urgent);
// Blocks that reach into pages that are gone; whether `p`, a block, does.
uint32_t mid_pages_count_gone(const struct mid_span *span);
static inline bool mid_pages_any_gone(const struct mid_span *span) {
  for (uint32_t i = 0; i < span->slices; i++)
    if (atomic_load_explicit(&span[i].gone, memory_order_relaxed) != 0) return true;
  return false;
}
static inline uint32_t mid_pages_gone_blocks(const struct mid_span *span) {
  return mid_unlikely(mid_pages_any_gone(span)) ? mid_pages_count_gone(span) : 0;
}
bool mid_pages_gone_at(const struct mid_span *span, const void *p);
// Stop the program when such a block was freed again.
void mid_pages_check(const struct mid_span *span);

// ---- lookup.c ----

// The head of the span that `p` is a block of, NULL when `p` lies in no span in use.  Stops the
// program when `p` is not the start of a block, or of a free one.
struct mid_span *mid_heap_block_span(const void *p);
size_t mid_heap_usable(const void *p);

// mid_crime, after which locks that this thread holds are in nobody's way: handlers of SIGABRT fork
// and allocate.
MID_RARELY _Noreturn void mid_heap_crime(const char *crime, const void *p, const char *advice);
MID_RARELY _Noreturn void mid_crime_in_list(const void *block);
MID_RARELY _Noreturn void mid_heap_crime_double(const void *p);

// ---- heap.c: a heap as a whole ----

// Make an empty heap; `heap` is zero or was emptied before.
void mid_heap_prepare(struct mid_heap *heap, enum mid_heap_kind kind, uintptr_t thread);
// In a forked child.  Threads that are not here went on while fork copied the pages one after the
// other, so what they changed without a lock may not fit together: it is lost.  That is the blocks
// that others freed into a heap, if their list is not whole; of a heap that is not `mine` also its
// free blocks in partly used spans.  And nobody else will tell of remote frees.
void mid_heap_mend(struct mid_heap *heap, bool mine);
// Give every span back, live blocks or not.  The heap's lock is held.
void mid_heap_drop(struct mid_heap *heap);
// Give empty spans back that are kept for the next call.  The heap's lock is held, by its owner.
void mid_heap_tidy(struct mid_heap *heap);
// The heap is about to grow: give up what is empty, but for the class that grows.  The lock is
// held.
void mid_heap_sweep(struct mid_heap *heap, unsigned klass);
// The counters, with what others did to the heap.
struct mid_feed_count mid_heap_count(const struct mid_heap *heap, unsigned klass);
struct mid_feed_heap mid_heap_told(const struct mid_heap *heap);
// Frees that the counters do not know of yet; an estimate while the owner runs.
uint64_t mid_heap_untold(const struct mid_heap *heap, unsigned klass);
// Blocks in `ready` of the current span; safe while another thread pops.
uint32_t mid_heap_ready_count(const struct mid_heap *heap, unsigned klass);

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
extern struct mid_heap *mid_heaps;  // all, by `next`; under the registry's lock
void mid_heaps_visit(void (*visit)(struct mid_heap *heap, void *context), void *context);
// Every lock there is in the allocator, down to span/: around fork, and while threads are stopped
// anywhere, of which none may hold one that others then wait for.
void mid_heap_lock_all(void);
void mid_heap_unlock_all(void);

// ---- tell.c: the counters, to the feed ----

void mid_tell_class(struct mid_heap *heap, unsigned klass);  // the heap's lock is held
void mid_tell_process(void);
void mid_tell_open(void);  // make the feed, if that was not tried yet
void mid_tell_end(void);
void mid_tell_left(void);  // at _exit: takes no lock
void mid_tell_lock(void);  // around fork
void mid_tell_unlock(void);
void mid_tell_forked(struct mid_heap *first);  // in the child, with the lock held

// Sum of the counters of all heaps for a class, with blocks that wait in `ready` taken off.
struct mid_feed_count mid_tell_sum(unsigned klass);

#endif
