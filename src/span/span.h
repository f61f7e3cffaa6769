// span/span.h -- runs of pages with one owner, and the map from any address to its span.
// SPDX-License-Identifier: MIT
//
// Address space is taken in 64 KiB slices.  Each slice has a record, struct mid_span, in a table
// apart from the memory it describes; the record of a run's first slice describes the run:
//
//   window (16 GiB of addresses)   | slice 0 | slice 1 | slice 2 | slice 3 | ...
//   its table                      | span    | inner   | span    | span    | ...
//
//   record of p  =  table + (p - window) / 64 KiB         no load, no pointer to follow
//
// So the way from a block to its span is arithmetic, for any word at all: a foreign pointer is
// known without being followed.  The first window holds nearly every heap and is what the inline
// path looks at; others are found through mid_map_root.  Every record of a window's table can be
// read, used or not, so the inline path may look one up for a word from anywhere and then ask, by
// one multiplication, whether the word is what the record describes (mid_span_frees_inline).
//
// Who may touch what:
//   - records of free runs, their lists and all totals: whoever holds the span lock.
//   - records of spans in use: the heap that owns them (heap/heap.h says which part of it).
//   - key, magic, limit, heap: read by any thread, written as a span changes hands.
#ifndef MID_SPAN_SPAN_H
#define MID_SPAN_SPAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "feed/format.h"
#include "os/os.h"

#define MID_SLICE_SHIFT 16
#define MID_SLICE_BYTES ((size_t)1 << MID_SLICE_SHIFT)
#define MID_WINDOW_SHIFT 34
#define MID_WINDOW_SLICES ((size_t)1 << (MID_WINDOW_SHIFT - MID_SLICE_SHIFT))
#if defined(__aarch64__)
#define MID_ADDRESS_BITS 48
#else
#define MID_ADDRESS_BITS 47
#endif

enum mid_span_state {
  MID_SPAN_NONE = 0,  // never used, or an inner slice of a large span
  MID_SPAN_INNER,     // of a medium span: `slices` back to its head
  MID_SPAN_SMALL,     // head of a span of equal blocks
  MID_SPAN_LARGE,     // head of a span that is one block
  MID_SPAN_DIRTY,     // first slice of a free run with resident pages
  MID_SPAN_CLEAN,     // first slice of a free run without: reads as zero
  MID_SPAN_TAIL,      // last slice of a free run of two or more: `slices` back to its head
};

// A free block: the mark tells it from one in use, the link leads to the next.
struct mid_block {
  const void *mark;  // its span while it is free
  struct mid_block *next;
};

struct mid_span {
  // Read on every malloc and free.  For key, magic and limit see mid_span_frees_inline.
  _Atomic uint64_t key;  // x: relaxed
  uint64_t magic;
  // x: 0 sends every free the slow way; relaxed, only the owner believes it.
  _Atomic uint64_t limit;
  struct mid_block *freed;  // SMALL: what the owner gave back since the last refill
  union {
    struct mid_block *ready;  // SMALL: what take pops
    size_t asked;             // LARGE: bytes asked for; free: bytes once given back;
  };                          // hardened SMALL: the table of its blocks
  uint32_t left;              // frees until the owner looks at the span again
  uint32_t floor;             // used = floor + left, modulo 2^32
  uint32_t block_bytes;       // SMALL: of each block; LARGE: where the block starts in the span
  uint16_t carved;            // blocks made so far, from the low end
  uint16_t capacity;          // blocks that fit; LARGE: whether it was backed early
  struct mid_span *next;      // in one list of its heap, or of free runs

  // Cross-thread, on a line of its own: pushes by other threads do not slow the owner.
  // xfreed: see MID_REMOTE_SHIFT in heap/heap.h; pushed with release, taken with acquire.
  _Alignas(64) _Atomic uint64_t xfreed;
  _Atomic(struct mid_heap *) heap;  // x: whose it is; NULL: abandoned or free
  struct mid_span *prev;
  struct mid_span *xnext, *xprev;  // in the heap's list of spans with remote frees (its lock)
  size_t bytes;                    // LARGE: usable bytes; free DIRTY: resident at most;
                                   // SMALL: charged, as pages carved
  uint32_t slices;                 // length of the run; INNER, TAIL: distance back to the head
  uint16_t before;                 // any slice: pages left resident, see span/resident.h
  _Atomic bool sampled;            // x: relaxed; some of its blocks may be samples, see heap.h
  bool pending;                    // in the heap's list of spans with remote frees (its lock); a
                                   // byte of its own, as other threads write it
  uint16_t told;                   // frees in `freed` that the counters know of
  _Atomic uint16_t gone;           // x: SMALL, INNER; bit i: page i of this slice was given back
  uint8_t state;                   // enum mid_span_state
  uint8_t klass;                   // size class; LARGE: MID_SPAN_COLLECTED or anything else
  bool ready_zero;                 // blocks in `ready` are zero but for their first two words
  unsigned list : 3;               // heap's: which of its lists the span is in
  bool zero : 1;                   // SMALL: never dirty above `carved`; LARGE: reads as zero
  bool moved : 1;                  // holds pages that mremap brought: renewed when purged
  bool guarded : 1;                // LARGE: has guard pages
  bool own_mapping : 1;            // in use: given back by unmapping it
};
enum { MID_SPAN_COLLECTED = 255 };  // of a collected heap: objects, not one block
_Static_assert(sizeof(struct mid_span) == 128, "two cache lines: the window's table is 1/512");

