// gc/rc_cycle_test.c -- cycles: which go, when, and what their finalisers may do.
// SPDX-License-Identifier: MIT
#include "support.h"
#include "test.h"

#include "gc/node_test.h"

static midden_rc *rc;
static midden_rc_type *type;

static void open_with(midden_rc_description what) {
  rc = open_heap(source_open());
  type = open_type(rc, what);
}

// A ring by `next`, and back by `prev` if it is to be a doubly linked one.  Its first is returned,
// with a reference.
static struct node *make_ring(size_t count, bool back) {
  struct node *first = make(type, 0), *last = first;
  for (size_t i = 1; i < count; i++) {
    struct node *node = make(type, i);
    last->next = node;  // moved: the ring holds it
    if (back) midden_rc_set(&node->prev, last);
    last = node;
  }
  midden_rc_set(&last->next, first);
  if (back) midden_rc_set(&first->prev, last);
  return first;
}

// ---- which go ----

TEST(rings_of_every_size_go_when_they_are_dropped_and_not_before)
{
  open_with(plain);
  for (size_t count = 1; count <= 1000; count += 1 + count / 3)
    for (int back = 0; back < 2; back++) {
      struct node *first = make_ring(count, back);
      CHECK_EQ(midden_rc_collect(rc), 0);
      CHECK_EQ(midden_rc_live(type), count);
      for (size_t n = 0; n < count; n++) midden_rc_set(&first, first->next);  // once around
      CHECK_EQ(first->id, 0);
      midden_rc_release(first);
      CHECK_EQ(midden_rc_live(type), count);
      CHECK_EQ(midden_rc_collect(rc), count);
      CHECK_EQ(midden_rc_live(type), 0);
      CHECK_EQ(midden_rc_collect(rc), 0);
    }
  close_empty(rc);
}

TEST(a_ring_made_by_moving_references_goes_too)
{
  open_with(plain);
  for (int old = 0; old < 2; old++) {
    struct node *a = make(type, 0), *b = make(type, 1);
    if (old) CHECK_EQ(midden_rc_collect(rc), 0);  // so that they are old
    a->next = b, b->next = a;                     // nothing was ever released
    CHECK_EQ(midden_rc_collect(rc), 2);
  }
  close_empty(rc);
}

TEST(what_a_dropped_ring_leads_to_goes_with_it_and_what_others_hold_stays)
{
  open_with(plain);
  midden_rc_type *leaf = open_type(rc, acyclic(plain));
  struct node *ring = make_ring(10, false), *second = make_ring(5, true), *tail = make(type, 0);
  struct node *kept = make(type, 0), *object = midden_rc_new(leaf, 0);
  midden_rc_set(&ring->side, second);
  midden_rc_set(&second->side, tail);
  midden_rc_set(&ring->next->side, kept);
  midden_rc_set(&ring->next->next->side, object);
  midden_rc_release(second);
  midden_rc_release(tail);
  midden_rc_release(object);
  CHECK_EQ(midden_rc_collect(rc), 0);
  midden_rc_release(ring);
  CHECK_EQ(midden_rc_collect(rc), 16);
  CHECK_EQ(midden_rc_live(leaf), 0);
  CHECK_EQ(midden_rc_live(type), 1);
  CHECK_EQ(midden_rc_count(kept), 1);
  midden_rc_release(kept);
  close_empty(rc);
}

TEST(a_ring_through_another_heap_is_held_by_it)
{
  open_with(plain);
  midden_rc *other = open_heap(NULL);
  midden_rc_type *others = open_type(other, plain);
  struct node *here = make(type, 0), *there = midden_rc_new(others, 0);
  here->next = there;
  there->next = here;
  CHECK_EQ(midden_rc_collect(rc), 0);
  CHECK_EQ(midden_rc_collect(other), 0);
  CHECK_WHOLE(mid_rc_broken(rc));
  CHECK_WHOLE(mid_rc_broken(other));
  midden_rc_set(&there->next, NULL);
  CHECK_EQ(midden_rc_live(others), 0);
  midden_rc_close(other);
  close_empty(rc);
}

