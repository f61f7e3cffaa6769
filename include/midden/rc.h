/* midden/rc.h -- objects that count their references, and a collector for the cycles among them.
 * SPDX-License-Identifier: MIT
 *
 *     midden_rc           a heap of counted objects, out of any allocator
 *       midden_rc_type    what its objects of one kind are: size, references, finaliser
 *         object          a plain C struct; whoever keeps a pointer to it has retained it
 *
 * An object goes when the last reference to it is released, at once and without recursion, however
 * long the chain is that goes with it.  Objects that refer to each other in a ring never see their
 * last release; those are found by the collector, which runs by itself when enough objects are new
 * or were touched, or when midden_rc_collect is called.
 *
 * threads  A heap and its objects belong to one thread at a time, but for types that are `atomic`:
 *          - Any thread may at any time make such objects, retain and release them, and take, lock
 *            and give weak references to them.  Whichever releases the last runs the finaliser.
 *          - What lies in an object is the program's to synchronise, as with all shared memory.
 *          - An atomic object refers to atomic ones alone.
 *          - In a heap that has a type both atomic and able to be in a cycle, no collection begins
 *            by itself.  While midden_rc_collect runs there, no other thread may use objects of
 *            such types, nor a reference to them: call it where the program holds its threads still
 *            or, for example, holds a read-write lock that they hold for reading while they work.
 *
 * source   D. F. Bacon, V. T. Rajan, "Concurrent Cycle Collection in Reference Counted Systems",
 *          ECOOP 2001, for candidates; CPython's garbage collector, 2000, for copied counts and the
 *          ratio rule; A. Pitrou, PEP 442, 2013, for finalisers in cycles
 */
#ifndef MIDDEN_RC_H
#define MIDDEN_RC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_rc midden_rc;
typedef struct midden_rc_type midden_rc_type;
typedef struct midden_rc_weak midden_rc_weak;

enum midden_rc_cycles {
  MIDDEN_RC_CYCLES,   /* cycles are collected */
  MIDDEN_RC_NO_CYCLES /* the program makes none: no object is ever looked at */
};

/* Open a heap without objects.
 * from     where they come from, fit for any thread if a type is atomic; NULL: malloc of this
 *          library.  Of a midden_heap, all goes at once when that is closed; if a type is both
 *          atomic and able to be in a cycle, this heap is to be closed first.
 * out      written only on MIDDEN_OK
 * errors   MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_rc_open(midden_allocator *from,
                                                       enum midden_rc_cycles cycles,
                                                       midden_rc **out);

/* Collect a last time, and give the heap back.  Objects that are still held live on, and what they
 * need of the heap goes with the last of them; cycles that they become later are not found.  NULL
 * is ignored.
 * threads  no other thread may be in a call on this heap
 */
MIDDEN_API void midden_rc_close(midden_rc *rc);

/* ---- types ---- */

typedef void midden_rc_visit(void *reference, void *with);

/* What the objects of a type are.  All that it points to is kept by pointer. */
typedef struct midden_rc_description {
  const char *name; /* for messages and dumps */
  size_t bytes;     /* of an object */

  /* Where an object refers to other counted ones: the offsets of its pointers, each NULL or
   * retained for the object; */
  const size_t *references;
  size_t reference_count;

  /* and for those whose number or place varies, a function that calls visit(reference, with) for
   * each (NULL is fine), or NULL.  It changes nothing and calls nothing else of this header.  It
   * is called to collect and, after the finaliser, to release what the object holds. */
  void (*trace)(const void *object, midden_rc_visit *visit, void *with);

  /* Called once, when the object is about to go, with all that it refers to still there; or NULL.
   * It may make, retain and release objects.  The object stays if it was retained meanwhile, and
   * is not finalised again.  References that it takes out of the object it gives up itself. */
  void (*finalize)(void *object);

  bool acyclic; /* no object of this type is ever part of a cycle: it costs less and is skipped,
                   and a cycle through one, as one through two heaps, is not found */
  bool atomic;  /* counted for any thread: see above */
} midden_rc_description;

/* Describe a type; it lives as long as its heap.  One without references is acyclic.
 * errors   MIDDEN_NOMEM; MIDDEN_INVALID when an offset lies outside the object or is unaligned
 * threads  no other thread may be in a call on this heap
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_rc_type_open(midden_rc *rc,
                                                            const midden_rc_description *what,
                                                            midden_rc_type **out);

/* How many objects of the type there are.  threads: as its objects. */
MIDDEN_API size_t midden_rc_live(const midden_rc_type *type);

/* ---- objects ---- */

/* Make an object with a count of 1: zeroed, aligned to 16, and `more_bytes` larger than its type
 * says.  May collect first.
 * returns  NULL and ENOMEM when out of memory, also after a collection
 * cost     a block of the source that is 16 bytes larger, for types that can be in a cycle 32
 */
MIDDEN_API void *midden_rc_new(midden_rc_type *type, size_t more_bytes);

/* Private, but for the inline functions: the 8 bytes before an object.
 *
 *   63 atomic | 62 dead | 61 old | 60 .. 8 count | 7 .. 0 private
 */
#define MIDDEN_RC_ATOMIC ((uint64_t)1 << 63)
#define MIDDEN_RC_DEAD ((uint64_t)1 << 62)
#define MIDDEN_RC_OLD ((uint64_t)1 << 61)
#define MIDDEN_RC_ONE ((uint64_t)1 << 8)