// The first window.  Constant once set, but for `bytes`, which grows.
struct mid_map {
  uintptr_t base;
  _Atomic size_t bytes;  // x: whose records may be written; relaxed, a stale one is smaller
  struct mid_span *spans;
  uintptr_t mask;  // of byte offsets into the table
};
// Hidden, or the inline path would look up its address first.
extern struct mid_map mid_map __attribute__((visibility("hidden")));

// All windows, by address >> MID_WINDOW_SHIFT; the process record of the feed tells where this is.
struct mid_window {
  _Atomic(struct mid_span *) spans;
  _Atomic size_t slices;  // entries that are there
};
#define MID_WINDOWS ((size_t)1 << (MID_ADDRESS_BITS - MID_WINDOW_SHIFT))
extern struct mid_window mid_map_root[MID_WINDOWS];

struct mid_span *mid_map_find_far(uintptr_t p);

// The record of the slice that `p` lies in, or NULL when that was never Midden's.
static inline struct mid_span *mid_map_find(const void *p) {
  uintptr_t off = (uintptr_t)p - mid_map.base;
  if (mid_unlikely(off >= atomic_load_explicit(&mid_map.bytes, memory_order_relaxed)))
    return mid_map_find_far((uintptr_t)p);
  return &mid_map.spans[off >> MID_SLICE_SHIFT];
}

// The record that `p` has if it lies in the first window; some readable record otherwise.
static inline struct mid_span *mid_map_guess(const void *p) {
  uintptr_t at = (uintptr_t)p >> (MID_SLICE_SHIFT - 7);
  return (struct mid_span *)((char *)mid_map.spans + (at & mid_map.mask));
}

// The head of the span in use that `p` lies in, or NULL.  cost: O(slices) inside a large span.
struct mid_span *mid_map_find_head_of(struct mid_span *span, const void *p);
static inline struct mid_span *mid_map_find_head(const void *p) {
  struct mid_span *span = mid_map_find(p);
  if (span == NULL || span->state == MID_SPAN_SMALL) return span;
  return mid_map_find_head_of(span, p);
}

static inline bool mid_span_is_sampled(const struct mid_span *span) {
  return atomic_load_explicit(&span->sampled, memory_order_relaxed);
}
static inline void mid_span_set_sampled(struct mid_span *span) {
  atomic_store_explicit(&span->sampled, true, memory_order_relaxed);
}

// Whether the slice of `span` is free now and was in use before.
bool mid_map_was_used(const struct mid_span *span);

// ---- is it a block's start? ----
//
// A product of `off` with `magic` = (2^64 + e) / block_bytes, for the small e that makes it whole
// and odd: modulo 2^64 it is i * e for the start of block i, and beyond 2^50 within a block.  After
// D. Lemire et al., "Faster Remainder by Direct Computation", Softw. Pract. Exper. 49(6), 2019.

static inline uint64_t mid_span_magic(size_t block_bytes) {
  uint64_t rest = -(uint64_t)block_bytes % block_bytes;  // 2^64 mod block_bytes
  uint64_t e = block_bytes - rest;
  uint64_t magic = (uint64_t)((((unsigned __int128)1 << 64) + e) / block_bytes);
  return magic % 2 != 0 ? magic : magic + 1;
}

// Products below this are starts of the first `blocks` blocks.  magic * block_bytes is e, modulo
// 2^64.
static inline uint64_t mid_span_limit(const struct mid_span *span, uint32_t blocks) {
  return span->magic * span->block_bytes * blocks;
}