TEST(acyclic_types_and_heaps_without_cycles_are_not_looked_at)
{
  open_with(plain);
  midden_rc_description leaf = {.name = "leaf", .bytes = 8};
  midden_rc_type *leaves = open_type(rc, leaf);
  for (int i = 0; i < 3000; i++) {
    void *object = midden_rc_new(leaves, 0);
    midden_rc_release(midden_rc_retain(object));
    midden_rc_release(object);
  }
  CHECK_EQ(midden_rc_collect(rc), 0);
  CHECK_EQ(midden_rc_stats(rc).visited_objects, 0);
  close_empty(rc);

  CHECK_EQ(midden_rc_open(source_open(), MIDDEN_RC_NO_CYCLES, &rc), MIDDEN_OK);
  type = open_type(rc, plain);
  struct node *ring = make_ring(3000, false);
  midden_rc_set(&ring->next, NULL);  // it is the program that cuts it
  midden_rc_release(ring);
  CHECK_EQ(midden_rc_stats(rc).collections, 0);
  CHECK_EQ(midden_rc_collect(rc), 0);
  close_empty(rc);
}

TEST(a_ring_of_millions_goes_without_recursion_or_memory)
{
  open_with(plain);
  size_t count = SANITIZED ? 200000 : 2000000;
  midden_rc_release(make_ring(count, true));
  source.until_refusal = 1;
  CHECK_EQ(midden_rc_collect(rc), count);
  CHECK_EQ(source.refused, 0);
  source.until_refusal = 0;
  close_empty(rc);
}

// ---- when ----

TEST(rings_that_are_dropped_again_and_again_never_become_many)
{
  open_with(plain);
  size_t most = 0;
  for (int i = 0; i < 20000; i++) {
    midden_rc_release(make_ring(7, true));
    most = midden_rc_live(type) > most ? midden_rc_live(type) : most;
  }
  CHECK(most < 2100);  // young, and what was half made when those were looked at
  CHECK(midden_rc_stats(rc).collections > 100);
  midden_rc_collect(rc);
  close_empty(rc);
}

TEST(old_rings_that_are_dropped_never_become_more_than_a_quarter)
{
  enum { RINGS = SANITIZED ? 100 : 500, RING = 100 };
  open_with(plain);
  static struct node *ring[RINGS];
  for (int i = 0; i < RINGS; i++) ring[i] = make_ring(RING, false);
  midden_rc_collect(rc);
  size_t most = 0;
  for (int i = 0; i < 20 * RINGS; i++) {
    midden_rc_release(ring[i % RINGS]);
    ring[i % RINGS] = make_ring(RING, false);
    most = midden_rc_live(type) > most ? midden_rc_live(type) : most;
  }
  CHECK(most < RINGS * RING * 13 / 10 + 2 * MID_RC_YOUNG_MOST);
  midden_rc_figures figures = midden_rc_stats(rc);
  CHECK(figures.visited_objects < 6u * 20 * RINGS * RING);  // the price: visits for each object
  CHECK(figures.wide > 20);
  for (int i = 0; i < RINGS; i++) midden_rc_release(ring[i]);
  midden_rc_collect(rc);
  close_empty(rc);
}

TEST(an_old_ring_goes_although_all_else_dies_by_its_count)
{
  enum { RING = 20000 };
  open_with(plain);
  struct node *ring = make_ring(RING, true);
  midden_rc_collect(rc);
  midden_rc_release(ring);
  size_t made = 0;
  for (; midden_rc_live(type) > 0 && made < 10 * RING; made++) midden_rc_release(make(type, 0));
  CHECK_EQ(midden_rc_live(type), 0);
  CHECK(made <= 4 * RING);
  CHECK(midden_rc_stats(rc).visited_objects < 8 * RING);
  close_empty(rc);
}

