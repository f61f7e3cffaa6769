// gc/rc_weak_test.c -- weak references: what they give, and when they give nothing.
// SPDX-License-Identifier: MIT
#include "support.h"
#include "test.h"

#include "gc/node_test.h"

TEST(a_weak_reference_sees_its_object_until_the_last_release)
{
  midden_rc *rc = open_heap(source_open());
  midden_rc_type *kind[KINDS];
  open_kinds(rc, plain, kind);
  for (int k = 0; k < KINDS; k++) {
    struct node *a = make(kind[k], 0);
    midden_rc_weak *weak = midden_rc_weak_take(a), *same = midden_rc_weak_take(a);
    CHECK(weak != NULL && weak == same);
    CHECK_EQ(midden_rc_count(a), 1);
    CHECK(midden_rc_type_of(a) == kind[k]);
    CHECK(midden_rc_weak_lock(weak) == a);
    CHECK_EQ(midden_rc_count(a), 2);
    midden_rc_release(a);
    midden_rc_weak_give(same);
    CHECK(midden_rc_weak_lock(weak) == a);
    midden_rc_release(a);
    midden_rc_release(a);
    CHECK_EQ(midden_rc_live(kind[k]), 0);
    CHECK(midden_rc_weak_lock(weak) == NULL);
    CHECK(midden_rc_weak_lock(weak) == NULL);
    midden_rc_weak_give(weak);

    a = make(kind[k], 0);
    midden_rc_weak_give(midden_rc_weak_take(a));  // before its object goes
    midden_rc_release(a);
  }
  midden_rc_weak_give(NULL);
  close_empty(rc);
}

static midden_rc_weak *seen_weak;
static bool seen_in_finaliser;
static struct node *saved;
static void node_look(void *object) {
  void *locked = midden_rc_weak_lock(seen_weak);
  seen_in_finaliser = locked != NULL;
  midden_rc_release(locked);
  saved = midden_rc_retain(object);
}

TEST(weak_references_are_cleared_before_a_finaliser_and_taken_anew_after)
{
  midden_rc *rc = open_heap(source_open());
  midden_rc_description what = finalized_by(node_look);
  midden_rc_type *kinds[] = {open_type(rc, what), open_type(rc, atomic_too(what))};
  for (size_t k = 0; k < 2; k++) {
    struct node *a = make(kinds[k], 0);
    seen_weak = midden_rc_weak_take(a);
    seen_in_finaliser = true;
    midden_rc_release(a);
    CHECK(!seen_in_finaliser);
    CHECK(saved == a);
    CHECK(midden_rc_weak_lock(seen_weak) == NULL);
    midden_rc_weak *anew = midden_rc_weak_take(a);
    CHECK(midden_rc_weak_lock(anew) == a);
    midden_rc_release(a);
    midden_rc_release(a);
    CHECK(midden_rc_weak_lock(anew) == NULL);
    midden_rc_weak_give(anew);
    midden_rc_weak_give(seen_weak);
  }
  close_empty(rc);
}
