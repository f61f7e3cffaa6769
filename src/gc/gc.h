// gc/gc.h -- a collected heap: blocks, words before objects, and who does what in a collection.
// SPDX-License-Identifier: MIT
//
// Memory comes from span/ in areas of 4 or 32 blocks of 64 KiB, large objects in runs of their own.
// Each block has a record apart from it, found by the address (mid_gc_block_of); a byte beside it,
// its kind, is what tracing looks at.  A block can be read from its start to its end as a row of
// objects and fills, at any time when the world is stopped, but for the buffer that a thread
// allocates into:
//
//   block   | object | object | fill ......... | object | object | object |top ... end|
//                             hole: a fill that is free                   buffer of a thread
//
//   object  | [count word] | type word | fields ...     in words of 8 bytes
//
//   type word     63 .. 16 struct mid_gc_type *    15 .. 0 bits, below
//   forwarded     the new place of the fields | 1
//   count word    elements << 3 | 3                 only of types with elements
//   fill word     bytes << 3 | 7                    itself included; a multiple of 8
//
// A word that is no type word can so be told from one.  Addresses from behind the first word of an
// object to just past its last one are the object's: the one past it is the next one's first word,
// to which nothing refers, since references are to the fields.
//
// A collection stops the world and runs one or two cycles.  A cycle looks at a part of the heap, by
// the kinds of its blocks: what is reachable there is marked, or copied where its block is FROM:
//
//   kind     what a cycle does with a reference to it
//   FROM     copy the object, unless it is pinned: then mark it
//   TRACE    mark it
//   other    nothing: it is not looked at, or was just made by this cycle
//
// Marking of major cycles has two colours that take turns; 0 is new.  So what a cycle does not mark
// is dead though nothing was cleared, and is found so by sweeping, before the next major cycle.
//
//   minor cycle       FROM: young blocks, and young large objects, which are marked all the same
//   major cycle       FROM: chosen old blocks   TRACE: all others
//   copying's         FROM: all blocks          TRACE: large objects, blocks that never move
//
//   bytes of blocks = objects + fills + buffers         each block is in exactly one list
#ifndef MID_GC_GC_H
#define MID_GC_GC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/check.h"
#include "gc/weak.h"
#include "midden/gc.h"
#include "os/os.h"
#include "span/span.h"

enum {
  MID_GC_BLOCK_SHIFT = MID_SLICE_SHIFT,
  MID_GC_BLOCK = 1 << MID_GC_BLOCK_SHIFT,
  MID_GC_AREA_BLOCKS = 4,
  MID_GC_WIDE_BLOCKS = 32,  // of an area that huge pages may back
  MID_GC_AHEAD = 8,         // of those: as much as a minor collection with the default Eden copies
  MID_GC_LARGE = 32768,     // bytes of an object that has a run of its own
  MID_GC_WORD = 8,
  MID_GC_HOLE_LEAST = 128,  // bytes; smaller fills wait for a neighbour to die
  MID_GC_AGE_MOST = 15,
};

// ---- words before objects ----

// The first byte is written by markers, without atomicity, while the second may be changed by
// others.
enum {
  MID_GC_FORWARDED = 1,
  MID_GC_GREW = 4,      // forwarded: the copy has its hash behind it, which this one had not
  MID_GC_COUNT = 3,     // of the low three bits: a count word
  MID_GC_FILL = 7,      // a fill word
  MID_GC_OLD = 1 << 3,  // a store to it must be told of: in an old object that is not logged
  MID_GC_MARK_SHIFT = 4,
  MID_GC_MARK = 3 << 4,    // colour of the last cycle that found it reachable
  MID_GC_PIN = 1 << 6,     // an ambiguous word points to it: not moved in this cycle
  MID_GC_HASHED = 1 << 7,  // its address was taken as its hash
  MID_GC_AGE_SHIFT = 8,
  MID_GC_AGE = 15 << 8,        // minor collections survived
  MID_GC_KEY = 1 << 12,        // a pending ephemeron waits for it: see gc/table.c
  MID_GC_HASH_KEPT = 1 << 13,  // it was moved since: the hash is in a word behind its last one
  MID_GC_COUNTED = 1 << 14,    // it has a count word
  MID_GC_TENURED = 1 << 15,    // it is of the old space
  MID_GC_BITS = 16,
  MID_GC_YOUNG_MARK = 3,  // the colour that minor cycles mark with, and sweep away
};