TEST(a_large_structure_that_lives_is_not_looked_at_again_and_again)
{
  enum { BIG = SANITIZED ? 20000 : 100000 };
  open_with(plain);
  struct node *big = make_ring(BIG, true);
  midden_rc_collect(rc);
  size_t before = midden_rc_stats(rc).visited_objects;
  for (int i = 0; i < BIG; i++) {
    struct node *small = make(type, 0);
    midden_rc_set(&small->next, big);  // each leads to all of it
    small->prev = small;
  }
  size_t visited = midden_rc_stats(rc).visited_objects - before;
  CHECK(visited < BIG * 8);
  CHECK(midden_rc_stats(rc).wide < 20);
  midden_rc_release(big);
  midden_rc_collect(rc);
  close_empty(rc);
}

TEST(while_it_is_paused_nothing_is_collected)
{
  open_with(plain);
  midden_rc_pause(rc);
  midden_rc_pause(rc);
  midden_rc_resume(rc);
  for (int i = 0; i < 3000; i++) midden_rc_release(make_ring(1, false));
  CHECK_EQ(midden_rc_live(type), 3000);
  CHECK(midden_rc_is_due(rc));
  midden_rc_resume(rc);
  midden_rc_release(make(type, 0));
  CHECK_EQ(midden_rc_live(type), 0);
  CHECK(!midden_rc_is_due(rc));
  close_empty(rc);
}

// ---- finalisers ----

static size_t finalized;
static midden_rc_weak *weak[100];

// All is still there: both neighbours, and nobody's finaliser has changed a thing.
static void node_check(void *object) {
  struct node *node = object;
  CHECK(node->next->prev == node && node->prev->next == node);
  CHECK(midden_rc_count(node) >= 2);
  CHECK(midden_rc_weak_lock(weak[node->id]) == NULL);
  finalized++;
}

TEST(finalisers_of_a_ring_all_find_it_whole_and_its_weak_references_cleared)
{
  open_with(finalized_by(node_check));
  struct node *ring = make_ring(100, true), *node = ring;
  for (size_t i = 0; i < 100; i++, node = node->next) weak[i] = midden_rc_weak_take(node);
  finalized = 0;
  midden_rc_release(ring);
  CHECK_EQ(midden_rc_collect(rc), 100);
  CHECK_EQ(finalized, 100);
  for (size_t i = 0; i < 100; i++) midden_rc_weak_give(weak[i]);
  close_empty(rc);
}

static struct node *saved;
static void node_save_fifth(void *object) {
  finalized++;
  if (((struct node *)object)->id == 5) midden_rc_set(&saved, object);
}

TEST(what_a_finaliser_saves_stays_with_all_it_leads_to_and_is_finalised_once)
{
  open_with(finalized_by(node_save_fifth));
  struct node *ring = make_ring(10, false), *other = make_ring(3, false), *tail = make(type, 20);
  ring->side = tail;
  midden_rc_set(&other->side, ring);  // leads to the ring, and is not led to
  finalized = 0;
  midden_rc_weak *seen = midden_rc_weak_take(ring);
  midden_rc_release(ring);
  midden_rc_release(other);
  CHECK_EQ(midden_rc_collect(rc), 3);
  CHECK_EQ(finalized, 14);
  CHECK_EQ(midden_rc_live(type), 11);
  CHECK_WHOLE(mid_rc_broken(rc));
  struct node *node = saved;
  for (int i = 0; i < 10; i++, node = node->next) CHECK_EQ(node->id, (5 + i) % 10);
  CHECK(node == saved);
  CHECK_EQ(midden_rc_count(saved), 2);
  CHECK_EQ(midden_rc_count(saved->next), 1);
  CHECK(midden_rc_weak_lock(seen) == NULL);
  midden_rc_weak_give(seen);
  CHECK_EQ(midden_rc_collect(rc), 0);
  midden_rc_set(&saved, NULL);
  CHECK_EQ(midden_rc_collect(rc), 11);
  CHECK_EQ(finalized, 14);
  close_empty(rc);
}

// A weak reference to its own object, which is about to go.
static void node_take_weak(void *object) {
  weak[((struct node *)object)->id] = midden_rc_weak_take(object);
  finalized++;
}

