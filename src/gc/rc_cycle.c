// gc/rc_cycle.c -- the collector of cycles.
// SPDX-License-Identifier: MIT
//
// Of each object visited the count is copied, and each reference found between two of them is taken
// off the copies.  Whose copy stays above 0 is held from outside, and so is all that it leads to;
// the rest hold each other alone.  Counts themselves never change, no memory is taken, and nothing
// recurses: what is still to be looked at is linked through the objects' nodes.
//
// Garbage then goes as PEP 442 has it: weak references are cleared; all finalisers run, while all
// objects are whole and kept by a reference of ours; what they saved is found by the same means,
// and stays with all that it leads to; what the rest holds outside is released; and its memory is
// freed.
//
// Program code runs in two places.  Finalisers may do anything: objects of the collection are
// listed as far as a release can see, so that it links none of them anew.  The dead that our
// own releases make wait until all memory is freed.
#include "base/bits.h"
#include "gc/rc.h"

enum cycle_scope {
  CYCLE_YOUNG,    // the young
  CYCLE_TOUCHED,  // also those that wait, and all that both lead to
  CYCLE_WHOLE     // all
};

struct cycle {
  midden_rc *rc;
  struct mid_rc_node *first, *last;  // linked by `next`
  struct mid_rc_node *grey;          // linked by `grey`
  size_t count;
  bool widens;  // takes in old objects that its own lead to
};

static struct cycle cycle_open(midden_rc *rc) { return (struct cycle){.rc = rc}; }

// The node of what is referred to; NULL when it cannot be in a cycle that this collection sees.
static struct mid_rc_node *cycle_node_of(const struct cycle *cycle, void *reference) {
  if (reference == NULL) return NULL;
  struct mid_rc_head *head = mid_rc_head_of(reference);
  const midden_rc_type *type = mid_rc_type(head);
  if (type->rc != cycle->rc || (type->born & MID_RC_CYCLIC) == 0) return NULL;
  return mid_rc_node_of(head);
}

static bool cycle_has(const struct mid_rc_node *node, uint64_t flag) {
  return (mid_rc_word(&node->head) & flag) != 0;
}

static void cycle_flag(struct mid_rc_node *node, uint64_t off, uint64_t on) {
  mid_rc_set_word(&node->head, (mid_rc_word(&node->head) & ~off) | on);
}

static void cycle_append(struct cycle *cycle, struct mid_rc_node *node) {
  node->next = NULL;
  *(cycle->last == NULL ? &cycle->first : &cycle->last->next) = node;
  cycle->last = node;
  cycle->count++;
}

static void cycle_add(struct cycle *cycle, struct mid_rc_node *node) {
  cycle_flag(node, MIDDEN_RC_OLD | MID_RC_WAITING, MID_RC_VISITED);
  node->trial = (int64_t)midden_rc_count(mid_rc_object_of(&node->head));
  cycle_append(cycle, node);
}

static void cycle_add_list(struct cycle *cycle, struct mid_rc_list *list) {
  for (struct mid_rc_node *node = list->ends.next, *next; node != &list->ends; node = next) {
    next = node->next;
    cycle_add(cycle, node);
  }
  mid_rc_list_open(list);
}

// ---- who is held ----

static void cycle_subtract(void *reference, void *with) {
  struct cycle *cycle = with;
  struct mid_rc_node *node = cycle_node_of(cycle, reference);
  if (node == NULL) return;
  if (!cycle_has(node, MID_RC_VISITED)) {
    if (!cycle->widens) return;
    mid_rc_list_drop(cycle->rc, node);
    cycle_add(cycle, node);
  }
  node->trial--;
}

static void cycle_hold(struct cycle *cycle, struct mid_rc_node *node) {
  cycle_flag(node, 0, MID_RC_HELD);
  node->grey = cycle->grey;
  cycle->grey = node;
}

static void cycle_hold_too(void *reference, void *with) {
  struct mid_rc_node *node = cycle_node_of(with, reference);
  if (node == NULL || !cycle_has(node, MID_RC_VISITED) || cycle_has(node, MID_RC_HELD)) return;
  cycle_hold(with, node);
}

