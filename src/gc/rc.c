// gc/rc.c -- counted objects: made, counted, and dead.  The shapes are in gc/rc.h.
// SPDX-License-Identifier: MIT
#include "gc/rc.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "heap/ledger.h"
#include "region/chunk.h"

// ---- the heap ----

midden_status midden_rc_open(midden_allocator *from, enum midden_rc_cycles cycles,
                             midden_rc **out) {
  if (from == NULL) from = midden_allocator_malloc();
  midden_rc *rc = from->alloc(from, sizeof *rc, _Alignof(midden_rc));
  if (rc == NULL) return MIDDEN_NOMEM;
  *rc = (midden_rc){.from = from,
                    .no_cycles = cycles == MIDDEN_RC_NO_CYCLES,
                    .held = MID_RC_HELD_LEAST,
                    .xholders = 1};
  mid_rc_list_open(&rc->young);
  mid_rc_list_open(&rc->waiting);
  mid_rc_list_open(&rc->old);
  *out = rc;
  return MIDDEN_OK;
}

void mid_rc_join(midden_rc *rc) {
  atomic_fetch_add_explicit(&rc->xholders, 1, memory_order_relaxed);
}

void mid_rc_leave(midden_rc *rc) {
  if (atomic_fetch_sub_explicit(&rc->xholders, 1, memory_order_acq_rel) != 1) return;
  mid_rc_forget_lists(rc);
  midden_allocator *from = rc->from;
  for (midden_rc_type *type = rc->types, *next; type != NULL; type = next) {
    next = type->next;
    from->free(from, type, sizeof *type);
  }
  from->free(from, rc, sizeof *rc);
}

void midden_rc_close(midden_rc *rc) {
  if (rc == NULL) return;
  mid_ledger_close(rc);
  MID_REQUIRE(!rc->collecting, "a heap of counted objects closed while it collects", rc,
              "a finaliser may not close the heap of its object");
  midden_rc_collect(rc);
  mid_rc_leave(rc);
}

// ---- types ----

static bool rc_description_is_sane(const midden_rc_description *what) {
  for (size_t i = 0; i < what->reference_count; i++) {
    size_t offset = what->references[i];
    if (offset % sizeof(void *) != 0 || offset >= what->bytes ||
        what->bytes - offset < sizeof(void *))
      return false;
  }
  return what->name != NULL && mid_region_size_is_sane(what->bytes);
}

midden_status midden_rc_type_open(midden_rc *rc, const midden_rc_description *what,
                                  midden_rc_type **out) {
  if (!rc_description_is_sane(what)) return MIDDEN_INVALID;
  midden_rc_type *type = rc->from->alloc(rc->from, sizeof *type, 0);
  if (type == NULL) return MIDDEN_NOMEM;
  bool refers = what->reference_count > 0 || what->trace != NULL;
  bool cyclic = refers && !what->acyclic && !rc->no_cycles;
  *type = (midden_rc_type){
      .what = *what,
      .rc = rc,
      .next = rc->types,
      .born = MIDDEN_RC_ONE | (what->atomic ? MIDDEN_RC_ATOMIC : 0) | (cyclic ? MID_RC_CYCLIC : 0),
      .before_bytes = cyclic ? sizeof(struct mid_rc_node) : sizeof(struct mid_rc_head),
  };
  rc->types = type;
  if (cyclic && what->atomic) mid_rc_lock_lists(rc);
  *out = type;
  return MIDDEN_OK;
}

midden_rc_type *midden_rc_type_of(const void *object) {
  return mid_rc_type(mid_rc_head_of(object));
}
const char *midden_rc_type_name(const midden_rc_type *type) { return type->what.name; }

size_t midden_rc_live(const midden_rc_type *type) {
  return atomic_load_explicit(&type->xlive, memory_order_relaxed);
}

// One object of `type` more (1) or less (-1).  Returns how many there were.
static inline size_t rc_count_object(midden_rc_type *type, size_t one) {
  if (type->what.atomic) return atomic_fetch_add_explicit(&type->xlive, one, memory_order_acq_rel);
  size_t was = atomic_load_explicit(&type->xlive, memory_order_relaxed);
  atomic_store_explicit(&type->xlive, was + one, memory_order_relaxed);
  return was;
}

// ---- objects ----

static void *rc_block_new(midden_rc *rc, size_t bytes) {
  void *block = rc->from->alloc(rc->from, bytes, 16);
  if (block != NULL || rc->locks || rc->pauses > 0 || midden_rc_collect(rc) == 0) return block;
  return rc->from->alloc(rc->from, bytes, 16);
}

void *midden_rc_new(midden_rc_type *type, size_t more_bytes) {
  midden_rc *rc = type->rc;
  size_t bytes = type->before_bytes + type->what.bytes;
  if (!mid_region_size_is_sane(more_bytes)) return NULL;
  bytes += more_bytes;
  // A heap that locks collects when it is told to; nobody knows its lists without the lock.
  if (!rc->locks && mid_rc_is_due(rc)) mid_rc_collect_some(rc);
  char *block = rc_block_new(rc, bytes);
  if (block == NULL) return NULL;
  memset(block, 0, bytes);
  struct mid_rc_head *head = (struct mid_rc_head *)(void *)(block + type->before_bytes) - 1;
  head->xtype = (uintptr_t)type;
  head->xword = type->born;
  if (rc_count_object(type, 1) == 0) mid_rc_join(rc);
  if ((type->born & MID_RC_CYCLIC) != 0) mid_rc_list_new(rc, mid_rc_node_of(head));
  return mid_rc_object_of(head);
}

