// gc/weak.h -- what a heap knows of references that do not hold, and of objects on their way out.
// SPDX-License-Identifier: MIT
//
// Outside of collections, changed by mutators; within, by the one thread that runs it, but for what
// tracing calls (mid_gc_weak_found, mid_gc_table_found, mid_gc_key_found), which many threads may.
#ifndef MID_GC_WEAK_H
#define MID_GC_WEAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midden/gc.h"
#include "os/os.h"

struct mid_mutator;

// Weak references or tables that the running cycle has found live, newest first, linked through
// their first word: NULL there is not in the list, 1 the last one.
struct mid_gc_found {
  _Atomic(midden_ref *) xfirst;  // x: pushed to by markers; NULL: empty
};
void mid_gc_found_add(struct mid_gc_found *list, midden_ref *link);  // once, however often called
void *mid_gc_found_take(struct mid_gc_found *list);                  // NULL: no more

struct midden_gc_queue {
  midden_gc *gc;
  struct midden_gc_queue *next;
  midden_ref young, old;    // stacks of weak references; all of the second are old
  _Atomic uint64_t xfound;  // x: relaxed; the last cycle that found a weak reference to it
  bool closed;
};

// ---- tables ----

struct mid_gc_entry {
  midden_ref key, value;      // key NULL: free
  struct mid_gc_entry *next;  // within a cycle: waits for its key, or its key was found
  uint32_t hash;
  uint32_t chain;  // the next one in its bucket, or free: its index + 1; 0: none
  uint32_t young;  // the next that may refer to young objects: index + 1; 0: is no such, or LAST
};

// What a table has outside of the heap.
struct mid_gc_entries {
  struct mid_gc_entries *next;  // of the heap's
  midden_ref table;             // whose they are; not traced
  struct mid_gc_entry *entry;   // `room`, then as many buckets
  uint32_t *bucket;
  uint32_t room, used, count;  // a power of two; ever taken; in use
  uint32_t free;               // given back below `used`: index + 1
};

// Entries that wait for their key to be found, by its address.
struct mid_gc_pending {
  struct mid_gc_entry **bucket;
  size_t buckets, count, most;   // count: that wait; most: did, in this cycle
  struct mid_gc_entry *few[64];  // buckets when there are not many, or no memory
  struct mid_gc_entry *ready;    // their keys were found
  struct mid_lock lock;          // for mid_gc_key_found
};

// ---- finalisers ----

struct mid_gc_finaliser {
  struct mid_gc_finaliser *next;
  midden_ref object;
  void (*run)(void *object, void *context);
  void *context;
};

struct mid_gc_finalisers {
  struct mid_gc_finaliser *first, **end;  // end NULL: empty
};

// ---- all of it ----

struct mid_gc_weak_state {
  // Of what mutators change: handles, pins, what is in queues, lists of entries and finalisers.
  // Held for a few instructions, by threads that no signal stops meanwhile (mid_gc_guard).
  struct mid_lock lock;
  _Atomic(const midden_type *) xweak_type, xtable_type;  // x: made on first use
  struct mid_gc_found found[2];                          // by enum midden_gc_weakness
  struct midden_gc_queue *queues;                        // the heap's lock
  struct midden_gc_queue *closed;                        // nothing refers to them any more
  struct mid_gc_found tables;                            // found, not looked at
  struct mid_gc_found looked_at;
  struct mid_gc_entries *young, *old, *dead;  // by where their table is
  struct mid_gc_pending pending;
  struct mid_gc_finalisers young_finalisers, old_finalisers;  // by where the object is
  struct mid_gc_finalisers waiting;                           // to be run
  struct mid_gc_finaliser *young_waiting;  // from here on objects may be young; NULL: none are
  uint64_t steps;                          // entries of tables looked at so far, by all cycles
};

// Keep signals and other threads out, for a few instructions.
void mid_gc_guard(struct mid_mutator *m);
void mid_gc_unguard(struct mid_mutator *m);

// A built-in type, made on first use; `inside` is an enum mid_gc_inside.  NULL: out of memory
const midden_type *mid_gc_weak_type(midden_gc *gc, _Atomic(const midden_type *) *xtype,
                                    const char *name, size_t bytes, int inside);

void mid_gc_queues_scan(midden_gc *gc);  // roots
void mid_gc_tables_free(midden_gc *gc, struct mid_gc_entries *list);
void mid_gc_finalisers_close(midden_gc *gc);  // runs those that wait
void mid_gc_handles_close(midden_gc *gc);     // and pins

#endif