// Mark as HELD what something outside of the list leads to.  Each trial is the count at first.
static void cycle_mark_held(struct cycle *cycle) {
  for (struct mid_rc_node *node = cycle->first; node != NULL; node = node->next)
    mid_rc_trace(&node->head, cycle_subtract, cycle);
  for (struct mid_rc_node *node = cycle->first; node != NULL; node = node->next) {
    if (cycle_has(node, MID_RC_HELD)) continue;
    MID_REQUIRE(node->trial >= 0, "a counted object with more references than its count",
                mid_rc_object_of(&node->head),
                "retain an object for each pointer to it that another object holds");
    if (node->trial == 0) continue;
    cycle_hold(cycle, node);
    for (struct mid_rc_node *grey; (grey = cycle->grey) != NULL;) {
      cycle->grey = grey->grey;
      mid_rc_trace(&grey->head, cycle_hold_too, cycle);
    }
  }
}

// Leave in the list what is not HELD; the rest waits, or is old.
static void cycle_sift(struct cycle *cycle, bool waits) {
  struct cycle rest = cycle_open(cycle->rc);
  for (struct mid_rc_node *node = cycle->first, *next; node != NULL; node = next) {
    next = node->next;
    if (!cycle_has(node, MID_RC_HELD)) {
      cycle_append(&rest, node);
    } else if (waits) {
      cycle_flag(node, MID_RC_VISITED | MID_RC_HELD, MID_RC_WAITING);
      mid_rc_list_put(&cycle->rc->waiting, node);
    } else {
      cycle_flag(node, MID_RC_VISITED | MID_RC_HELD, MIDDEN_RC_OLD);
      mid_rc_list_put(&cycle->rc->old, node);
    }
  }
  *cycle = rest;
}

// ---- what goes ----

static void (*cycle_finalizer(const struct mid_rc_node *node))(void *) {
  return cycle_has(node, MID_RC_FINALIZED) ? NULL : mid_rc_type(&node->head)->what.finalize;
}

static bool cycle_has_finalizers(const struct cycle *garbage) {
  const struct mid_rc_node *node = garbage->first;
  while (node != NULL && cycle_finalizer(node) == NULL) node = node->next;
  return node != NULL;
}

// A reference of ours to each object, or one less.
static void cycle_keep(struct mid_rc_node *node, uint64_t one) {
  mid_rc_set_word(&node->head, mid_rc_word(&node->head) + one);
}

// Run all finalisers, and take what they saved off the list.
static void cycle_finalize(struct cycle *garbage) {
  struct mid_rc_node *node;
  for (node = garbage->first; node != NULL; node = node->next) cycle_keep(node, MIDDEN_RC_ONE);
  for (node = garbage->first; node != NULL; node = node->next) {
    void (*finalize)(void *) = cycle_finalizer(node);
    if (finalize == NULL) continue;
    cycle_flag(node, 0, MID_RC_FINALIZED);
    finalize(mid_rc_object_of(&node->head));
  }
  for (node = garbage->first; node != NULL; node = node->next) {
    cycle_keep(node, 0 - MIDDEN_RC_ONE);
    node->trial = (int64_t)midden_rc_count(mid_rc_object_of(&node->head));
  }
  cycle_mark_held(garbage);
  cycle_sift(garbage, true);
}

static void cycle_give_outside(void *reference, void *with) {
  const struct mid_rc_node *node = cycle_node_of(with, reference);
  if (node == NULL || !cycle_has(node, MID_RC_VISITED)) midden_rc_release(reference);
}

static void cycle_free(struct cycle *garbage) {
  for (struct mid_rc_node *node = garbage->first; node != NULL; node = node->next)
    mid_rc_trace(&node->head, cycle_give_outside, garbage);
  for (struct mid_rc_node *node = garbage->first, *next; node != NULL; node = next) {
    next = node->next;
    mid_rc_free(&node->head);
  }
}

// ---- a collection ----

// What touched collections visit in vain, now that one did `held`.  Halved at most: the next may
// lead to the large part again.
static size_t cycle_held(const midden_rc *rc, size_t held) {
  return mid_max(mid_max(held, rc->held / 2), MID_RC_HELD_LEAST);
}

// The garbage; all else that was visited is in a list of the heap again.
static struct cycle cycle_find(midden_rc *rc, enum cycle_scope scope) {
  struct cycle cycle = cycle_open(rc);
  cycle.widens = scope == CYCLE_TOUCHED;
  cycle_add_list(&cycle, &rc->young);
  if (scope != CYCLE_YOUNG) cycle_add_list(&cycle, &rc->waiting);
  if (scope == CYCLE_WHOLE) cycle_add_list(&cycle, &rc->old);
  cycle_mark_held(&cycle);
  size_t visited = cycle.count;
  cycle_sift(&cycle, scope == CYCLE_YOUNG);
  if (scope != CYCLE_YOUNG) rc->made = 0;
  if (scope == CYCLE_TOUCHED) rc->held = cycle_held(rc, visited - cycle.count);
  rc->figures.collections++;
  rc->figures.wide += scope != CYCLE_YOUNG;
  rc->figures.visited_objects += visited;
  return cycle;
}