void mid_rc_free(struct mid_rc_head *head) {
  midden_rc_type *type = mid_rc_type(head);
  mid_rc_weak_clear(head);  // taken by the finaliser of an object in a cycle
  uintptr_t tagged = head->xtype;
  void *block = (char *)(head + 1) - type->before_bytes;
  mid_rc_set_word(head, 0);  // behind a node this stays, and shows who comes too late
  if ((tagged & 1) == 0 || mid_rc_weak_leave(tagged, block))
    type->rc->from->free(type->rc->from, block, 0);
  if (rc_count_object(type, (size_t)-1) == 1) mid_rc_leave(type->rc);
}

// ---- counts ----

void midden_rc_retain_slow(void *object) {
  struct mid_rc_head *head = mid_rc_head_of(object);
  uint64_t was = mid_rc_word(head);
  MID_REQUIRE((was & MIDDEN_RC_DEAD) == 0 && midden_rc_count(object) != 0,
              "a counted object retained that is gone", object,
              "keep a reference while you use it, or lock a weak one");
  __atomic_fetch_add(&head->xword, MIDDEN_RC_ONE, __ATOMIC_RELAXED);
}

// One reference less to an object of an atomic type.  Returns whether it was the last.  An old one
// is made young while the reference is still there, so that the object is.
static bool rc_drop_atomic(struct mid_rc_head *head) {
  uint64_t was = mid_rc_word(head);
  while ((was & MIDDEN_RC_OLD) != 0) {
    if (was / MIDDEN_RC_ONE % (MIDDEN_RC_OLD / MIDDEN_RC_ONE) > 1) {
      mid_rc_list_touch(mid_rc_type(head)->rc, mid_rc_node_of(head));
      was = mid_rc_word(head);
    } else if (__atomic_compare_exchange_n(&head->xword, &was, was - MIDDEN_RC_ONE, false,
                                           __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      return true;  // no weak reference was locked meanwhile
    }
  }
  was = __atomic_fetch_sub(&head->xword, MIDDEN_RC_ONE, __ATOMIC_ACQ_REL);
  return (was & (MIDDEN_RC_OLD - 1)) / MIDDEN_RC_ONE == 1;
}

static bool rc_drop(struct mid_rc_head *head, uint64_t was) {
  if ((was & MIDDEN_RC_ATOMIC) != 0) return rc_drop_atomic(head);
  bool last = (was & (MIDDEN_RC_OLD - 1)) / MIDDEN_RC_ONE == 1;
  if (!last && (was & MIDDEN_RC_OLD) != 0)
    mid_rc_list_touch(mid_rc_type(head)->rc, mid_rc_node_of(head));
  mid_rc_set_word(head, mid_rc_word(head) - MIDDEN_RC_ONE);
  return last;
}

void midden_rc_release_slow(void *object) {
  struct mid_rc_head *head = mid_rc_head_of(object);
  uint64_t was = mid_rc_word(head);
  MID_REQUIRE((was & MIDDEN_RC_DEAD) == 0 && midden_rc_count(object) != 0,
              "a counted object released once too often", object,
              "look for a second release of one reference, or one that was never retained");
  if (rc_drop(head, was)) mid_rc_die(head);
}

// ---- the dead ----
//
// What a dead object held may die with it, and so on down a list of millions: each is put on its
// thread's list, and the first to die there works that off.

static __thread struct {
  struct mid_rc_head *first;
  bool held;  // somebody works the list off already, or will
} rc_dead __attribute__((tls_model("initial-exec")));

static void rc_give_reference(void *reference, void *with) {
  (void)with;
  midden_rc_release(reference);
}

static void rc_give_atomic(void *reference, void *with) {
  MID_REQUIRE(reference == NULL || (mid_rc_word(mid_rc_head_of(reference)) & MIDDEN_RC_ATOMIC) != 0,
              "an atomic object that refers to one which is not", with,
              "make both types atomic: any thread may release the last reference");
  midden_rc_release(reference);
}

// The object is in no list.  A finaliser finds a count of 1; what is left when that is released
// goes for good.
static void rc_bury(struct mid_rc_head *head, uint64_t flags) {
  const midden_rc_type *type = mid_rc_type(head);
  if (type->what.finalize != NULL && (flags & MID_RC_FINALIZED) == 0) {
    // With release: who still looks through a weak reference sees that it was cleared.
    __atomic_store_n(&head->xword, type->born | MID_RC_FINALIZED, __ATOMIC_RELEASE);
    if ((type->born & MID_RC_CYCLIC) != 0) mid_rc_list_new(type->rc, mid_rc_node_of(head));
    type->what.finalize(mid_rc_object_of(head));
    midden_rc_release(mid_rc_object_of(head));
    return;
  }
  mid_rc_trace(head, type->what.atomic ? rc_give_atomic : rc_give_reference,
               mid_rc_object_of(head));
  mid_rc_free(head);
}

bool mid_rc_hold_dead(void) {
  bool before = rc_dead.held;
  rc_dead.held = true;
  return before;
}

void mid_rc_let_go(bool held_before) {
  if (held_before) return;
  for (struct mid_rc_head *head; (head = rc_dead.first) != NULL;) {
    uint64_t word = mid_rc_word(head);
    rc_dead.first = (struct mid_rc_head *)(uintptr_t)(word & MID_RC_LINK);
    rc_bury(head, word);
  }
  rc_dead.held = false;
}

void mid_rc_die(struct mid_rc_head *head) {
  uint64_t word = mid_rc_word(head);
  if ((word & MID_RC_CYCLIC) != 0) mid_rc_list_drop(mid_rc_type(head)->rc, mid_rc_node_of(head));
  mid_rc_weak_clear(head);
  mid_rc_set_word(head, MIDDEN_RC_DEAD | (word & MID_RC_FINALIZED) | (uintptr_t)rc_dead.first);
  rc_dead.first = head;
  mid_rc_let_go(mid_rc_hold_dead());
}
