// gc/rc_weak.c -- weak references: a small block that knows whether its object is still there.
// SPDX-License-Identifier: MIT
//
//   object's head                     midden_rc_weak                  who holds it
//   +-----------+------+              +--------------------+
//   | weak | 1  | word |  <---------- | address | visitors | <------- each reference taken,
//   +-----------+------+  ----------> | type               | <------- and the object
//                                     +--------------------+
//
// The address is 0 once the object died.  Between reading it and having retained the object, a
// thread counts as a visitor in the same word: meanwhile the object may die, but its memory, the
// corpse, is freed by whoever comes last: the visitors, or the one who would free it.
//
// source  split counts, as in A. Williams, "C++ Concurrency in Action", 2012, 7.2.4
#include <errno.h>
#include <stdatomic.h>

#include "gc/rc.h"

struct midden_rc_weak {
  midden_rc_type *type;  // only while the object is there
  midden_allocator *from;
  _Atomic size_t xholders;   // given up with release, and with acquire for the last
  _Atomic uint64_t xtarget;  // the head's address << 16 | visitors
  _Atomic(void *) xcorpse;   // put after xtarget lost the address, taken by the last visitor
  bool is_atomic;
};

// An address has 48 bits: Linux hands out more only where it is asked to.
enum { WEAK_VISITOR_BITS = 16 };

static struct mid_rc_head *weak_head(uint64_t target) {
  return (struct mid_rc_head *)(uintptr_t)(target >> WEAK_VISITOR_BITS);
}
static uint64_t weak_target(const struct mid_rc_head *head) {
  return (uint64_t)(uintptr_t)head << WEAK_VISITOR_BITS;
}
static midden_rc_weak *weak_tagged(uintptr_t tagged) { return (midden_rc_weak *)(tagged - 1); }

midden_rc_type *mid_rc_weak_type(uintptr_t tagged) { return weak_tagged(tagged)->type; }

// One holder more (1) or less (-1).  Returns how many there were.
static size_t weak_hold(midden_rc_weak *weak, size_t one) {
  if (weak->is_atomic) return atomic_fetch_add_explicit(&weak->xholders, one, memory_order_acq_rel);
  size_t was = atomic_load_explicit(&weak->xholders, memory_order_relaxed);
  atomic_store_explicit(&weak->xholders, was + one, memory_order_relaxed);
  return was;
}

void midden_rc_weak_give(midden_rc_weak *weak) {
  if (weak != NULL && weak_hold(weak, (size_t)-1) == 1)
    weak->from->free(weak->from, weak, sizeof *weak);
}

// ---- take ----

static midden_rc_weak *weak_new(midden_rc_type *type) {
  midden_allocator *from = type->rc->from;
  midden_rc_weak *weak = from->alloc(from, sizeof *weak, 0);
  if (weak == NULL) return NULL;
  *weak =
      (midden_rc_weak){.type = type, .from = from, .xholders = 1, .is_atomic = type->what.atomic};
  return weak;
}

// The object's block, made when it has none.  Another thread may make one as well: the first stays.
static midden_rc_weak *weak_of(struct mid_rc_head *head) {
  uintptr_t seen = mid_rc_tagged(head);
  if ((seen & 1) != 0) return weak_tagged(seen);
  midden_rc_weak *weak = weak_new((midden_rc_type *)seen);
  if (weak == NULL) return NULL;
  if (__atomic_compare_exchange_n(&head->xtype, &seen, (uintptr_t)weak + 1, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE))
    return weak;
  midden_rc_weak_give(weak);
  return weak_tagged(seen);
}

midden_rc_weak *midden_rc_weak_take(void *object) {
  struct mid_rc_head *head = mid_rc_head_of(object);
  midden_rc_weak *weak = weak_of(head);
  if (weak == NULL) return NULL;
  weak_hold(weak, 1);
  uint64_t was = atomic_load_explicit(&weak->xtarget, memory_order_relaxed);
  while (weak_head(was) == NULL &&
         !atomic_compare_exchange_weak_explicit(&weak->xtarget, &was, was + weak_target(head),
                                                memory_order_acq_rel, memory_order_relaxed)) {
  }
  return weak;
}

// ---- lock ----

static bool weak_try_retain(struct mid_rc_head *head) {
  uint64_t was = mid_rc_word(head);
  do {
    if ((was & MIDDEN_RC_DEAD) != 0 || (was & (MIDDEN_RC_OLD - 1)) < MIDDEN_RC_ONE) return false;
  } while (!__atomic_compare_exchange_n(&head->xword, &was, was + MIDDEN_RC_ONE, true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  return true;
}

static void weak_free_corpse(midden_rc_weak *weak) {
  void *block = atomic_exchange(&weak->xcorpse, NULL);
  if (block != NULL) weak->from->free(weak->from, block, 0);
}

static void *weak_lock_atomic(midden_rc_weak *weak) {
  struct mid_rc_head *head =
      weak_head(atomic_fetch_add_explicit(&weak->xtarget, 1, memory_order_acquire));
  bool got = head != NULL && weak_try_retain(head);
  // It may have died, and be in its finaliser: that is no reference to it any more.
  bool late = got && weak_head(atomic_load_explicit(&weak->xtarget, memory_order_acquire)) == NULL;
  // In one order with the exchange of the corpse and the look at xtarget that follows it.
  if (atomic_fetch_sub(&weak->xtarget, 1) == 1) weak_free_corpse(weak);
  if (late) midden_rc_release(mid_rc_object_of(head));
  return got && !late ? mid_rc_object_of(head) : NULL;
}

void *midden_rc_weak_lock(midden_rc_weak *weak) {
  if (weak->is_atomic) return weak_lock_atomic(weak);
  struct mid_rc_head *head = weak_head(atomic_load_explicit(&weak->xtarget, memory_order_relaxed));
  return head == NULL ? NULL : midden_rc_retain(mid_rc_object_of(head));
}

// ---- the object goes ----

void mid_rc_weak_clear_slow(struct mid_rc_head *head) {
  midden_rc_weak *weak = weak_tagged(mid_rc_tagged(head));
  if (weak_head(atomic_load_explicit(&weak->xtarget, memory_order_relaxed)) != NULL)
    atomic_fetch_sub_explicit(&weak->xtarget, weak_target(head), memory_order_acq_rel);
}

bool mid_rc_weak_leave(uintptr_t tagged, void *block) {
  midden_rc_weak *weak = weak_tagged(tagged);
  bool visited = atomic_load(&weak->xtarget) != 0;
  if (visited) {
    atomic_store(&weak->xcorpse, block);
    if (atomic_load(&weak->xtarget) == 0) weak_free_corpse(weak);
  }
  midden_rc_weak_give(weak);
  return !visited;
}
