// gc/rc_graph_test.c -- random graphs of counted objects, against a model of what is reachable.
// SPDX-License-Identifier: MIT
//
// The model keeps of each object its slots and how often the test itself holds it.  After each step
// every object that the test can reach is there, with what was written into it; what has no
// reference any more was finalised at once; and after a whole collection nothing else is left, and
// all counts are the model's.  Now and then a finaliser saves its object.
#include "gc/rc.h"
#include "gc/source_test.h"
#include "support.h"
#include "test.h"

enum { MOST = 200, SLOTS = 3, NONE = -1, STEPS = SANITIZED ? 10000 : 100000 };

struct object {
  uint64_t id, fill[3];
  struct object *slot[SLOTS];
};

static const size_t object_references[SLOTS] = {offsetof(struct object, slot[0]),
                                                offsetof(struct object, slot[1]),
                                                offsetof(struct object, slot[2])};

// ---- the model ----

static struct known {
  struct object *object;  // NULL: the place is free
  midden_rc_weak *weak;   // or NULL
  size_t held;            // by the test
  int slot[SLOTS];        // places, or NONE
  bool acyclic, reached, finalized;
} known[MOST];

static bool saves;  // whether finalisers do, at random
static size_t saved;
static uint64_t seed;

static size_t known_count(int place) {
  size_t count = known[place].held;
  for (int i = 0; i < MOST; i++)
    for (int s = 0; s < SLOTS && known[i].object != NULL; s++) count += known[i].slot[s] == place;
  return count;
}

static void known_forget(int place) {
  CHECK(known[place].finalized);
  if (known[place].weak != NULL) CHECK(midden_rc_weak_lock(known[place].weak) == NULL);
  midden_rc_weak_give(known[place].weak);
  known[place].object = NULL;
}

// The objects that go because `place` has no reference any more, if that is so.
static void known_drop(int place) {
  int stack[MOST * SLOTS + 1], depth = 0;
  stack[depth++] = place;
  while (depth > 0) {
    place = stack[--depth];
    if (place == NONE || known[place].object == NULL || known_count(place) > 0) continue;
    for (int s = 0; s < SLOTS; s++) stack[depth++] = known[place].slot[s];
    known_forget(place);
  }
}

static size_t known_reach(void) {
  int stack[MOST * (SLOTS + 1)], depth = 0;
  size_t reached = 0;
  for (int i = 0; i < MOST; i++) {
    known[i].reached = false;
    if (known[i].object != NULL && known[i].held > 0) stack[depth++] = i;
  }
  while (depth > 0) {
    struct known *at = &known[stack[--depth]];
    if (at->reached) continue;
    at->reached = true, reached++;
    for (int s = 0; s < SLOTS; s++)
      if (at->slot[s] != NONE) stack[depth++] = at->slot[s];
  }
  return reached;
}

// ---- the heap beside it ----

static midden_rc *rc;
static midden_rc_type *cyclic, *acyclic;

static void object_finalize(void *p) {
  struct object *object = p;
  struct known *mine = &known[object->id];
  CHECK(mine->object == object && !mine->finalized);
  CHECK(test_filled(object->fill, sizeof object->fill, object->id));
  mine->finalized = true;
  if (!saves || test_random(&seed) % 4 != 0) return;
  midden_rc_retain(object);
  mine->held++, saved++;
}

static void check_reachable(void) {
  CHECK_WHOLE(mid_rc_broken(rc));
  known_reach();
  for (int i = 0; i < MOST; i++) {
    if (!known[i].reached) continue;
    struct object *object = known[i].object;
    CHECK_EQ(object->id, i);
    CHECK(test_filled(object->fill, sizeof object->fill, (uint64_t)i));
    for (int s = 0; s < SLOTS; s++) {
      int to = known[i].slot[s];
      CHECK(object->slot[s] == (to == NONE ? NULL : known[to].object));
    }
    if (known[i].weak == NULL) continue;
    CHECK(midden_rc_weak_lock(known[i].weak) == (known[i].finalized ? NULL : object));
    if (!known[i].finalized) midden_rc_release(object);
  }
}

static void check_nothing_else(void) {
  size_t reached = known_reach();
  for (int i = 0; i < MOST; i++)
    if (known[i].object != NULL && !known[i].reached) known_forget(i);
  CHECK_EQ(midden_rc_stats(rc).live_objects, reached);
  for (int i = 0; i < MOST; i++)
    if (known[i].object != NULL) CHECK_EQ(midden_rc_count(known[i].object), known_count(i));
}