struct mid_gc_type {
  midden_type seen;  // what the inline paths read
  midden_gc *gc;
  const char *name;
  uint32_t bytes, element_bytes;
  uint32_t refs, element_refs;
  uint32_t *offset, *element_offset;  // in words of 8 bytes
  unsigned flags;
  enum mid_gc_inside {
    MID_GC_FIELDS,  // by offset and element_offset
    MID_GC_REFS,    // no fixed part, elements are references
    MID_GC_BYTES,   // no references
    MID_GC_WORDS,   // any word may be one
    MID_GC_CALLS,   // by trace
    MID_GC_WEAK,    // gc/weak.c
    MID_GC_TABLE,   // gc/table.c
  } inside;
  void (*trace)(void *object, size_t bytes, midden_visit *visit, void *context);
  void (*finalise)(void *object, void *context);
  void *context;
  bool dropped;
  unsigned empty;  // major cycles in a row that found none, since it was dropped
  size_t whole_bytes;
  _Atomic uint64_t found;  // objects that the last major cycle marked, while dropped
  struct mid_gc_type *next;
};

static inline uint64_t *mid_gc_word(const void *object) { return (uint64_t *)object - 1; }
static inline struct mid_gc_type *mid_gc_type_in(uint64_t word) {
  return (struct mid_gc_type *)(uintptr_t)(word >> MID_GC_BITS);
}
static inline bool mid_gc_is_forwarded(uint64_t word) { return (word & 3) == MID_GC_FORWARDED; }
static inline void *mid_gc_forwarded(uint64_t word) {
  return (void *)(uintptr_t)(word & ~(uint64_t)7);
}
static inline unsigned mid_gc_colour(uint64_t word) {
  return (unsigned)(word & MID_GC_MARK) >> MID_GC_MARK_SHIFT;
}
// Take the bit away that has a store to it told of.  returns whether it had it: one caller does
static inline bool mid_gc_untell(void *object) {
  uint64_t before =
      __atomic_fetch_and(mid_gc_word(object), ~(uint64_t)MID_GC_OLD, __ATOMIC_RELAXED);
  return (before & MID_GC_OLD) != 0;
}
static inline unsigned mid_gc_age(uint64_t word) {
  return (unsigned)(word & MID_GC_AGE) >> MID_GC_AGE_SHIFT;
}
// Of fields and elements.
static inline size_t mid_gc_field_bytes(const void *object, uint64_t word) {
  const struct mid_gc_type *t = mid_gc_type_in(word);
  if ((word & MID_GC_COUNTED) == 0) return t->bytes;
  return t->bytes + (size_t)(((const uint64_t *)object)[-2] >> 3) * t->element_bytes;
}
// Of all its words: rounded up, with those before it and the kept hash.
static inline size_t mid_gc_whole_bytes(const void *object, uint64_t word) {
  return mid_round_up(mid_gc_field_bytes(object, word), MID_GC_WORD) + MID_GC_WORD +
         ((word & MID_GC_COUNTED) != 0 ? MID_GC_WORD : 0) +
         ((word & MID_GC_HASH_KEPT) != 0 ? MID_GC_WORD : 0);
}
// A word of which other threads may set or clear bits meanwhile: markers, barriers, hashes.
static inline uint64_t mid_gc_read(const void *at) {
  return __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
}
// The fields of the object whose first word is at `at`.
static inline void *mid_gc_fields(char *at) {
  return at + ((mid_gc_read(at) & 7) == MID_GC_COUNT ? 16 : 8);
}
// Where its first word is.
static inline char *mid_gc_first(const void *object, uint64_t word) {
  return (char *)object - ((word & MID_GC_COUNTED) != 0 ? 16 : 8);
}

// ---- blocks ----

enum mid_gc_kind {
  MID_GC_IN = 1 << 0,     // of some collected heap
  MID_GC_FROM = 1 << 1,   // this cycle copies
  MID_GC_TRACE = 1 << 2,  // this cycle marks
  MID_GC_YOUNG = 1 << 3,
  MID_GC_IS_LARGE = 1 << 4,
  MID_GC_STAYS = 1 << 5,  // its objects never move: pinned, conservative
};

struct mid_gc_hole {  // a fill that is free, of MID_GC_HOLE_LEAST bytes or more
  uint64_t word;
  struct mid_gc_hole *next;  // by rising address
};

enum { MID_GC_PIECE = 8192, MID_GC_PIECES = MID_GC_BLOCK / MID_GC_PIECE };

struct mid_gc_block {
  char *base;
  midden_gc *gc;
  struct mid_gc_block *next;
  size_t bytes;  // MID_GC_BLOCK, or of a large object's run
  char *end;     // behind the last object or fill: from here to base + bytes is unused
  struct mid_gc_hole *holes;
  uint32_t free_bytes;       // in holes, and behind `end`
  uint32_t live_bytes;       // in objects, at the last sweep
  struct mid_gc_area *area;  // NULL: large
  void *object;              // large: it
  char *const *buffer_top;   // of the buffer in it, which ends at buffer_end; NULL: none
  char *buffer_end;
  uint64_t *starts;               // bit i: an object's fields start at word i; see mid_gc_find
  uint64_t starts_cycle;          // when it was begun
  uint64_t born;                  // the cycle before which it was taken; see gc/hash.c
  uint8_t starts_made;            // bit i: for piece i of the block
  uint16_t known[MID_GC_PIECES];  // an object starts at word known[i] of the block, in piece i; 0:
                                  // it is not known of any
  uint8_t *cards;                 // large, old: one for each MID_GC_CARD bytes; NULL: none is set
  struct mid_span *span;          // large
  uint16_t written;               // bit i: page i may refer to young objects (no-barrier)