TEST(weak_references_that_finalisers_take_outlive_their_objects)
{
  for (int atomic = 0; atomic < 2; atomic++) {
    midden_rc_description what = finalized_by(node_take_weak);
    open_with(atomic ? atomic_too(what) : what);
    finalized = 0;
    midden_rc_release(make_ring(10, false));
    CHECK_EQ(midden_rc_collect(rc), 10);
    CHECK_EQ(finalized, 10);
    for (size_t i = 0; i < 10; i++) {
      CHECK(midden_rc_weak_lock(weak[i]) == NULL);
      midden_rc_weak_give(weak[i]);
    }
    close_empty(rc);
  }
}

// Cuts the ring, and gives up what it took out.
static void node_cut(void *object) {
  struct node *node = object;
  midden_rc_set(&node->next, NULL);
  midden_rc_set(&node->prev, NULL);
  midden_rc_set(&node->side, NULL);
  finalized++;
}

TEST(finalisers_may_release_all_that_their_objects_hold)
{
  open_with(finalized_by(node_cut));
  finalized = 0;
  struct node *ring = make_ring(50, true);
  for (struct node *node = ring; node->side == NULL; node = node->next) {
    node->side = make(type, 99);
    node->side->side = make(type, 98);
  }
  midden_rc_release(ring);
  CHECK_EQ(midden_rc_collect(rc), 150);
  CHECK_EQ(finalized, 150);
  close_empty(rc);
}

// Makes rings of its own while the collection runs, and asks for another one.
static midden_rc_type *bare;
static void node_litter(void *object) {
  (void)object;
  for (int i = 0; i < 1500; i++) {
    struct node *node = midden_rc_new(bare, 0);
    node->next = node;
  }
  CHECK_EQ(midden_rc_collect(rc), 0);
  midden_rc_retain(object), midden_rc_release(object);
  finalized++;
}

TEST(what_finalisers_make_and_drop_is_left_to_the_next_collection)
{
  open_with(finalized_by(node_litter));
  bare = open_type(rc, plain);
  finalized = 0;
  midden_rc_release(make_ring(3, false));
  CHECK_EQ(midden_rc_collect(rc), 3);
  CHECK_EQ(finalized, 3);
  CHECK_EQ(midden_rc_live(bare), 4500);
  CHECK_WHOLE(mid_rc_broken(rc));
  CHECK_EQ(midden_rc_collect(rc), 4500);
  close_empty(rc);
}

// Hangs its own dying object into a new one, which only the dying lead to.
static void node_hang(void *object) {
  struct node *node = object, *fresh = midden_rc_new(bare, 0);
  midden_rc_set(&fresh->next, node);
  node->side = fresh;
  finalized++;
}

TEST(what_is_saved_by_garbage_alone_goes_with_the_next_collection)
{
  open_with(finalized_by(node_hang));
  bare = open_type(rc, plain);
  finalized = 0;
  struct node *a = make(type, 0);
  a->next = a;
  CHECK_EQ(midden_rc_collect(rc), 0);
  CHECK_EQ(midden_rc_live(type) + midden_rc_live(bare), 2);
  CHECK_EQ(midden_rc_collect(rc), 2);
  CHECK_EQ(finalized, 1);
  close_empty(rc);
}

// A release during a collection: what hangs from garbage dies with finalisers that release,
// make rings and collect.
static void node_collect(void *object) {
  node_cut(object);
  midden_rc_release(make_ring(2, false));
  midden_rc_collect(rc);
}

TEST(what_hangs_from_garbage_may_collect_while_it_goes)
{
  open_with(plain);
  midden_rc_type *hanging = open_type(rc, acyclic(finalized_by(node_collect)));
  finalized = 0;
  struct node *ring = make_ring(20, true);
  for (struct node *node = ring; node->side == NULL; node = node->next) {
    node->side = midden_rc_new(hanging, 0);
    node->side->side = midden_rc_new(hanging, 0);
  }
  midden_rc_release(ring);
  CHECK_EQ(midden_rc_collect(rc), 20);
  CHECK_EQ(finalized, 40);
  CHECK_EQ(midden_rc_live(hanging), 0);
  CHECK_EQ(midden_rc_live(type), 0);
  close_empty(rc);
}