static size_t cycle_collect(midden_rc *rc, enum cycle_scope scope) {
  mid_rc_join(rc);
  rc->collecting = true;
  struct cycle garbage = cycle_find(rc, scope);
  for (struct mid_rc_node *node = garbage.first; node != NULL; node = node->next)
    mid_rc_weak_clear(&node->head);
  if (cycle_has_finalizers(&garbage)) cycle_finalize(&garbage);
  size_t freed = garbage.count;
  bool held_before = mid_rc_hold_dead();
  cycle_free(&garbage);
  rc->figures.freed_objects += freed;
  rc->collecting = false;
  mid_rc_let_go(held_before);
  mid_rc_leave(rc);
  return freed;
}

// ---- when ----

size_t mid_rc_collect_young(midden_rc *rc) { return cycle_collect(rc, CYCLE_YOUNG); }

void mid_rc_collect_some(midden_rc *rc) {
  if (rc->collecting || rc->pauses > 0) return;
  bool touched =
      rc->made >= MID_RC_SHARE * rc->held || rc->waiting.count >= rc->held / MID_RC_SHARE;
  cycle_collect(rc, touched ? CYCLE_TOUCHED : CYCLE_YOUNG);
}

size_t midden_rc_collect(midden_rc *rc) {
  return rc->collecting ? 0 : cycle_collect(rc, CYCLE_WHOLE);
}

void midden_rc_pause(midden_rc *rc) { rc->pauses++; }

void midden_rc_resume(midden_rc *rc) {
  MID_REQUIRE(rc->pauses > 0, "a heap of counted objects resumed that was not paused", rc,
              "call midden_rc_resume once for each midden_rc_pause");
  rc->pauses--;
}

bool midden_rc_is_due(midden_rc *rc) {
  if (rc->locks) mid_lock_take(&rc->lock);
  bool due = mid_rc_is_due(rc);
  if (rc->locks) mid_lock_give(&rc->lock);
  return due;
}

midden_rc_figures midden_rc_stats(midden_rc *rc) {
  midden_rc_figures figures = rc->figures;
  if (rc->locks) mid_lock_take(&rc->lock);
  figures.candidates = rc->young.count + rc->waiting.count;
  if (rc->locks) mid_lock_give(&rc->lock);
  for (const midden_rc_type *type = rc->types; type != NULL; type = type->next)
    figures.live_objects += midden_rc_live(type);
  return figures;
}

// ---- check ----

static const char *cycle_list_broken(const midden_rc *rc, const struct mid_rc_list *list,
                                     uint64_t flag) {
  const uint64_t flags =
      MIDDEN_RC_OLD | MIDDEN_RC_DEAD | MID_RC_WAITING | MID_RC_VISITED | MID_RC_HELD;
  size_t left = list->count;
  for (const struct mid_rc_node *node = list->ends.next; node != &list->ends; node = node->next) {
    if (left-- == 0) return "a list of objects is longer than its count";
    if (node->next->prev != node) return "an object's neighbour in a list does not know it";
    if (mid_rc_type(&node->head)->rc != rc) return "a list has an object of another heap";
    if (midden_rc_count(&node->head + 1) == 0) return "a list has an object without references";
    if ((mid_rc_word(&node->head) & flags) != flag) return "an object has flags of another list";
  }
  return left == 0 ? NULL : "a list of objects is shorter than its count";
}

const char *mid_rc_broken(midden_rc *rc) {
  if (rc->collecting) return "a collection has not ended";
  size_t holders = 1, nodes = 0;
  for (const midden_rc_type *type = rc->types; type != NULL; type = type->next) {
    holders += midden_rc_live(type) > 0;
    nodes += (type->born & MID_RC_CYCLIC) != 0 ? midden_rc_live(type) : 0;
  }
  if (holders != atomic_load_explicit(&rc->xholders, memory_order_relaxed))
    return "a heap's holders are not its types with objects";
  if (nodes != rc->young.count + rc->waiting.count + rc->old.count)
    return "an object that can be in a cycle is in no list";
  const char *broken = cycle_list_broken(rc, &rc->young, 0);
  if (broken == NULL) broken = cycle_list_broken(rc, &rc->waiting, MID_RC_WAITING);
  return broken != NULL ? broken : cycle_list_broken(rc, &rc->old, MIDDEN_RC_OLD);
}
