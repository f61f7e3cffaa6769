// gc/rc_test.c -- counts: who keeps an object, what goes with it and when, and wrong use.
// SPDX-License-Identifier: MIT
#include "gc/rc.h"

#include <errno.h>
#include <pthread.h>

#include "support.h"
#include "test.h"

#include "gc/node_test.h"
#include "midden/heap.h"

static char said[64];  // the ids of those finalised, as letters
static void node_say(void *object) {
  size_t length = strlen(said);
  if (length + 1 < sizeof said) said[length] = (char)('a' + ((struct node *)object)->id);
}
static void said_nothing(void) { memset(said, 0, sizeof said); }

static midden_rc *open_silent(midden_allocator *from) {
  said_nothing();
  return open_heap(from);
}

static midden_rc_description telling(void) { return finalized_by(node_say); }

TEST(an_object_goes_with_its_last_reference)
{
  midden_rc *rc = open_silent(source_open());
  midden_rc_type *kind[KINDS];
  open_kinds(rc, telling(), kind);
  for (int k = 0; k < KINDS; k++) {
    said_nothing();
    struct node *a = make(kind[k], 0);
    CHECK_EQ((uintptr_t)a % 16, 0);
    CHECK(a->next == NULL && a->side == NULL);
    CHECK_EQ(midden_rc_count(a), 1);
    for (size_t n = 2; n <= 1000; n++) {
      CHECK(midden_rc_retain(a) == a);
      CHECK_EQ(midden_rc_count(a), n);
    }
    for (size_t n = 999; n >= 1; n--) {
      midden_rc_release(a);
      CHECK_EQ(midden_rc_count(a), n);
      CHECK_WHOLE(mid_rc_broken(rc));
    }
    CHECK_EQ(midden_rc_live(kind[k]), 1);
    CHECK(midden_rc_type_of(a) == kind[k]);
    CHECK_STR(midden_rc_type_name(kind[k]), "node");
    midden_rc_release(a);
    CHECK_STR(said, "a");
    CHECK_EQ(midden_rc_live(kind[k]), 0);
    CHECK_WHOLE(mid_rc_broken(rc));
  }
  midden_rc_release(NULL);
  CHECK(midden_rc_retain(NULL) == NULL);
  midden_rc_close(rc);
  midden_rc_close(NULL);
  CHECK_EQ(source.blocks, 0);
}

TEST(what_an_object_held_goes_after_it_unless_others_hold_it)
{
  midden_rc *rc = open_silent(source_open());
  midden_rc_type *kind[KINDS];
  open_kinds(rc, telling(), kind);
  for (int k = 0; k < KINDS; k++) {
    said_nothing();
    struct node *a = make(kind[k], 0), *b = make(kind[k], 1), *c = make(kind[k], 2);
    a->next = b;
    a->side = c;
    midden_rc_set(&b->next, c);
    CHECK_EQ(midden_rc_count(c), 2);
    midden_rc_retain(c);
    midden_rc_release(a);
    CHECK_STR(said, "ab");
    CHECK_EQ(midden_rc_count(c), 1);
    midden_rc_release(c);
    CHECK_STR(said, "abc");
  }
  close_empty(rc);
}

TEST(a_slot_is_in_order_again_before_what_it_held_goes)
{
  midden_rc *rc = open_silent(NULL);
  midden_rc_type *type = open_type(rc, telling());
  struct node *a = make(type, 0), *b = make(type, 1);
  midden_rc_set(&a->next, b);
  midden_rc_set(&a->next, a->next);  // its own value
  CHECK_EQ(midden_rc_count(b), 2);
  midden_rc_release(b);
  midden_rc_set(&a->next, NULL);
  CHECK(a->next == NULL);
  CHECK_STR(said, "b");
  midden_rc_release(a);
  midden_rc_close(rc);
}

// ---- types whose references vary ----

struct array {
  size_t count;
  void *item[];
};