// Whether the inline path may free `p` into `span`, which mid_map_guess named: it is the start of a
// block, in this very slice, that the calling thread owns.  One compare for all of that:
//
//   key = base of the slice + (owner << 16)
//   (p + (self << 16) - key) * magic < limit
//
// A word of another window differs from the base by a multiple of 2^34 (of the table's reach, at
// least 2^27), another thread by a multiple of 2^20, as thread pointers are multiples of 16.  magic
// is odd, so such a difference does not vanish in the product, which is then 2^20 or more for every
// block's start, and limit is below 2^20.  For a word inside a block the product may come out small
// all the same: of another window only where more than 47 bits of address would be needed, which
// class_test.c shows for all classes; of another thread's span by a chance of one in 2^43.
static inline bool mid_span_frees_inline(const struct mid_span *span, const void *p) {
  uint64_t off = mid_os_self_shifted() + (uintptr_t)p;
#if defined(__x86_64__)
  // Relaxed loads, which compilers do not make operands of the instruction that needs them.
  bool below;
  __asm__("sub %1, %0" : "+r"(off) : "m"(span->key) : "cc");
  off *= span->magic;
  __asm__("cmp %2, %1" : "=@ccb"(below) : "r"(off), "m"(span->limit));
  return below;
#else
  off -= atomic_load_explicit(&span->key, memory_order_relaxed);
  return off * span->magic < atomic_load_explicit(&span->limit, memory_order_relaxed);
#endif
}

// Where the memory of `span` starts.
uintptr_t mid_span_base_far(const struct mid_span *span);
static inline uintptr_t mid_span_base(const struct mid_span *span) {
  uintptr_t off = (uintptr_t)span - (uintptr_t)mid_map.spans;
  if (mid_unlikely(off > mid_map.mask)) return mid_span_base_far(span);
  return mid_map.base + off / sizeof *span * MID_SLICE_BYTES;
}

// ---- taking and giving; all lock the span lock themselves ----

// Take a run of `slices` for one block or many, its base a multiple of `align` (a power of two;
// anything up to MID_SLICE_BYTES is free of charge).  The record is cleared, but for `slices`,
// `state` and `zero`; the other slices of a SMALL span lead to it.  NULL when the system or the
// limit refuses; `urgent` passes the limit. A run of half a window or more is a mapping of its own,
// and goes back to the system at once.
struct mid_span *mid_span_take(size_t slices, size_t align, uint8_t state, bool urgent);

// Count `bytes` of `span` as used, before they are touched; `span->bytes` grows by it.
// false when heap_limit refuses, which `urgent` passes.
bool mid_span_charge(struct mid_span *span, size_t bytes, bool urgent);

// Whether `bytes` more would be admitted now: for those that can do without.
bool mid_span_admits(size_t bytes);

// `bytes` of what was charged to a span of blocks were given back to the system, as its `gone` bits
// say; and are wanted again, after which those bits are cleared.
void mid_span_uncharge(struct mid_span *span, size_t bytes);
bool mid_span_recharge(struct mid_span *span, size_t bytes, bool urgent);

// Bytes charged to `span` that an earlier use did not leave resident.
size_t mid_span_fresh(const struct mid_span *span);

// Back a large span, charged whole, where the program is likely to touch all of it: span/touch.h.
void mid_span_back(struct mid_span *span);

// Fault in `bytes` of `span` from byte `from` on, whole pages that are sure to be written, by one
// call; nothing where most of the span was resident when it was taken.
void mid_span_populate(struct mid_span *span, size_t from, size_t bytes);

// Give a run back.  What was charged counts as resident, unless its pages were moved away.
void mid_span_give(struct mid_span *span);
void mid_span_give_moved(struct mid_span *span);

// Make a large span `slices` long where it stands, `bytes` of it charged; false when it does not
// fit there or the limit refuses.
bool mid_span_resize(struct mid_span *span, size_t slices, size_t bytes, bool urgent);

// Give dirty memory back until the bound holds; call without locks after a give.  all: all of it.
// returns bytes given back
size_t mid_span_settle(void);
size_t mid_span_purge_all(void);

// Count a large block as taken or given, by the span's `bytes` and `asked`; `resized` blocks are no
// new allocations.
void mid_span_count_large(const struct mid_span *span, bool taken, bool resized);
void mid_span_count_heaps(int change);

// Bytes for Midden's own records, zero, never given back; NULL when the system refuses.
void *mid_meta_take(size_t bytes);
// They are cut from pieces, each of which begins with this.
struct mid_meta {
  struct mid_meta *next;
  size_t bytes;  // of the piece
};
extern struct mid_meta *mid_metas;  // under the span lock

// ---- around ----

void mid_span_start(void);  // reads the options; once, before any other call
void mid_span_lock_all(void);
void mid_span_unlock_all(void);

// Whether the totals changed since the last call.
bool mid_span_changed(void);

// A consistent copy of the totals.
struct mid_feed_process mid_span_totals(void);

// Run `f` with the span lock held; the feed is written under it.
void mid_span_locked(void (*f)(struct mid_feed_process *totals, void *context), void *context);

// Call `visit` for the head of each run in use or free, lowest address first in each window.
void mid_span_visit(void (*visit)(struct mid_span *span, void *context), void *context);

// Resident bytes of all address space taken for spans.
uint64_t mid_span_resident(void);

// NULL, or a sentence naming the first broken invariant of the free runs.
const char *mid_span_broken(void);

#endif