  bool pinned;  // an object in it is pinned in this cycle
  bool unswept;
  bool zero;  // it was never written to
};

struct mid_gc_area {
  struct mid_gc_area *next;
  struct mid_span *span;
  unsigned free;    // of its blocks, those in gc->free and gc->away
  unsigned blocks;  // MID_GC_AREA_BLOCKS or MID_GC_WIDE_BLOCKS
  // x: ahead: a helper has backed it, told by release; see gc/area.c
  _Atomic bool xtouched;
  uint64_t *starts;  // room for its blocks' tables of starts; NULL: not needed yet
  struct mid_gc_block block[];
};
static inline size_t mid_gc_area_bytes(const struct mid_gc_area *area) {
  return (size_t)area->blocks * MID_GC_BLOCK;
}

struct mid_gc_list {
  struct mid_gc_block *first;
  size_t count;
};
static inline void mid_gc_push(struct mid_gc_list *list, struct mid_gc_block *block) {
  block->next = list->first;
  list->first = block;
  list->count++;
}

// Of a large object: a byte for so many bytes of it, 1 where a reference was stored.
enum { MID_GC_CARD = 1024 };
static inline size_t mid_gc_card_bytes(const struct mid_gc_block *block) {
  return mid_round_up(block->bytes / MID_GC_CARD, mid_os_page_bytes());
}

static inline struct mid_gc_block *mid_gc_pop(struct mid_gc_list *list) {
  struct mid_gc_block *block = list->first;
  if (block != NULL) list->first = block->next, list->count--;
  return block;
}

// By address: one window for each 16 GiB, made when the first block lies there.
struct mid_gc_window {
  uint8_t kind[MID_WINDOW_SLICES];
  uint8_t marked[MID_WINDOW_SLICES];  // something in it was reached in this major cycle
  struct mid_gc_block *block[MID_WINDOW_SLICES];
};
extern struct mid_gc_window *mid_gc_windows[MID_WINDOWS] __attribute__((visibility("hidden")));

// `p` is any reference of this process that is not NULL, to an object.
static inline uint8_t *mid_gc_kind_at(const void *p) {
  uintptr_t a = (uintptr_t)p;
  return &mid_gc_windows[a >> MID_WINDOW_SHIFT]
              ->kind[(a >> MID_GC_BLOCK_SHIFT) & (MID_WINDOW_SLICES - 1)];
}
static inline struct mid_gc_block *mid_gc_block_of(const void *p) {
  uintptr_t a = (uintptr_t)p;
  return mid_gc_windows[a >> MID_WINDOW_SHIFT]
      ->block[(a >> MID_GC_BLOCK_SHIFT) & (MID_WINDOW_SLICES - 1)];
}
// The same for any word: NULL where it does not point into `gc`.
struct mid_gc_block *mid_gc_block_around(const midden_gc *gc, uintptr_t word);

// A part of a block that one thread, or a cycle, allocates into: [top, end).
struct mid_gc_buffer {
  char *top, *end;
  char *clear;  // behind it nothing is zero
  char *scan;   // of a copy's: what lies from here to top is not scanned
  struct mid_gc_block *block;
};

// ---- growing lists of words, from os/: what collections need must not come from malloc ----

struct mid_gc_words {
  uintptr_t *word;
  size_t count, room;
};
bool mid_gc_words_add(struct mid_gc_words *w, uintptr_t word);  // false: out of memory
void mid_gc_words_close(struct mid_gc_words *w);

// ---- mutators ----

// What a thread does, as who stops the world sees it:
//
//          called                       let go: nobody waits for it
//   RUNS ----------> CALLED           <----------------------------- SIGNALLED
//    ^  \                \  its handler, in time                          ^
//    |   \ itself         `----------------------------------------------'
//    |    `----> STOPPED, BLOCKED
//    `--------------'  when nobody wants the thread to stop
enum mid_gc_state {
  MID_GC_RUNS,
  MID_GC_CALLED,     // runs; a signal is on its way, and may stop it
  MID_GC_STOPPED,    // at a poll: its buffers are closed; precise: its stack is not looked at
  MID_GC_SIGNALLED,  // by a signal, anywhere: its buffers are as they were
  MID_GC_BLOCKED,    // elsewhere, in midden_gc_call_blocking or for a lock: its buffers are closed
};

enum { MID_GC_REGISTERS = 32 };  // words: room for those that a function must save for its caller

