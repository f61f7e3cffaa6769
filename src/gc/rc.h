// gc/rc.h -- the shape of counted objects and of their heap.
// SPDX-License-Identifier: MIT
//
//   mid_rc_node: only where the type can be in a cycle
//   |                      mid_rc_head                 what the program holds
//   +--------+-------------+----------------+--------+-----------------+
//   | next   | prev        | type, or weak  | word   | object          |
//   |        | or trial    | reference | 1  |        |                 |
//   +--------+-------------+----------------+--------+-----------------+
//
// The word: see midden/rc.h; here its private bits.  A node is in one of three lists:
//
//   new --> young --> waiting --> old         each may be found to be garbage, or die, at any time
//             ^                    |
//             '--------------------'  released, and not to 0
//
// A young collection looks at the young alone, and what it finds held waits.  A touched one looks
// at both and all they lead to, and what it finds held is old: not looked at again until it is
// touched, since only an object that a reference to was given up can have become garbage.  (Unless
// it was given up by moving it into an object.  So new ones begin as candidates; and a whole
// collection, which the program asks for, looks at the old as well.)
//
// While a collection runs, its nodes are in a list of its own, linked by `next` alone, and `prev`
// is `trial`: the count less the references from nodes of this list.
//
// An object whose count fell to 0 is dead: off its list, its weak reference cleared, and linked by
// its word into its thread's list of the dead (rc.c), which is worked off without recursion.
#ifndef MID_GC_RC_H
#define MID_GC_RC_H

#include "base/check.h"
#include "midden/rc.h"
#include "os/os.h"

enum {
  MID_RC_FINALIZED = 1,  // its finaliser has run or runs
  MID_RC_CYCLIC = 2,     // it has a node
  MID_RC_WAITING = 16,   // in that list
  MID_RC_VISITED = 32,   // in the list of the collection that runs
  MID_RC_HELD = 64       // of these, found to be held from outside
};
#define MID_RC_LINK ((uint64_t)0x0000fffffffffff0)  // of a dead object's word: the next one

struct mid_rc_head {
  uintptr_t xtype;  // atomic types: set with release where a weak reference is made
  uint64_t xword;   // atomic types: decremented with release, and with acquire to 0
};
_Static_assert(sizeof(struct mid_rc_head) == 16, "an object must be aligned to 16");

struct mid_rc_node {
  struct mid_rc_node *next;
  union {
    struct mid_rc_node *prev;
    int64_t trial;
    struct mid_rc_node *grey;  // held, and what it refers to is still to be looked at
  };
  struct mid_rc_head head;
};

// A ring through `ends`.
struct mid_rc_list {
  struct mid_rc_node ends;
  size_t count;
};

struct midden_rc_type {
  midden_rc_description what;
  midden_rc *rc;
  midden_rc_type *next;
  uint64_t born;         // the word of a new object
  size_t before_bytes;   // what lies before an object in its block
  _Atomic size_t xlive;  // written by the heap's thread, for atomic types by any
};

struct midden_rc {
  midden_allocator *from;
  midden_rc_type *types;
  bool no_cycles;
  bool locks;       // it has a type both atomic and cyclic; set before such objects are
  bool collecting;  // a collection's finalisers run, or trace functions
  size_t pauses;
  size_t held;  // of those that touched collections visited of late
  midden_rc_figures figures;
  // 1 while open, 1 for each type with objects, 1 for a collection that runs: at 0 it goes.
  _Atomic size_t xholders;
  midden_rc *next, *prev;  // among those that lock, for fork

  // Under `lock` where the heap locks.
  _Alignas(64) struct mid_lock lock;
  struct mid_rc_list young, waiting, old;
  size_t made;  // nodes, since the last collection that was not young
};

static inline struct mid_rc_head *mid_rc_head_of(const void *object) {
  return (struct mid_rc_head *)(uintptr_t)object - 1;
}
static inline void *mid_rc_object_of(struct mid_rc_head *head) { return head + 1; }
static inline struct mid_rc_node *mid_rc_node_of(struct mid_rc_head *head) {
  return (struct mid_rc_node *)(void *)((char *)head - offsetof(struct mid_rc_node, head));
}