/* The ways out of the inline paths.  Call midden_rc_retain and midden_rc_release. */
MIDDEN_API void midden_rc_retain_slow(void *object);
MIDDEN_API void midden_rc_release_slow(void *object);

/* One more reference to `object`, which is returned; NULL is ignored.  An object that is going
 * stops the program with a sentence.
 * cost  9 instructions; of an atomic type a call and a locked one
 */
static inline void *midden_rc_retain(void *object) {
  if (object != NULL) {
    uint64_t *word = (uint64_t *)object - 1, was = __atomic_load_n(word, __ATOMIC_RELAXED);
    /* A count of 1 or more, and neither atomic nor dead. */
    if (was - MIDDEN_RC_ONE < MIDDEN_RC_DEAD - MIDDEN_RC_ONE)
      __atomic_store_n(word, was + MIDDEN_RC_ONE, __ATOMIC_RELAXED);
    else
      midden_rc_retain_slow(object);
  }
  return object;
}

/* One reference less; the object goes with the last.  NULL is ignored.  A release too many stops
 * the program with a sentence.
 * cost  9 instructions when it stays; of an atomic type a call and a locked one.  Going costs the
 *       finaliser, a free, and the same for each object that goes with it: inside a finaliser,
 *       when that returns.
 */
static inline void midden_rc_release(void *object) {
  if (object != NULL) {
    uint64_t *word = (uint64_t *)object - 1, was = __atomic_load_n(word, __ATOMIC_RELAXED);
    /* A count of 2 or more, and none of the flags above it. */
    if (was - 2 * MIDDEN_RC_ONE < MIDDEN_RC_OLD - 2 * MIDDEN_RC_ONE)
      __atomic_store_n(word, was - MIDDEN_RC_ONE, __ATOMIC_RELAXED);
    else
      midden_rc_release_slow(object);
  }
}

/* Make the pointer at `slot` refer to `object` (or NULL), which is retained, and release what it
 * referred to: last of all, when the slot is in order again.
 * threads  one at a time for a slot, also for atomic types
 */
static inline void midden_rc_set(void *slot, void *object) {
  void *old;
  memcpy(&old, slot, sizeof old);
  midden_rc_retain(object);
  memcpy(slot, &object, sizeof object);
  midden_rc_release(old);
}

/* How many references there are.  threads: for atomic types a guess, unless it is 1 and yours. */
static inline size_t midden_rc_count(const void *object) {
  uint64_t word = __atomic_load_n((const uint64_t *)object - 1, __ATOMIC_RELAXED);
  return (size_t)((word & (MIDDEN_RC_OLD - 1)) / MIDDEN_RC_ONE);
}

/* The type of `object`, and its name.  threads: as the object. */
MIDDEN_API midden_rc_type *midden_rc_type_of(const void *object);
MIDDEN_API const char *midden_rc_type_name(const midden_rc_type *type);

/* ---- weak references ---- */

/* A weak reference to `object`, which does not keep it.  All those to one object are the same
 * pointer; each is to be given back, before or after the object went.
 * returns  NULL and ENOMEM when out of memory
 * cost     a block of 48 bytes for an object's first
 */
MIDDEN_API midden_rc_weak *midden_rc_weak_take(void *object);

/* The object, retained; or NULL once the last reference to it was released or it was found in a
 * cycle that is garbage.  That is so before any finaliser runs, and stays so for an object which
 * its finaliser saves, until a weak reference is taken to it anew.
 */
MIDDEN_API void *midden_rc_weak_lock(midden_rc_weak *weak);

/* NULL is ignored. */
MIDDEN_API void midden_rc_weak_give(midden_rc_weak *weak);

/* ---- cycles ---- */

/* Find and free all objects that are held by each other alone.  No collection that begins by itself
 * sees all of them: not old objects that were let go by moving the last reference into one of them,
 * rather than by a release.  Weak references to what is found are cleared first; then each object
 * is finalised, while all are still whole; what finalisers saved stays, with all that it refers to;
 * and the rest goes.
 *
 * returns  how many went; 0 from a finaliser that a collection runs
 * cost     two visits for each object whose type can be in a cycle; takes no memory
 */
MIDDEN_API size_t midden_rc_collect(midden_rc *rc);

/* Let no collection begin by itself until midden_rc_resume was called as often. */
MIDDEN_API void midden_rc_pause(midden_rc *rc);
MIDDEN_API void midden_rc_resume(midden_rc *rc);

/* Whether midden_rc_new would collect, were it allowed to.  threads: as its objects. */
MIDDEN_API bool midden_rc_is_due(midden_rc *rc);

typedef struct midden_rc_figures {
  size_t live_objects;
  size_t candidates;      /* new ones, and old ones that were touched */
  size_t collections;     /* so far */
  size_t wide;            /* of these, the ones that looked at more than new objects */
  size_t visited_objects; /* by all of them */
  size_t freed_objects;   /* by all of them */
} midden_rc_figures;

/* threads  as its objects; of atomic types a guess while they are in use */
MIDDEN_API midden_rc_figures midden_rc_stats(midden_rc *rc);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_rc_open_at(midden_allocator *from,
                                                             enum midden_rc_cycles cycles,
                                                             midden_rc **out, const char *where) {
  return midden_debug_opened(midden_rc_open(from, cycles, out), out, "midden_rc", where);
}
#define midden_rc_open(from, cycles, out) midden_rc_open_at(from, cycles, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