// ---- steps ----

// A place at random with an object that the test can reach, or NONE.
static int any_reached(void) {
  known_reach();
  int start = (int)(test_random(&seed) % MOST);
  for (int i = 0; i < MOST; i++)
    if (known[(start + i) % MOST].reached) return (start + i) % MOST;
  return NONE;
}

static void step_make(int place) {
  if (known[place].object != NULL) return;
  bool is_acyclic = test_random(&seed) % 4 == 0;
  struct object *object = midden_rc_new(is_acyclic ? acyclic : cyclic, 0);
  CHECK(object != NULL);
  object->id = (uint64_t)place;
  test_fill(object->fill, sizeof object->fill, (uint64_t)place);
  known[place] = (struct known){
      .object = object, .held = 1, .acyclic = is_acyclic, .slot = {NONE, NONE, NONE}};
  if (test_random(&seed) % 3 == 0) known[place].weak = midden_rc_weak_take(object);
}

static void step_drop(int place) {
  if (known[place].object == NULL || known[place].held == 0) return;
  known[place].held--;
  midden_rc_release(known[place].object);
  known_drop(place);
}

// Acyclic objects lead to acyclic ones of higher places alone.
static void step_link(int from, int to, bool move) {
  int s = (int)(test_random(&seed) % SLOTS), old = known[from].slot[s];
  if (to != NONE && known[from].acyclic && (!known[to].acyclic || to <= from)) return;
  if (move && (to == NONE || old != NONE || known[to].held == 0)) return;
  known[from].slot[s] = to;
  struct object *object = to == NONE ? NULL : known[to].object;
  if (move)
    known[from].object->slot[s] = object, known[to].held--;
  else
    midden_rc_set(&known[from].object->slot[s], object);
  if (old != NONE) known_drop(old);
}

// Graphs grow for a while, and shrink for as long.
static void step(bool grows) {
  int place = any_reached(), other = any_reached();
  uint64_t r = test_random(&seed) % 100, makes = grows ? 20 : 2, drops = grows ? 25 : 90;
  if (r < makes || place == NONE) {
    step_make((int)(test_random(&seed) % MOST));
  } else if (r < drops) {
    step_drop(place);
  } else if (r < drops + 2) {
    midden_rc_retain(known[place].object);
    known[place].held++;
  } else if (r < 98) {
    step_link(place, r < drops + 4 ? NONE : other, r >= 90);
  } else if (test_random(&seed) % 4 != 0) {
    mid_rc_collect_young(rc);
  } else {
    midden_rc_collect(rc);
    check_nothing_else();
  }
  check_reachable();
}

static void run(bool atomic, bool saving) {
  midden_rc_description what = {.name = "object",
                                .bytes = sizeof(struct object),
                                .references = object_references,
                                .reference_count = SLOTS,
                                .finalize = object_finalize,
                                .atomic = atomic};
  CHECK_EQ(midden_rc_open(source_open(), MIDDEN_RC_CYCLES, &rc), MIDDEN_OK);
  CHECK_EQ(midden_rc_type_open(rc, &what, &cyclic), MIDDEN_OK);
  what.acyclic = true;
  CHECK_EQ(midden_rc_type_open(rc, &what, &acyclic), MIDDEN_OK);
  memset(known, 0, sizeof known);
  saves = saving;
  saved = 0;
  for (int n = 0; n < STEPS; n++) step(n / 500 % 2 == 0);
  CHECK(midden_rc_stats(rc).freed_objects > STEPS / 500);
  CHECK((saved > 50) == saving);
  saves = false;
  for (int i = 0; i < MOST; i++)
    while (known[i].object != NULL && known[i].held > 0) step_drop(i);
  midden_rc_collect(rc);
  check_nothing_else();
  midden_rc_close(rc);
  CHECK_EQ(source.blocks, 0);
}

TEST(random_graphs_are_the_model_s)
{ seed = 1, run(false, false); }
TEST(random_graphs_of_atomic_types_are_the_model_s)
{ seed = 2, run(true, false); }
TEST(random_graphs_whose_finalisers_save_are_the_model_s)
{ seed = 3, run(false, true); }
TEST(random_graphs_of_atomic_types_whose_finalisers_save_are_too)
{ seed = 4, run(true, true); }