struct mid_mutator {
  midden_mutator seen;         // what the inline paths use
  struct mid_gc_buffer spare;  // for objects that do not fit the rest of the buffer
  struct mid_gc_buffer stays;  // for objects that never move
  char *end, *clear;           // of the buffer whose top is in `seen`; clear: its limit, where
                               // nobody lowered that
  struct mid_gc_block *block;  // that it lies in
  struct mid_gc_words log;     // objects whose MID_GC_OLD this thread cleared
  uint64_t stressed;           // calls that stress mode has counted
  struct mid_mutator *next;    // of the heap: gc->lock
  // The rest is of gc/mutator.c, gc/stop.c and gc/stacks.c.
  struct mid_mutator *sibling;  // the same thread's in another heap; only the thread itself
  bool in_runtime;              // in a slow path: not to be stopped by a signal; the same
  bool gone;                    // of no thread, kept for another: gc->lock
  bool waits;                   // for a lock, and so counts as stopped; only the thread itself
  bool told;                    // that it does not come: who stops the world
  _Atomic bool xsent;  // x: a signal is on its way; set by who sends, cleared by the thread
  uint64_t thread;     // the kernel's number
  uintptr_t stack_low, stack_high;
  midden_gc_stack *on;  // the coroutine stack it runs on; NULL: its own
  midden_gc_stack own;  // its own, while it runs on another
  // x: enum mid_gc_state.  A thread writes those below before it says so here (release), and who
  // stops the world reads them after that (acquire).
  _Atomic uint32_t xstate;
  uintptr_t sp;                          // all above it is scanned
  uintptr_t enter_sp;                    // the same of mid_gc_enter, while it waits for a lock
  uintptr_t alt_low, alt_high;           // alternate signal stack, where `sp` is not in its own
  void *context;                         // SIGNALLED: as the signal found it
  uint64_t registers[MID_GC_REGISTERS];  // at mid_gc_enter: if this thread itself collects
  unsigned kept;                         // of these
};
static inline struct mid_mutator *mid_mutator_of(midden_mutator *m) {
  return (struct mid_mutator *)m;
}

// ---- a plan: how a collector puts it together ----

struct mid_gc_plan {
  const char *name, *source;
  unsigned needs;               // of enum midden_gc_keeps
  bool generations;             // young objects are collected by themselves
  bool barrier;                 // old objects that are stored to are told of by the store barrier
  bool copies;                  // majors copy all that can be moved
  bool (*open)(midden_gc *gc);  // NULL: nothing to do; false: out of memory
  void (*close)(midden_gc *gc);
  // Memory was taken from span/, or is about to go back.  NULL: it is all the same
  void (*took)(midden_gc *gc, char *base, size_t bytes);
  void (*gave)(midden_gc *gc, char *base, size_t bytes);
  // Called in a minor cycle before anything is copied: mid_gc_remember each old object that may
  // refer to young ones.  NULL: those that were logged
  void (*remembered)(midden_gc *gc);
  // Before a major cycle marks, and after each collection, the world stopped.
  void (*marking)(midden_gc *gc);
  void (*over)(midden_gc *gc);
};
extern const struct mid_gc_plan *const mid_gc_plans[];

// ---- the heap ----

struct mid_gc_roots {
  const void *base, *module;  // what it was added as
  char *from, *to;
  enum midden_gc_rank rank;
  struct mid_gc_roots *next;
};

struct mid_gc_pinned {  // an open table would be one more: pins are few
  void *object;
  uint32_t count;
};

struct mid_written;
struct midden_gc {
  const struct mid_gc_plan *plan;
  unsigned keeps;
  midden_gc_events events;
  void *context;
  bool (*out_of_memory)(void *context, size_t bytes);
  int stop_signal;

  // Taken by slow paths for what follows; the world is stopped with it held.
  struct mid_lock lock;
  midden_gc *next;  // of the process's heaps

  // Blocks.  Each is in one of these, or large.
  struct mid_gc_area *areas;
  struct mid_gc_area *spare_areas, *spare_wide;  // records without memory
  struct mid_gc_area *ahead[MID_GC_AHEAD];       // wide, not among `areas` yet
  unsigned aheads;
  // What a helper touches: not to be changed before it is idle.  x: relaxed; it is to end soon
  struct mid_gc_area *touch[MID_GC_AHEAD];
  unsigned touches;
  _Atomic bool xtouch_stop;
  struct mid_gc_block *spare_large;
  struct mid_gc_list free;         // nothing in them; may be resident
  struct mid_gc_list away;         // nothing in them, and not committed
  struct mid_gc_list young;        // Eden and survivors; copying's: all
  struct mid_gc_list young_holes;  // of these, pinned in the last cycle: with holes between
  struct mid_gc_list chosen;       // old, to be emptied by the major cycle that runs
  struct mid_gc_list copied;       // to, in the cycle that runs
  struct mid_gc_list old;          // swept, no hole that is worth it, or being allocated into
  struct mid_gc_list holes;        // old, swept, with holes
  struct mid_gc_list unswept;      // old, since the last major cycle
  struct mid_gc_list stays;        // objects that never move, swept or not
  struct mid_gc_list large, young_large;
  struct mid_gc_list idle;  // runs that large objects left: for the next ones
  size_t idle_bytes;
  struct mid_gc_buffer promote, survive;  // where a cycle copies to