static inline uint64_t mid_rc_word(const struct mid_rc_head *head) {
  return __atomic_load_n(&head->xword, __ATOMIC_RELAXED);
}
// For plain types, and where nobody else uses the object.
static inline void mid_rc_set_word(struct mid_rc_head *head, uint64_t word) {
  __atomic_store_n(&head->xword, word, __ATOMIC_RELAXED);
}

// ---- rc_weak.c ----

midden_rc_type *mid_rc_weak_type(uintptr_t tagged);
void mid_rc_weak_clear_slow(struct mid_rc_head *head);
// Whether `block`, the object's, may be freed; else who still looks at it frees it.
bool mid_rc_weak_leave(uintptr_t tagged, void *block);

static inline uintptr_t mid_rc_tagged(const struct mid_rc_head *head) {
  return __atomic_load_n(&head->xtype, __ATOMIC_ACQUIRE);
}
static inline midden_rc_type *mid_rc_type(const struct mid_rc_head *head) {
  uintptr_t tagged = mid_rc_tagged(head);
  return mid_unlikely((tagged & 1) != 0) ? mid_rc_weak_type(tagged) : (midden_rc_type *)tagged;
}
// The object goes: its weak reference, if it has one, is to nothing.
static inline void mid_rc_weak_clear(struct mid_rc_head *head) {
  if (mid_unlikely((mid_rc_tagged(head) & 1) != 0)) mid_rc_weak_clear_slow(head);
}

// ---- rc.c ----

// One holder more, or less: the last takes the heap along.
void mid_rc_join(midden_rc *rc);
void mid_rc_leave(midden_rc *rc);
// The count fell to 0: the object goes, now or when the thread is done with those before it.
void mid_rc_die(struct mid_rc_head *head);
// Keep those that die in the calling thread from going until they are let go.  Returns what to let
// go with.
bool mid_rc_hold_dead(void);
void mid_rc_let_go(bool held_before);
// Give the memory of an object back, and its share of its weak reference.
void mid_rc_free(struct mid_rc_head *head);
// Call `visit` for each reference of the object.
static inline void mid_rc_trace(struct mid_rc_head *head, midden_rc_visit *visit, void *with) {
  const midden_rc_description *what = &mid_rc_type(head)->what;
  const char *object = mid_rc_object_of(head);
  for (size_t i = 0; i < what->reference_count; i++) {
    void *reference = *(void *const *)(const void *)(object + what->references[i]);
    if (reference != NULL) visit(reference, with);
  }
  if (what->trace != NULL) what->trace(object, visit, with);
}

// ---- rc_list.c ----

void mid_rc_list_open(struct mid_rc_list *list);
void mid_rc_list_put(struct mid_rc_list *list, struct mid_rc_node *node);
// A new node is young.
void mid_rc_list_new(midden_rc *rc, struct mid_rc_node *node);
// An old node is young again; another thread may have been quicker.
void mid_rc_list_touch(midden_rc *rc, struct mid_rc_node *node);
// A node leaves its list.
void mid_rc_list_drop(midden_rc *rc, struct mid_rc_node *node);
// `rc` has locked lists from now on, which a forked child finds whole; or it goes.
void mid_rc_lock_lists(midden_rc *rc);
void mid_rc_forget_lists(midden_rc *rc);

// ---- rc_cycle.c ----

// A young collection comes with so many young objects: those of 16 bytes, 48 with their node, stay
// in a cache of 32 KiB.  A ring cost 31 ns an object with 250 or 500, 33 to 38 with 1000 to 4000.
//
// A touched one comes instead when as many wait as a quarter of those that touched ones visit in
// vain
// (`held`): so each object costs at most six visits in the long run, as in CPython.  And it comes
// when four times `held` were made, whatever became of them: so that an old ring that was dropped
// does not stay because all else dies by its count.
enum { MID_RC_YOUNG_MOST = 500, MID_RC_SHARE = 4, MID_RC_HELD_LEAST = 4 * MID_RC_YOUNG_MOST };
static inline bool mid_rc_is_due(const midden_rc *rc) {
  return rc->young.count >= MID_RC_YOUNG_MOST || rc->made >= MID_RC_SHARE * rc->held;
}
// It is due: collect by the rules that rc_cycle.c states, unless the heap may not.
void mid_rc_collect_some(midden_rc *rc);
size_t mid_rc_collect_young(midden_rc *rc);

// NULL, or a sentence naming the first broken invariant.
const char *mid_rc_broken(midden_rc *rc);

#endif