static void array_trace(const void *object, midden_rc_visit *visit, void *with) {
  const struct array *array = object;
  for (size_t i = 0; i < array->count; i++) visit(array->item[i], with);
}

TEST(an_array_may_be_of_any_length_and_its_items_go_with_it)
{
  midden_rc *rc = open_silent(source_open());
  midden_rc_type *type = open_type(rc, acyclic(telling()));
  midden_rc_type *arrays =
      open_type(rc, (midden_rc_description){
                        .name = "array", .bytes = sizeof(struct array), .trace = array_trace});
  for (size_t count = 0; count < 3000; count += 1 + count / 2) {
    struct array *array = midden_rc_new(arrays, count * sizeof(void *));
    CHECK(array != NULL && test_zeroed(array, sizeof *array + count * sizeof(void *)));
    array->count = count;
    for (size_t i = 0; i < count; i += 2) array->item[i] = make(type, 0);
    CHECK_EQ(midden_rc_live(type), (count + 1) / 2);
    midden_rc_release(array);
    CHECK_EQ(midden_rc_live(type), 0);
  }
  close_empty(rc);
}

TEST(types_that_cannot_be_are_refused)
{
  midden_rc *rc = open_silent(NULL);
  midden_rc_type *type = NULL;
  static const size_t outside[] = {0, 16}, askew[] = {4}, beyond[] = {SIZE_MAX - 7};
  midden_rc_description what = {.name = "bad", .bytes = 16, .references = outside};
  what.reference_count = 2;
  CHECK_EQ(midden_rc_type_open(rc, &what, &type), MIDDEN_INVALID);
  what.reference_count = 1, what.references = askew;
  CHECK_EQ(midden_rc_type_open(rc, &what, &type), MIDDEN_INVALID);
  what.references = beyond;
  CHECK_EQ(midden_rc_type_open(rc, &what, &type), MIDDEN_INVALID);
  what.references = outside, what.bytes = 7;
  CHECK_EQ(midden_rc_type_open(rc, &what, &type), MIDDEN_INVALID);
  what.reference_count = 0, what.bytes = SIZE_MAX;
  CHECK_EQ(midden_rc_type_open(rc, &what, &type), MIDDEN_INVALID);
  CHECK(type == NULL);
  type = open_type(rc, telling());
  errno = 0;
  CHECK(midden_rc_new(type, SIZE_MAX) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK(midden_rc_new(type, SIZE_MAX - 40) == NULL);
  CHECK_EQ(midden_rc_live(type), 0);
  midden_rc_close(rc);
}

// ---- deep structures ----

enum { DEEP = SANITIZED ? 1000000 : 10000000 };

static void *release_chain(void *chain) {
  midden_rc_release(chain);
  return NULL;
}

static void make_and_release_chain(midden_rc_type *type) {
  struct node *first = make(type, 0);
  for (int i = 1; i < DEEP; i++) {
    struct node *node = make(type, 0);
    node->next = first;
    first = node;
  }
  CHECK_EQ(midden_rc_live(type), DEEP);
  pthread_attr_t small;
  pthread_t thread;
  CHECK_EQ(pthread_attr_init(&small), 0);
  CHECK_EQ(pthread_attr_setstacksize(&small, 64 * 1024), 0);
  CHECK_EQ(pthread_create(&thread, &small, release_chain, first), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(midden_rc_live(type), 0);
  pthread_attr_destroy(&small);
}

TEST(a_list_of_millions_goes_on_a_small_stack)
{
  midden_rc *rc = open_silent(NULL);
  make_and_release_chain(open_type(rc, acyclic(plain)));
  make_and_release_chain(open_type(rc, plain));
  make_and_release_chain(open_type(rc, atomic_too(acyclic(plain))));
  midden_rc_close(rc);
}

// ---- finalisers ----

static struct node *saved;
static void node_save(void *object) {
  node_say(object);
  saved = midden_rc_retain(object);
}

TEST(a_finaliser_may_save_its_object_and_runs_once)
{
  midden_rc *rc = open_silent(source_open());
  midden_rc_description what = finalized_by(node_save);
  midden_rc_type *kinds[] = {open_type(rc, what), open_type(rc, acyclic(what)),
                             open_type(rc, atomic_too(what))};
  midden_rc_type *held = open_type(rc, atomic_too(telling()));
  for (size_t k = 0; k < 3; k++) {
    said_nothing();
    saved = NULL;
    struct node *a = make(kinds[k], 0), *b = make(held, 1);
    a->next = b;
    midden_rc_release(a);
    CHECK(saved == a && a->next == b);  // it is whole
    CHECK_EQ(midden_rc_count(a), 1);
    CHECK_EQ(midden_rc_count(b), 1);
    CHECK_STR(said, "a");
    CHECK_WHOLE(mid_rc_broken(rc));
    midden_rc_release(saved);
    CHECK_STR(said, "ab");
    CHECK_EQ(midden_rc_live(kinds[k]), 0);
  }
  close_empty(rc);
}

static midden_rc_type *spawned;
static void node_spawn(void *object) {
  struct node *node = object;
  node_say(object);
  midden_rc_retain(node), midden_rc_release(node);
  midden_rc_set(&node->next, NULL);  // dies when this finaliser is through
  if (node->id < 20) midden_rc_release(make(spawned, node->id + 1));
}

TEST(a_finaliser_may_make_and_release_objects)
{
  midden_rc *rc = open_silent(source_open());
  spawned = open_type(rc, finalized_by(node_spawn));
  struct node *a = make(spawned, 0);
  a->next = make(spawned, 19);
  midden_rc_release(a);
  CHECK_EQ(midden_rc_live(spawned), 0);
  CHECK_EQ(strlen(said), 23);
  CHECK(said[0] == 'a');
  close_empty(rc);
}

// ---- the heap's end ----

TEST(objects_outlive_their_heap_s_handle)
{
  midden_rc *rc = open_silent(source_open());
  midden_rc_type *type = open_type(rc, telling()), *leaf = open_type(rc, acyclic(telling()));
  struct node *a = make(type, 0), *b = make(leaf, 1);
  midden_rc_weak *weak = midden_rc_weak_take(a);
  a->next = b;
  midden_rc_close(rc);
  CHECK_STR(said, "");
  struct node *again = midden_rc_weak_lock(weak);
  CHECK(again == a);
  midden_rc_release(again);
  midden_rc_release(a);
  CHECK_STR(said, "ab");
  CHECK_EQ(source.blocks, 1);  // the weak reference
  CHECK(midden_rc_weak_lock(weak) == NULL);
  midden_rc_weak_give(weak);
  CHECK_EQ(source.blocks, 0);
}

TEST(objects_may_lie_in_a_heap_of_one_s_own_and_go_with_it)
{
  midden_heap *heap = NULL;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  midden_rc *rc = open_silent(midden_heap_allocator(heap));
  midden_rc_type *type = open_type(rc, telling());
  for (uint64_t i = 0; i < 1000; i++) make(type, i);
  CHECK(midden_heap_stats(heap).live_blocks >= 1000);
  midden_heap_close(heap);
}

// ---- no memory ----

static bool build_and_drop(midden_allocator *from) {
  midden_rc *rc = NULL;
  midden_rc_type *type = NULL;
  midden_rc_weak *weak = NULL;
  struct node *a = NULL, *b = NULL;
  bool whole = midden_rc_open(from, MIDDEN_RC_CYCLES, &rc) == MIDDEN_OK &&
               midden_rc_type_open(rc, &plain, &type) == MIDDEN_OK &&
               (a = midden_rc_new(type, 0)) != NULL && (b = midden_rc_new(type, 100)) != NULL &&
               (weak = midden_rc_weak_take(a)) != NULL;
  if (a != NULL) midden_rc_set(&a->next, b);
  if (a != NULL) midden_rc_set(&a->side, a);
  midden_rc_release(a);
  midden_rc_release(b);
  midden_rc_close(rc);  // collects the ring
  CHECK(weak == NULL || midden_rc_weak_lock(weak) == NULL);
  midden_rc_weak_give(weak);
  return whole;
}

TEST(a_refusal_of_any_allocation_loses_nothing)
{
  midden_allocator *from = source_open();
  size_t n = 0;
  bool whole;
  do {
    source.refused = 0;
    source.until_refusal = ++n;
    whole = build_and_drop(from);
    CHECK_EQ(source.blocks, 0);
    CHECK(whole == (source.refused == 0));
  } while (!whole);
  CHECK_EQ(n, 6);  // five allocations, each refused once
}

TEST(a_refusal_is_met_by_a_collection_first)
{
  midden_rc *rc = open_silent(source_open());
  midden_rc_type *type = open_type(rc, telling());
  for (int i = 0; i < 5; i++) {
    struct node *a = make(type, 0);
    a->next = a;  // the only reference is its own
  }
  source.until_refusal = 1;
  struct node *b = make(type, 1);
  CHECK_EQ(source.refused, 1);
  CHECK_EQ(midden_rc_live(type), 1);
  source.until_refusal = 1;
  errno = 0;
  CHECK(midden_rc_new(type, 0) == NULL);  // nothing is left to collect
  CHECK_EQ(errno, ENOMEM);
  CHECK_EQ(midden_rc_live(type), 1);
  midden_rc_release(b);
  close_empty(rc);
}

// ---- crimes ----

static struct node *crime_node(midden_rc_description what) {
  return make(open_type(open_silent(NULL), what), 0);
}

static void release_twice(void) {
  struct node *a = crime_node(telling());
  midden_rc_release(a);
  midden_rc_release(a);
}
static void release_twice_in_a_finaliser(void *object) {
  midden_rc_release(object), midden_rc_release(object), midden_rc_release(object);
}
static void release_in_its_finaliser(void) {
  midden_rc_release(crime_node(finalized_by(release_twice_in_a_finaliser)));
}
static void retain_what_is_gone(void) {
  struct node *a = crime_node(telling());
  midden_rc_release(a);
  midden_rc_retain(a);
}
static void plain_in_atomic(void) {
  midden_rc *rc = open_silent(NULL);
  struct node *a = make(open_type(rc, atomic_too(acyclic(telling()))), 0);
  a->next = make(open_type(rc, telling()), 0);
  midden_rc_release(a);
}
static void close_in_finaliser(void *object) { midden_rc_close(midden_rc_type_of(object)->rc); }
static void close_while_it_collects(void) {
  struct node *a = crime_node(finalized_by(close_in_finaliser));
  a->next = a;
  midden_rc_collect(midden_rc_type_of(a)->rc);
}
static void forgotten_retain(void) {
  struct node *a = crime_node(telling());
  a->next = a->side = a;
  midden_rc_collect(midden_rc_type_of(a)->rc);
}
static void resume_alone(void) { midden_rc_resume(open_silent(NULL)); }

TEST(wrong_use_stops_the_program_with_a_sentence)
{
  if (!SANITIZED) {  // which would stop it first
    test_stops(release_twice, "a counted object released once too often at 0x");
    test_stops(retain_what_is_gone, "a counted object retained that is gone at 0x");
  }
  test_stops(release_in_its_finaliser, "a counted object released once too often at 0x");
  test_stops(plain_in_atomic, "an atomic object that refers to one which is not at 0x");
  test_stops(close_while_it_collects, "a heap of counted objects closed while it collects at 0x");
  test_stops(forgotten_retain, "a counted object with more references than its count at 0x");
  test_stops(resume_alone, "a heap of counted objects resumed that was not paused at 0x");
}