  // Sizes, in bytes; see gc/pace.c.
  size_t initial, most, soft, young_size, new_ratio, survivor_ratio;
  size_t soft_waste;  // of `soft`, what objects cannot take
  size_t eden_size, survivor_size;
  size_t eden_used;  // of buffers and large objects that mutators took since the last collection
  size_t survivors;  // in young objects that survived the last one
  size_t old_used;   // in old objects: live at the last major cycle, promoted or made old since
  size_t goal;       // of old_used (all there is, without generations): then comes a major one
  size_t committed, peak, meta;
  size_t free_least;          // blocks that were free all the time since the last major cycle
  size_t live, live_objects;  // at the end of the last major cycle
  size_t reached;             // bytes of objects that the cycle found, so far
  _Atomic int64_t external;
  int64_t external_then;
  unsigned threshold, max_tenuring;      // ages
  size_t survived[MID_GC_AGE_MOST + 1];  // bytes by age, in the last minor cycle
  double pause_goal;
  size_t young_now;  // young_size, or less where that took longer than pause_goal
  unsigned threads;
  uint64_t stress, verify;

  // The cycle that runs.
  uint64_t cycle;
  bool minor;

  unsigned colour;
  uint8_t scope;  // kinds it looks at: FROM and TRACE, or less
  bool promote_all;
  bool compacts;      // all blocks that are not nearly full are chosen
  bool moves;         // FROM blocks are left, where nothing is pinned
  bool pins_lost;     // `pins` are not all
  bool overflowed;    // the stack lost something: all that is marked is scanned again
  bool forgot;        // the remembered objects are not all: the next cycle looks at all old ones
  bool pending_lost;  // the same of `pending`
  unsigned major_colour;  // of the last major cycle
  size_t survived_bytes;
  struct mid_gc_words stack;         // marked, not yet scanned
  struct mid_gc_words ranges;        // copied to, not yet scanned: from and to, in pairs
  struct mid_gc_words remembered;    // objects logged before, still without MID_GC_OLD
  struct mid_gc_words pins;          // objects with MID_GC_PIN, in FROM blocks
  struct mid_gc_words pending;       // objects that threads may be about to store to
  struct mid_gc_words conservative;  // all objects of MID_GC_WORDS types

  midden_gc_collection now;  // being filled in

  // Roots and threads.
  struct mid_mutator *mutators;
  struct mid_gc_roots *roots;
  midden_gc_stack *stacks;
  struct midden_handle *handles;
  struct mid_gc_pinned *pinned;
  size_t pinneds, pinned_room;
  struct mid_gc_type *types;
  size_t type_count, type_bytes;
  struct mid_lock types_lock;
  struct mid_gc_weak_state weak;
  struct mid_written *written;  // gc/plan/no_barrier.c: NULL: the kernel does not tell
  void *helpers;                // gc/helper.c
  void *told;                   // gc/log.c

  uint64_t opened_ns, minors, majors, allocated;
  double pause, pause_most;
};

// The bits of an object that is old from now on: as the last major cycle would have marked it.
static inline uint64_t mid_gc_tenured(const midden_gc *gc) {
  return MID_GC_TENURED | (gc->plan->barrier ? MID_GC_OLD : 0) |
         (uint64_t)gc->major_colour << MID_GC_MARK_SHIFT;
}

// ---- area.c: the lock is held, or the world stopped ----

bool mid_gc_fits(const midden_gc *gc, size_t bytes);  // in gc_max
void mid_gc_commit(midden_gc *gc, size_t bytes);
// A run; NULL: the limit or the system refuses.
struct mid_span *mid_gc_span_take(midden_gc *gc, size_t slices, size_t align);
void mid_gc_span_give(midden_gc *gc, struct mid_span *span);
bool mid_gc_area_take(midden_gc *gc);  // its blocks are then in gc->free; false: refused
// Of those in which nothing is in use, as many as leave `keep` free blocks; those ahead where the
// heap is no longer large, or `all`.
void mid_gc_areas_drop(midden_gc *gc, size_t keep, bool all);
void mid_gc_ahead_stop(midden_gc *gc);  // the first helper is idle then
void mid_gc_ahead_drop(midden_gc *gc);
void mid_gc_areas_close(midden_gc *gc);  // after the last was dropped
size_t mid_gc_area_starts_bytes(const struct mid_gc_area *area);

// ---- block.c ----

// Let the slices of [base, base + bytes) lead to `block`; NULL: to nothing.
bool mid_gc_link(char *base, size_t bytes, struct mid_gc_block *block, uint8_t kind);
// A block of `kind`, empty, its kind and record set; NULL: the limit or the system refuses.
// The lock is held, or the world stopped.
struct mid_gc_block *mid_gc_block_take(midden_gc *gc, uint8_t kind);
void mid_gc_block_give(midden_gc *gc, struct mid_gc_block *block);  // to gc->free
// A large object's run, the fields starting `before` bytes behind its start.
struct mid_gc_block *mid_gc_large_take(midden_gc *gc, size_t bytes, uint8_t kind);
void mid_gc_large_give(midden_gc *gc, struct mid_gc_block *block);
// Give free memory back until `keep` bytes of it are left: areas in which nothing is in use, then
// the pages of blocks, of `all` or of those that were free since the last time.
void mid_gc_trim(midden_gc *gc, size_t keep, bool all);
void mid_gc_blocks_close(midden_gc *gc);
void mid_gc_kind_set(struct mid_gc_block *block, uint8_t kind);  // of all its slices
bool mid_gc_windows_start(void);                                 // before any other call

// ---- walking a block ----

// What is at `at`: an object, else NULL in *object: a fill, or the rest of a buffer.  returns where
// the next begins
char *mid_gc_step(struct mid_gc_block *block, char *at, void **object);
static inline bool mid_gc_is_buffer(const struct mid_gc_block *block, const char *at) {
  return block->buffer_top != NULL && at == *block->buffer_top && at < block->buffer_end;
}
// Where an object starts, or a fill, from which on a walk meets all that lies in a piece.
char *mid_gc_before_piece(const struct mid_gc_block *block, unsigned piece);
// The first item of its piece that was heard of starts at `at`.
static inline void mid_gc_note_start(struct mid_gc_block *block, const char *at) {
  size_t off = (size_t)(at - block->base);
  uint16_t *known = &block->known[off / MID_GC_PIECE];
  if (*known == 0) *known = (uint16_t)(off / MID_GC_WORD);
}
// The next object at or after `at`, NULL at the end of the block; *next is behind it.
void *mid_gc_next_object(struct mid_gc_block *block, char *at, char **next);
// for (each object of block) { }
#define MID_GC_EACH(object, block)                                                              \
  for (char *object##_at = (block)->base, *object##_next = NULL; object##_at != NULL;           \
       object##_at = object##_next)                                                             \
    for (void *object = mid_gc_next_object(block, object##_at, &object##_next); object != NULL; \
         object = NULL)
static inline void mid_gc_fill(char *at, size_t bytes) {
  if (bytes != 0) *(uint64_t *)(void *)at = (uint64_t)bytes << 3 | MID_GC_FILL;
}
void mid_gc_each_block(midden_gc *gc, void (*visit)(midden_gc *gc, struct mid_gc_block *block));
// The object that address `word` is in, or just past, within `block`; NULL: none.  *also: the one
// whose first word it points to, which only threads stopped by a signal can hold.
void *mid_gc_find(struct mid_gc_block *block, uintptr_t word, void **also);

// ---- alloc.c ----

void *mid_gc_allocate(struct mid_mutator *m, const struct mid_gc_type *type, size_t count);
// Count a call in stress mode, and collect when it is one more of `gc_stress`.  In that mode limit
// is NULL, mask all ones and bit 1 of `stop` set (bit 0: somebody wants the thread to stop), so
// that each allocation, store and poll comes this way.  m is in the runtime, without the lock.
void mid_gc_stress(struct mid_mutator *m);
// Close the buffers of a thread that is not in the middle of an allocation.
void mid_gc_retire(struct mid_mutator *m);
// Room for a copy; NULL: none.  `old`: in the old space.
void *mid_gc_copy_room_more(midden_gc *gc, size_t bytes, bool old);
static inline void *mid_gc_copy_room(midden_gc *gc, size_t bytes, bool old) {
  struct mid_gc_buffer *b = old ? &gc->promote : &gc->survive;
  if (mid_unlikely((size_t)(b->end - b->top) < bytes + MID_GC_WORD))
    return mid_gc_copy_room_more(gc, bytes, old);
  char *p = b->top;
  mid_gc_note_start(b->block, p);
  b->top += bytes;
  return p;
}
void mid_gc_buffer_close(midden_gc *gc, struct mid_gc_buffer *buffer);

// ---- sweep.c ----

void mid_gc_sort(struct mid_gc_words *w);
// Make holes of all but the objects of gc->pins, which is sorted, in a block that a minor cycle
// copied from.  Else as mid_gc_sweep.
void mid_gc_sweep_pinned(midden_gc *gc, struct mid_gc_block *block, uint64_t tenured);
// Make holes of what is not of `colour` in `block`.
// tenured  not 0: the bits that the rest has from now on, being old
void mid_gc_sweep(struct mid_gc_block *block, unsigned colour, uint64_t tenured);
bool mid_gc_sweep_some(midden_gc *gc, unsigned blocks);  // whether there are more
// A swept block with holes, sweeping on until there is one; NULL: none.
struct mid_gc_block *mid_gc_sweep_for_hole(midden_gc *gc);

// ---- trace.c: one reference of a cycle ----

// A reference, to be updated.  returns whether it is to a young object then, in a minor cycle
bool mid_gc_trace_slot(midden_gc *gc, midden_ref *slot);
// An ambiguous word: what it points to is pinned and marked.  Before anything was copied.
// held   by a thread, which may be about to store to that: it is remembered if it is old
void mid_gc_trace_word(midden_gc *gc, uintptr_t word, bool held);
// The object that a word points into or just past, where it is of this heap; else NULL.  Of one
// that was moved in this cycle: where it was.
void *mid_gc_owner(const midden_gc *gc, uintptr_t word);
// As mid_gc_trace_word; `mark` false: only pinned, and dead if nothing else reaches it.
void mid_gc_pin_word(midden_gc *gc, uintptr_t word, bool held, bool mark);
// An object of a FROM block stays where it is; of others nothing is moved anyway.
void mid_gc_pin_in(midden_gc *gc, struct mid_gc_block *block, void *object);
// Remember an old object, whose barrier may not have told of a store.
void mid_gc_log(midden_gc *gc, void *object);
// What an object's hash is until it is moved, and kept behind it from then on (hash.c).
uint64_t mid_gc_hash_here(const void *object);
uint64_t mid_gc_hash_of_address(uintptr_t address);
void mid_gc_scan_range(midden_gc *gc, char *from, char *to);  // copies that lie there
// The references of an object.  returns whether one is to a young object afterwards
bool mid_gc_scan(midden_gc *gc, void *object);
void mid_gc_trace_all(midden_gc *gc);  // until nothing is left to scan
// Scan an old object, and keep it remembered while it refers to young ones.
void mid_gc_remember(midden_gc *gc, void *object);
// Whether a reference found live objects in this cycle; *slot is brought up to date.
bool mid_gc_is_live(midden_gc *gc, midden_ref *slot);

// ---- mark.c: a major cycle that copies nothing, by several threads ----

void mid_gc_mark_all(midden_gc *gc);

// ---- choose.c ----

// Before a major cycle: put old blocks that are worth emptying into gc->chosen.  returns whether
// any
bool mid_gc_choose(midden_gc *gc);
// Whether more than an eighth of the old space, all of it swept, is holes.
bool mid_gc_is_sparse(const midden_gc *gc);

// ---- helper.c: threads that collect beside the one that asked, started when the heap opens ----

bool mid_gc_helpers_open(midden_gc *gc, unsigned count);
void mid_gc_helpers_close(midden_gc *gc);
unsigned mid_gc_helpers_ready(midden_gc *gc, unsigned most);  // 0 in a forked child
void mid_gc_helper_start(midden_gc *gc, unsigned i, void (*work)(void *), void *context);
void mid_gc_helper_wait(midden_gc *gc, unsigned i);
bool mid_gc_helper_is_idle(midden_gc *gc, unsigned i);

// ---- mutator.c, stop.c, stacks.c ----

// Let fork and the ends of threads know of the heap, and catch its signal.  false: *why says why.
bool mid_gc_mutators_open(midden_gc *gc, const char **why);
void mid_gc_mutators_close(midden_gc *gc);  // all are detached
void mid_gc_each_heap(void (*visit)(midden_gc *gc));

// The events `stopping` and `stopped` are told from here, and gc->now.reach is set.  Buffers of all
// threads are closed then, but for those stopped by a signal; the caller closes its own.
void mid_gc_stop_world(midden_gc *gc, struct mid_mutator *self, const char *cause);
void mid_gc_resume_world(midden_gc *gc);
// Tell of every ambiguous word of stacks and registers, and of every slot of frames.
void mid_gc_scan_stacks(midden_gc *gc);
void mid_gc_scan_frames(midden_gc *gc);
// Around slow paths that may stop: no signal stops the thread within; leaving may stop it.  When
// the thread itself collects, its stack is scanned from the frame of the caller of this, with the
// registers as they are here; so that is the public function, which stays until it has left.
__attribute__((noinline)) void mid_gc_enter(struct mid_mutator *m);
// Stops where somebody waits for it and stacks are scanned: what the caller has just been given is
// then found there.  Precise threads stop at the next poll or allocation.
void mid_gc_leave(struct mid_mutator *m);
// gc->lock, within.  Who waits for it counts as stopped (MID_GC_BLOCKED), since who has it may be
// waiting for the world to stop; who comes back with it runs.  Whoever stops the world holds it.
void mid_gc_lock(struct mid_mutator *m);
void mid_gc_unlock(struct mid_mutator *m);
// The same by a thread that may or may not be attached.
void mid_gc_lock_quietly(midden_gc *gc);
void mid_gc_unlock_quietly(midden_gc *gc);

// stop.c's, for the other two: who stopped the world; all mutators of the calling thread, by
// `sibling`.
extern struct mid_mutator *mid_gc_stopper;
extern __thread struct mid_mutator *mid_mutators_mine;
bool mid_gc_stop_catch(int signal);  // false: it cannot be caught, or somebody else does
// It is of no thread any more: nothing in it is looked at.  Its buffers are closed.
void mid_gc_mutator_drop(struct mid_mutator *m);
// Any lock that is held while waiting for threads, in the way of mid_gc_lock.
void mid_gc_lock_any(struct mid_lock *lock);
// Let this thread be stopped for heaps that called it while it was in the runtime of another.
void mid_gc_stop_late(void);
// Around fork: no world is stopped meanwhile.
void mid_gc_stop_lock(void);
void mid_gc_stop_unlock(void);
void mid_gc_stop_forked(void);  // in the child, whose one thread runs

// ---- roots.c ----

void mid_gc_roots_close(midden_gc *gc);
void mid_gc_scan_ambiguous_roots(midden_gc *gc);
void mid_gc_scan_exact_roots(midden_gc *gc);

// ---- weak.c, table.c, finalise.c: see collect.c for their order ----

static inline bool mid_gc_is_young(const void *p) {
  return p != NULL && (*mid_gc_kind_at(p) & MID_GC_YOUNG) != 0;
}

// By tracing, on any of its threads.  returns whether it may refer to young objects afterwards
bool mid_gc_weak_found(midden_gc *gc, void *weak);
bool mid_gc_table_found(midden_gc *gc, void *table);
// The object at `key`, which had MID_GC_KEY, was marked there, or copied from there (its copy is
// without that bit).
void mid_gc_key_found(midden_gc *gc, void *key);
bool mid_gc_tables_step(midden_gc *gc);  // trace the values of live keys; were there any?
// Clear and queue those to dead objects.  LONG comes last, and clears short ones found since, too.
void mid_gc_weak_clear(midden_gc *gc, enum midden_gc_weakness how);
void mid_gc_finalisers_mark(midden_gc *gc);  // those of dead objects wait from now on: are traced
void mid_gc_tables_clear(midden_gc *gc);
void mid_gc_finalisers_scan(midden_gc *gc);  // those that wait, and what is in queues, are roots
// m is in the runtime.  false: out of memory
bool mid_gc_finaliser_add(midden_gc *gc, void *object, void (*finalise)(void *, void *),
                          void *context);
// Free what dead tables and closed queues had: by who has collected, when the world runs again.
void mid_gc_weak_free(midden_gc *gc);
// Runs what waits, so the heap still works; then nothing of these is left, nor of handles and pins.
void mid_gc_weak_close(midden_gc *gc);
// The references of a weak object and of a table, between cycles.
void mid_gc_weak_each(void *weak, midden_visit *visit, void *context);
void mid_gc_table_each(void *table, midden_visit *visit, void *context);
const char *mid_gc_tables_broken(midden_gc *gc);  // the world is stopped

// ---- type.c ----

// What midden_gc_why tells, as "what name: why".  returns MIDDEN_INVALID
midden_status mid_gc_fail(const char *what, const char *name, const char *why);
// Of a sound description; `inside` may be set afterwards, for the built-in ones.
struct mid_gc_type *mid_gc_type_make(midden_gc *gc, const midden_type_config *c);
void mid_gc_types_found(midden_gc *gc);  // after a major cycle
void mid_gc_types_free(midden_gc *gc);   // the world runs
void mid_gc_types_close(midden_gc *gc);
static inline void mid_gc_type_seen(struct mid_gc_type *t) {
  if (mid_unlikely(t->dropped)) atomic_fetch_add_explicit(&t->found, 1, memory_order_relaxed);
}

// ---- collect.c, pace.c, log.c, verify.c ----

// The lock is held; m is in the runtime.
void mid_gc_collect(midden_gc *gc, struct mid_mutator *m, enum midden_gc_scope scope,
                    const char *cause);
void mid_gc_pace(midden_gc *gc);                     // set goals after a collection
void mid_gc_pace_soft(midden_gc *gc, size_t bytes);  // another soft limit: between collections
size_t mid_gc_used(const midden_gc *gc);
void mid_gc_remembered(midden_gc *gc);  // look at all old objects that were told of
void mid_gc_tell_open(midden_gc *gc);
void mid_gc_tell(midden_gc *gc, const midden_gc_collection *c);
void mid_gc_tell_close(midden_gc *gc);
const char *mid_gc_broken(midden_gc *gc);  // the world is stopped

#endif
