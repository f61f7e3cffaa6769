// gc/weak_test.c -- weak references, tables, finalisers, handles, pins, hashes: on each collector.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/resource.h>

#include "gc/gc.h"
#include "midden/malloc.h"
#include "support.h"
#include "test.h"

// Heaps whose objects may all move, so that only what a test holds is live.
enum { PRECISE = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE };

struct node {
  midden_ref a, b;
  uint64_t n;
};

static midden_gc *gc;
static midden_mutator *m;
static midden_type *node_type, *list_type, *dying_type;
static int died;  // calls of note_death

static void note_death(void *object, void *context) {
  (void)context;
  died += (int)((struct node *)object)->n;
}

static void make_types(void) {
  static const uint32_t two[] = {0, 8}, one[] = {0};
  midden_type_config node = {
      .name = "node", .bytes = sizeof(struct node), .offsets = two, .refs = 2};
  midden_type_config list = {
      .name = "list", .element_bytes = 8, .element_offsets = one, .element_refs = 1};
  CHECK_EQ(midden_gc_type(gc, &node, &node_type), MIDDEN_OK);
  CHECK_EQ(midden_gc_type(gc, &list, &list_type), MIDDEN_OK);
  node.finalise = note_death;
  CHECK_EQ(midden_gc_type(gc, &node, &dying_type), MIDDEN_OK);
}

// The n-th of the heaps that a test runs on: each collector, then each in stress mode.
static bool heap_open(size_t n, unsigned keeps, bool stress) {
  size_t plans = 0;
  while (mid_gc_plans[plans] != NULL) plans++;
  if (n >= plans * (stress ? 2 : 1)) return false;
  midden_gc_config config = {
      .collector = mid_gc_plans[n % plans]->name, .keeps = keeps, .threads = n % 2 == 0 ? 1 : 3};
  CHECK_EQ(midden_gc_open(&config, &gc), MIDDEN_OK);
  gc->stress = n >= plans ? 1 : 0;
  CHECK_EQ(midden_gc_attach(gc, &m), MIDDEN_OK);
  make_types();
  died = 0;
  return true;
}

static void heap_close(void) {
  CHECK_WHOLE(midden_gc_verify(m));
  midden_gc_detach(m);
  midden_gc_close(gc);
}

#define EACH_HEAP for (size_t heap_n = 0; heap_open(heap_n, PRECISE, true); heap_close(), heap_n++)
#define EACH_CALM_HEAP \
  for (size_t heap_n = 0; heap_open(heap_n, PRECISE, false); heap_close(), heap_n++)

static void collect(enum midden_gc_scope scope) {
  midden_gc_collect(m, scope);
  CHECK_WHOLE(midden_gc_verify(m));
}

static void *new_node(uint64_t n) {
  struct node *node = midden_gc_new(m, node_type);
  CHECK(node != NULL);
  node->n = n;
  return node;
}

static uint64_t number(const void *node) { return ((const struct node *)node)->n; }

static void *weak_to(void *object, enum midden_gc_weakness how, midden_gc_queue *queue) {
  void *weak = midden_gc_weak(m, object, how, queue);
  CHECK(weak != NULL);
  return weak;
}

static void put(void *table, void *key, void *value) {
  CHECK_EQ(midden_gc_table_put(m, table, key, value), MIDDEN_OK);
}

static void put_new(const midden_ref *table, const midden_ref *key, uint64_t n) {
  void *value = new_node(n);  // may collect
  put(table->word, key->word, value);
}

// ---- weak references ----

TEST(a_weak_reference_is_cleared_when_nothing_else_refers_to_its_object)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 3);
    f[0].word = new_node(7);
    f[1].word = weak_to(f[0].word, MIDDEN_GC_WEAK_SHORT, NULL);
    f[2].word = weak_to(f[0].word, MIDDEN_GC_WEAK_LONG, NULL);
    for (int i = 0; i < 20; i++) {
      collect(i % 4 == 3 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
      CHECK(midden_gc_weak_get(m, f[1].word) == f[0].word);
      CHECK(midden_gc_weak_get(m, f[2].word) == f[0].word);
      CHECK_EQ(number(f[0].word), 7);
    }
    f[0].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[1].word) == NULL);
    CHECK(midden_gc_weak_get(m, f[2].word) == NULL);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_minor_collection_clears_weak_references_to_young_objects)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    f[0].word = weak_to(new_node(1), MIDDEN_GC_WEAK_SHORT, NULL);
    collect(MIDDEN_GC_MINOR);
    CHECK(midden_gc_weak_get(m, f[0].word) == NULL);
    MIDDEN_FRAME_END(m, f);
  }
}

// A pinned object stays young where the weak reference to it becomes old.
TEST(an_old_weak_reference_follows_a_young_object_over_many_minor_collections)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 2);
    f[0].word = new_node(3);
    CHECK_EQ(midden_gc_pin(m, f[0].word), MIDDEN_OK);
    f[1].word = weak_to(f[0].word, MIDDEN_GC_WEAK_SHORT, NULL);
    for (int i = 0; i < 40; i++) {
      collect(MIDDEN_GC_MINOR);
      CHECK(midden_gc_weak_get(m, f[1].word) == f[0].word);
    }
    midden_gc_unpin(m, f[0].word);
    for (int i = 0; i < 40; i++) {
      collect(MIDDEN_GC_MINOR);
      CHECK(midden_gc_weak_get(m, f[1].word) == f[0].word);
    }
    f[0].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[1].word) == NULL);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_weak_reference_to_nothing_stays_so)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    f[0].word = weak_to(NULL, MIDDEN_GC_WEAK_SHORT, queue);
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[0].word) == NULL);
    CHECK(midden_gc_queue_take(m, queue) == NULL);
    midden_gc_queue_close(queue);
    MIDDEN_FRAME_END(m, f);
  }
}

// ---- queues ----

enum { MANY = 200 };

// Every second of MANY objects is held by `list`, each has a weak reference in `weak`.
static void make_watched(midden_ref *list, midden_ref *weak, midden_gc_queue *queue) {
  MIDDEN_FRAME(m, f, 1);
  for (size_t i = 0; i < MANY; i++) {
    f[0].word = new_node(i);
    void *made = weak_to(f[0].word, i % 4 < 2 ? MIDDEN_GC_WEAK_SHORT : MIDDEN_GC_WEAK_LONG, queue);
    midden_gc_store(m, weak->word, (midden_ref *)weak->word + i, made);
    midden_gc_store(m, list->word, (midden_ref *)list->word + i, i % 2 == 0 ? f[0].word : NULL);
    if (i % 50 == 0) collect(MIDDEN_GC_MINOR);
  }
  MIDDEN_FRAME_END(m, f);
}

static size_t drain(midden_gc_queue *queue) {
  size_t n = 0;
  for (void *weak; (weak = midden_gc_queue_take(m, queue)) != NULL; n++)
    CHECK(midden_gc_weak_get(m, weak) == NULL);
  return n;
}

TEST(a_queue_gets_each_cleared_reference_once)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 2);
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    f[0].word = midden_gc_new_array(m, list_type, MANY);
    f[1].word = midden_gc_new_array(m, list_type, MANY);
    make_watched(&f[0], &f[1], queue);
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(drain(queue), MANY / 2);
    for (int i = 0; i < 3; i++) collect(MIDDEN_GC_MINOR);
    CHECK_EQ(drain(queue), 0);
    f[0].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(drain(queue), MANY / 2);
    midden_gc_queue_close(queue);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_queue_holds_what_is_in_it)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 2);
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    f[0].word = midden_gc_new_array(m, list_type, MANY);
    f[1].word = midden_gc_new_array(m, list_type, MANY);
    make_watched(&f[0], &f[1], queue);
    collect(MIDDEN_GC_MAJOR);
    f[0].word = f[1].word = NULL;  // the other half dies unheard
    for (int i = 0; i < 20; i++) {
      for (int k = 0; k < 100; k++) new_node(0);
      collect(i % 7 == 6 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    }
    CHECK_EQ(drain(queue), MANY / 2);
    midden_gc_queue_close(queue);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_weak_reference_that_is_garbage_itself_is_not_queued)
{
  EACH_HEAP {
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    weak_to(new_node(0), MIDDEN_GC_WEAK_SHORT, queue);
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(drain(queue), 0);
    midden_gc_queue_close(queue);
  }
}

TEST(a_queue_is_freed_when_it_is_closed_and_nothing_names_it)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 2);
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    f[0].word = new_node(0);
    f[1].word = weak_to(f[0].word, MIDDEN_GC_WEAK_SHORT, queue);
    midden_gc_queue_close(queue);
    for (int i = 0; i < 3; i++) collect(MIDDEN_GC_MAJOR);
    CHECK(gc->weak.queues == queue);
    f[0].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[1].word) == NULL);
    f[1].word = NULL;
    for (int i = 0; i < 2; i++) collect(MIDDEN_GC_MAJOR);
    CHECK(gc->weak.queues == NULL);
    MIDDEN_FRAME_END(m, f);
  }
}

// ---- tables ----

TEST(a_table_finds_its_keys_wherever_they_move)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 3);
    f[0].word = midden_gc_table(m);
    f[1].word = midden_gc_new_array(m, list_type, MANY);
    for (size_t i = 0; i < MANY; i++) {
      f[2].word = new_node(i);
      midden_gc_store(m, f[1].word, (midden_ref *)f[1].word + i, f[2].word);
      put_new(&f[0], &f[2], 1000 + i);
      if (i % 16 == 0) collect(i % 64 == 0 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    }
    for (int round = 0; round < 5; round++) {
      CHECK_EQ(midden_gc_table_count(m, f[0].word), MANY);
      for (size_t i = 0; i < MANY; i++) {
        void *value = midden_gc_table_get(m, f[0].word, ((midden_ref *)f[1].word)[i].word);
        CHECK(value != NULL);
        CHECK_EQ(number(value), 1000 + i);
      }
      collect(round % 2 == 0 ? MIDDEN_GC_MINOR : MIDDEN_GC_MAJOR);
    }
    CHECK(midden_gc_table_get(m, f[0].word, new_node(0)) == NULL);
    CHECK(midden_gc_table_get(m, f[0].word, NULL) == NULL);
    CHECK_EQ(midden_gc_table_put(m, f[0].word, NULL, f[2].word), MIDDEN_INVALID);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(an_old_table_keeps_what_is_put_into_it_and_loses_it_with_its_key)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 3);
    f[0].word = midden_gc_table(m);
    f[1].word = new_node(1);
    put_new(&f[0], &f[1], 11);
    for (int i = 0; i < 20; i++) collect(MIDDEN_GC_MINOR);
    for (uint64_t i = 0; i < 20; i++) {
      f[2].word = new_node(2);
      put_new(&f[0], &f[2], 22 + i);
      put_new(&f[0], &f[1], 100 + i);  // an old key with a young value
      for (uint64_t k = 0; k <= i % 4; k++) {
        new_node(0);
        collect(MIDDEN_GC_MINOR);
        CHECK_EQ(number(midden_gc_table_get(m, f[0].word, f[2].word)), 22 + i);
        CHECK_EQ(number(midden_gc_table_get(m, f[0].word, f[1].word)), 100 + i);
      }
    }
    f[2].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), 1);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_minor_collection_drops_entries_of_young_keys_from_an_old_table)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    f[0].word = midden_gc_table(m);
    for (int i = 0; i < 20; i++) collect(MIDDEN_GC_MINOR);
    for (uint64_t i = 0; i < MANY; i++) {
      void *key = new_node(i);
      put(f[0].word, key, f[0].word);
    }
    collect(MIDDEN_GC_MINOR);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), 0);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_key_that_only_its_value_refers_to_is_dead)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 3);
    f[0].word = midden_gc_table(m);
    f[1].word = new_node(1);
    f[2].word = new_node(2);
    midden_gc_store(m, f[2].word, &((struct node *)f[2].word)->a, f[1].word);
    put(f[0].word, f[1].word, f[2].word);  // the value refers to its key
    put(f[0].word, f[2].word, f[2].word);  // the value is its key
    f[1].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), 2);
    f[2].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), 0);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(entries_that_hold_each_others_keys_die_together_also_across_tables)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 4);
    f[0].word = midden_gc_table(m);
    f[1].word = midden_gc_table(m);
    f[2].word = new_node(1);
    f[3].word = new_node(2);
    put(f[0].word, f[2].word, f[3].word);
    put(f[1].word, f[3].word, f[2].word);
    put(f[0].word, f[3].word, f[1].word);  // and a table that only a value refers to
    f[1].word = f[2].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), 2);
    f[3].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), 0);
    MIDDEN_FRAME_END(m, f);
  }
}

// Each key is the value of the entry before: `backwards`, a cycle comes to each before its key.
static void make_chain(midden_ref *table, midden_ref *head, size_t length, bool backwards) {
  MIDDEN_FRAME(m, f, 2);
  f[0].word = new_node(0);
  if (!backwards) head->word = f[0].word;
  for (size_t i = 1; i < length; i++) {
    f[1].word = new_node(i);
    put(table->word, f[backwards ? 1 : 0].word, f[backwards ? 0 : 1].word);
    f[0].word = f[1].word;
  }
  if (backwards) head->word = f[0].word;
  MIDDEN_FRAME_END(m, f);
}

static uint64_t steps_of_a_major(void) {
  uint64_t before = gc->weak.steps;
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  return gc->weak.steps - before;
}

TEST(a_long_chain_of_ephemerons_takes_a_few_steps_for_each_whatever_its_order)
{
  enum { LENGTH = 100001 };
  for (int backwards = 0; backwards < 2; backwards++) {
    EACH_CALM_HEAP {
      MIDDEN_FRAME(m, f, 2);
      f[0].word = midden_gc_table(m);
      make_chain(&f[0], &f[1], LENGTH, backwards != 0);
      // A major collection may run two cycles, of which each looks at an entry four times at most.
      CHECK(steps_of_a_major() <= 8 * LENGTH);
      CHECK_EQ(midden_gc_table_count(m, f[0].word), LENGTH - 1);
      CHECK(steps_of_a_major() <= 8 * LENGTH);
      size_t n = 0;
      for (void *at = f[1].word; at != NULL; n++) at = midden_gc_table_get(m, f[0].word, at);
      CHECK_EQ(n, LENGTH);
      f[1].word = NULL;
      CHECK(steps_of_a_major() <= 8 * LENGTH);
      CHECK_EQ(midden_gc_table_count(m, f[0].word), 0);
      MIDDEN_FRAME_END(m, f);
    }
  }
}

// Of address space; returns what it was.
static rlim_t limit_memory(rlim_t bytes) {
  struct rlimit limit;
  CHECK_EQ(getrlimit(RLIMIT_AS, &limit), 0);
  rlim_t was = limit.rlim_cur;
  limit.rlim_cur = bytes;
  CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  return was;
}

TEST(a_chain_of_ephemerons_needs_no_memory_to_be_followed)
{
  enum { LENGTH = 3000 };
  if (SANITIZED) return;
  EACH_CALM_HEAP {
    MIDDEN_FRAME(m, f, 2);
    f[0].word = midden_gc_table(m);
    make_chain(&f[0], &f[1], LENGTH, true);
    rlim_t was = limit_memory(PAGE);  // not one page more is to be had
    midden_gc_collect(m, MIDDEN_GC_MAJOR);
    limit_memory(was);
    CHECK(gc->weak.pending.bucket == gc->weak.pending.few);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), LENGTH - 1);
    CHECK_WHOLE(midden_gc_verify(m));
    MIDDEN_FRAME_END(m, f);
  }
}

// Take what malloc has left, in a list through the blocks.
static void *take_all_memory(void) {
  void *taken = NULL;
  for (size_t bytes = 64 * MIB; bytes >= 64 * 1024; bytes /= 4) {
    for (void **block; (block = midden_malloc(bytes)) != NULL; taken = block) *block = taken;
  }
  return taken;
}

static void give_memory(void *taken) {
  for (void *next; taken != NULL; taken = next) {
    next = *(void **)taken;
    midden_free(taken);
  }
}

TEST(a_put_that_finds_no_memory_says_so_and_leaves_the_table_as_it_was)
{
  enum { ROOM = 1 << 14 };
  if (SANITIZED) return;
  EACH_CALM_HEAP {
    MIDDEN_FRAME(m, f, 2);
    f[0].word = midden_gc_table(m);
    f[1].word = midden_gc_new_array(m, list_type, ROOM);
    for (size_t i = 0; i < ROOM; i++) {
      void *key = new_node(i);
      midden_gc_store(m, f[1].word, (midden_ref *)f[1].word + i, key);
    }
    const midden_ref *key = f[1].word;
    rlim_t was = limit_memory(PAGE);
    void *taken = take_all_memory();
    size_t n = 0;
    while (n < ROOM && midden_gc_table_put(m, f[0].word, key[n].word, key[n].word) == MIDDEN_OK)
      n++;
    limit_memory(was);
    give_memory(taken);
    CHECK(n < ROOM);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), n);
    collect(MIDDEN_GC_MAJOR);
    key = f[1].word;
    for (size_t i = 0; i < ROOM; i++)
      CHECK(midden_gc_table_get(m, f[0].word, key[i].word) == (i < n ? key[i].word : NULL));
    put(f[0].word, key[n].word, key[n].word);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_minor_collection_looks_at_the_entries_that_are_new_in_a_large_table)
{
  enum { OLD = 10000 };
  EACH_CALM_HEAP {
    MIDDEN_FRAME(m, f, 2);
    f[0].word = midden_gc_table(m);
    make_chain(&f[0], &f[1], OLD, false);
    for (int i = 0; i < 20; i++) collect(MIDDEN_GC_MINOR);
    uint64_t before = gc->weak.steps;
    for (uint64_t i = 0; i < 10; i++) {
      void *key = new_node(i);
      put(f[0].word, key, NULL);
    }
    collect(MIDDEN_GC_MINOR);
    if (gc->plan->generations) CHECK(gc->weak.steps - before <= 30);
    CHECK_EQ(midden_gc_table_count(m, f[0].word), OLD - 1);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_table_gives_its_memory_back_as_it_empties_and_when_it_dies)
{
  enum { ENTRIES = 2000 };
  EACH_CALM_HEAP {
    MIDDEN_FRAME(m, f, 2);
    f[0].word = midden_gc_table(m);
    make_chain(&f[0], &f[1], ENTRIES, true);
    int64_t full = atomic_load(&gc->external);
    CHECK(full >= (int64_t)(ENTRIES * sizeof(struct mid_gc_entry)));
    f[1].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    f[1].word = new_node(1);
    for (uint64_t i = 0; i < 8; i++) {
      f[1].word = new_node(i);
      put(f[0].word, f[1].word, NULL);
    }
    CHECK(atomic_load(&gc->external) < full / 2);
    f[0].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(atomic_load(&gc->external), 0);
    MIDDEN_FRAME_END(m, f);
  }
}

// Keys in `key`, and what a table must say of each.
enum { KEYS = 64, TABLES = 3 };
static midden_ref model_key[KEYS], model_table[TABLES];
static uint64_t model_value[TABLES][KEYS];

static void model_step(uint64_t *random) {
  uint64_t r = test_random(random);
  size_t k = r % KEYS, t = r / KEYS % TABLES;
  MIDDEN_FRAME(m, f, 1);
  if (model_key[k].word == NULL) model_key[k].word = new_node(k);
  switch (r / 1024 % 8) {
    case 0:  // the key dies, and its entries
      model_key[k].word = NULL;
      for (size_t i = 0; i < TABLES; i++) model_value[i][k] = 0;
      break;
    case 1:
      midden_gc_table_remove(m, model_table[t].word, model_key[k].word);
      model_value[t][k] = 0;
      break;
    case 2:
      if (r / 8192 % 16 == 0) collect(r / 131072 % 4 == 0 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
      break;
    default:
      f[0].word = new_node(model_value[t][k] = 1 + r / 8192 % 1000);
      if (r % 3 == 0) midden_gc_store(m, f[0].word, f[0].word, model_key[k].word);
      put(model_table[t].word, model_key[k].word, f[0].word);
  }
  MIDDEN_FRAME_END(m, f);
}

static void model_check(void) {
  for (size_t t = 0; t < TABLES; t++) {
    size_t count = 0;
    for (size_t k = 0; k < KEYS; k++) {
      void *value = midden_gc_table_get(m, model_table[t].word, model_key[k].word);
      CHECK_EQ(value != NULL ? number(value) : 0, model_value[t][k]);
      count += value != NULL;
    }
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_table_count(m, model_table[t].word), count);
  }
}

TEST(tables_agree_with_a_model)
{
  uint64_t random = 1;
  EACH_HEAP {
    memset(model_value, 0, sizeof model_value);
    memset(model_key, 0, sizeof model_key);
    CHECK_EQ(midden_gc_root_add(gc, model_key, sizeof model_key, MIDDEN_GC_EXACT), MIDDEN_OK);
    memset(model_table, 0, sizeof model_table);
    CHECK_EQ(midden_gc_root_add(gc, model_table, sizeof model_table, MIDDEN_GC_EXACT), MIDDEN_OK);
    for (size_t t = 0; t < TABLES; t++) model_table[t].word = midden_gc_table(m);
    for (int i = 0; i < (gc->stress != 0 ? 300 : 3000); i++) {
      model_step(&random);
      if (i % 100 == 99) model_check();
    }
  }
}

// ---- finalisers ----

static void *kept;  // an exact root, where finalisers put what they bring back

static void bring_back(void *object, void *context) {
  ++*(int *)context;
  kept = object;
}

TEST(a_finaliser_runs_once_and_only_when_it_is_asked_for)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    struct node *node = midden_gc_new(m, dying_type);
    node->n = 1;
    f[0].word = node;
    for (int i = 0; i < 3; i++) collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 0);
    f[0].word = NULL;
    for (int i = 0; i < 3; i++) collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(died, 0);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 1);
    CHECK_EQ(died, 1);
    for (int i = 0; i < 3; i++) collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 0);
    CHECK_EQ(died, 1);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(objects_of_a_type_with_a_finaliser_all_get_it)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    f[0].word = midden_gc_new_array(m, list_type, MANY);
    for (size_t i = 0; i < MANY; i++) {
      struct node *node = midden_gc_new(m, dying_type);
      node->n = 1;
      if (i % 2 == 0) midden_gc_store(m, f[0].word, (midden_ref *)f[0].word + i, node);
      if (i % 40 == 0) collect(MIDDEN_GC_MINOR);
    }
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_finalise(m, 10), 10);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), MANY / 2 - 10);
    CHECK_EQ(died, MANY / 2);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_finaliser_may_bring_its_object_back_which_then_has_none_unless_it_is_given_one_again)
{
  EACH_HEAP {
    int ran = 0;
    CHECK_EQ(midden_gc_root_add(gc, &kept, sizeof kept, MIDDEN_GC_EXACT), MIDDEN_OK);
    kept = new_node(5);
    for (int round = 1; round <= 3; round++) {
      CHECK_EQ(midden_gc_finaliser(m, kept, bring_back, &ran), MIDDEN_OK);
      kept = NULL;
      collect(MIDDEN_GC_MAJOR);
      CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 1);
      CHECK_EQ(ran, round);
      collect(MIDDEN_GC_MAJOR);
      CHECK_EQ(number(kept), 5);
    }
    kept = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 0);
    CHECK_EQ(ran, 3);
    midden_gc_root_remove(gc, &kept);
  }
}

static char order[8];
static void note_order(void *object, void *context) {
  (void)object;
  strcat(order, context);
}

TEST(finalisers_of_one_object_run_in_the_order_in_which_they_were_given)
{
  static char name[][2] = {"a", "b", "c"};
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    order[0] = '\0';
    f[0].word = new_node(0);
    for (int i = 0; i < 3; i++) {
      CHECK_EQ(midden_gc_finaliser(m, f[0].word, note_order, name[i]), MIDDEN_OK);
      if (i < 2) collect(i == 0 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    }
    f[0].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 3);
    CHECK_STR(order, "abc");
    MIDDEN_FRAME_END(m, f);
  }
}

static void check_whole(void *object, void *context) {
  const struct node *node = object;
  ++*(int *)context;
  CHECK_EQ(number(node->a.word), node->n + 1);
  CHECK_EQ(number(((struct node *)node->a.word)->a.word), node->n);
}

// Two that refer to each other, both with a finaliser: both run, each finds the other whole.
TEST(objects_that_die_together_are_whole_in_their_finalisers)
{
  static char nothing[] = "";
  EACH_HEAP {
    int ran = 0;
    MIDDEN_FRAME(m, f, 2);
    for (uint64_t i = 0; i < 20; i++) {
      f[0].word = new_node(2 * i);
      f[1].word = new_node(2 * i + 1);
      midden_gc_store(m, f[0].word, &((struct node *)f[0].word)->a, f[1].word);
      midden_gc_store(m, f[1].word, &((struct node *)f[1].word)->a, f[0].word);
      CHECK_EQ(midden_gc_finaliser(m, f[0].word, check_whole, &ran), MIDDEN_OK);
      CHECK_EQ(midden_gc_finaliser(m, f[1].word, note_order, nothing), MIDDEN_OK);
    }
    f[0].word = f[1].word = NULL;
    collect(MIDDEN_GC_MAJOR);
    for (int i = 0; i < 5; i++) {
      for (int k = 0; k < 100; k++) new_node(~0u);
      collect(i == 4 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    }
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 40);
    CHECK_EQ(ran, 20);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(closing_a_heap_runs_finalisers_that_wait_and_no_others)
{
  for (size_t n = 0; heap_open(n, PRECISE, true); n++) {
    MIDDEN_FRAME(m, f, 1);
    for (uint64_t i = 0; i < 5; i++) ((struct node *)midden_gc_new(m, dying_type))->n = 1;
    collect(MIDDEN_GC_MAJOR);
    f[0].word = midden_gc_new(m, dying_type);
    ((struct node *)f[0].word)->n = 100;
    MIDDEN_FRAME_END(m, f);
    midden_gc_detach(m);
    CHECK_EQ(died, 0);
    midden_gc_close(gc);
    CHECK_EQ(died, 5);
  }
}

// ---- the order of all three ----

TEST(short_references_are_cleared_before_a_finaliser_runs_long_ones_and_entries_after_it)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 5);
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    struct node *node = midden_gc_new(m, dying_type);
    node->n = 1;
    f[0].word = node;
    f[1].word = weak_to(f[0].word, MIDDEN_GC_WEAK_SHORT, queue);
    f[2].word = weak_to(f[0].word, MIDDEN_GC_WEAK_LONG, queue);
    f[3].word = midden_gc_table(m);
    f[4].word = new_node(9);
    put(f[3].word, f[0].word, f[4].word);
    f[4].word = weak_to(f[4].word, MIDDEN_GC_WEAK_SHORT, NULL);  // to the value
    f[0].word = NULL;
    for (int i = 0; i < 2; i++) {
      collect(MIDDEN_GC_MAJOR);
      CHECK(midden_gc_weak_get(m, f[1].word) == NULL);
      CHECK(midden_gc_weak_get(m, f[2].word) != NULL);
      CHECK_EQ(midden_gc_table_count(m, f[3].word), 1);
    }
    // The value was not reachable when short references were cleared.
    CHECK(midden_gc_weak_get(m, f[4].word) == NULL);
    CHECK_EQ(number(midden_gc_table_get(m, f[3].word, midden_gc_weak_get(m, f[2].word))), 9);
    CHECK(midden_gc_queue_take(m, queue) == f[1].word);
    CHECK_EQ(midden_gc_finalise(m, SIZE_MAX), 1);
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[2].word) == NULL);
    CHECK_EQ(midden_gc_table_count(m, f[3].word), 0);
    CHECK(midden_gc_queue_take(m, queue) == f[2].word);
    CHECK(midden_gc_queue_take(m, queue) == NULL);
    midden_gc_queue_close(queue);
    MIDDEN_FRAME_END(m, f);
  }
}

// ---- hashes, handles, pins ----

TEST(a_hash_stays_with_its_object)
{
  EACH_HEAP {
    uint64_t hash[3 * MANY];
    MIDDEN_FRAME(m, f, 2);
    f[0].word = midden_gc_new_array(m, list_type, 3 * MANY);
    for (size_t i = 0; i < 3 * MANY; i++) {
      f[1].word = i % 3 == 0 ? midden_gc_new_array(m, list_type, i % 7) : new_node(i);
      midden_gc_store(m, f[0].word, (midden_ref *)f[0].word + i, f[1].word);
      if (i % 2 == 0) hash[i] = midden_gc_hash(m, f[1].word);
    }
    for (size_t i = 1; i < 3 * MANY; i += 2)
      hash[i] = midden_gc_hash(m, ((midden_ref *)f[0].word)[i].word);
    size_t same = 0;
    for (int round = 0; round < 12; round++) {
      for (size_t i = 0; i < 3 * MANY; i++) {
        void *object = ((midden_ref *)f[0].word)[i].word;
        CHECK_EQ(midden_gc_hash(m, object), hash[i]);
        if (i % 3 == 0)
          CHECK_EQ(midden_gc_count(object), i % 7);
        else
          CHECK_EQ(number(object), i);
        same += i > 0 && hash[i] == hash[i - 1];
      }
      collect(round % 4 == 3 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    }
    CHECK_EQ(same, 0);
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_handle_holds_its_object_until_it_is_dropped)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 2);
    midden_handle *handle[3];
    for (uint64_t i = 0; i < 3; i++) CHECK((handle[i] = midden_gc_handle(m, new_node(i))) != NULL);
    f[0].word = weak_to(midden_gc_handle_get(m, handle[1]), MIDDEN_GC_WEAK_LONG, NULL);
    f[1].word = weak_to(midden_gc_handle_get(m, handle[2]), MIDDEN_GC_WEAK_LONG, NULL);
    for (int i = 0; i < 6; i++) {
      collect(i % 3 == 2 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
      for (uint64_t k = 0; k < 3; k++) CHECK_EQ(number(midden_gc_handle_get(m, handle[k])), k);
    }
    midden_gc_handle_drop(m, handle[1]);
    midden_gc_handle_set(m, handle[2], midden_gc_handle_get(m, handle[0]));
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[0].word) == NULL);
    CHECK(midden_gc_weak_get(m, f[1].word) == NULL);
    CHECK_EQ(number(midden_gc_handle_get(m, handle[2])), 0);
    midden_gc_handle_drop(m, handle[2]);
    midden_gc_handle_drop(m, NULL);  // handle[0] goes with the heap
    MIDDEN_FRAME_END(m, f);
  }
}

TEST(a_pinned_object_stays_where_it_is_until_it_was_unpinned_as_often)
{
  EACH_HEAP {
    MIDDEN_FRAME(m, f, 1);
    enum { PINS = 40 };
    void *pinned[PINS];
    for (uint64_t i = 0; i < PINS; i++) {
      pinned[i] = new_node(i);
      for (uint64_t k = 0; k <= i % 3; k++) CHECK_EQ(midden_gc_pin(m, pinned[i]), MIDDEN_OK);
    }
    f[0].word = weak_to(pinned[2], MIDDEN_GC_WEAK_LONG, NULL);
    for (int unpinned = 0; unpinned < 3; unpinned++) {
      for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 100; k++) new_node(~0u);
        collect(i % 4 == 3 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
        for (uint64_t k = 0; k < PINS; k++)
          if ((int)(k % 3) >= unpinned) CHECK_EQ(number(pinned[k]), k);
      }
      CHECK(midden_gc_weak_get(m, f[0].word) == pinned[2]);
      for (uint64_t k = 0; k < PINS; k++)
        if ((int)(k % 3) >= unpinned) midden_gc_unpin(m, pinned[k]);
    }
    collect(MIDDEN_GC_MAJOR);
    CHECK(midden_gc_weak_get(m, f[0].word) == NULL);
    MIDDEN_FRAME_END(m, f);
  }
}

static void unpin_twice(void) {
  CHECK(heap_open(0, PRECISE, false));
  void *object = new_node(0);
  CHECK_EQ(midden_gc_pin(m, object), MIDDEN_OK);
  midden_gc_unpin(m, object);
  midden_gc_unpin(m, object);
}

TEST(an_unpin_too_many_is_named)
{ test_stops(unpin_twice, "unpin of an object that is not pinned"); }

// ---- threads ----

struct work {
  midden_gc_queue *queue;
  _Atomic int ran;
};

static void count_run(void *object, void *context) {
  (void)object;
  atomic_fetch_add((_Atomic int *)context, 1);
}

enum { THREADS = 4, ROUNDS = 400 };

// A table of its own, and a queue and finalisers with all others.
static void *work(void *argument) {
  struct work *w = argument;
  midden_mutator *own;
  if (midden_gc_attach(gc, &own) != MIDDEN_OK) abort();
  MIDDEN_FRAME(own, f, 3);
  f[0].word = midden_gc_table(own);
  f[2].word = midden_gc_new(own, node_type);
  for (int i = 0; i < ROUNDS; i++) {
    f[1].word = midden_gc_new(own, node_type);
    if (f[1].word == NULL) abort();
    if (midden_gc_table_put(own, f[0].word, f[1].word, f[2].word) != MIDDEN_OK) abort();
    if (midden_gc_weak(own, f[1].word, MIDDEN_GC_WEAK_SHORT, w->queue) == NULL) abort();
    if (midden_gc_finaliser(own, f[1].word, count_run, &w->ran) != MIDDEN_OK) abort();
    if (midden_gc_table_get(own, f[0].word, f[1].word) != f[2].word) abort();
    midden_handle *handle = midden_gc_handle(own, f[1].word);
    if (i % 50 == 0) midden_gc_collect(own, i % 200 == 0 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    if (midden_gc_handle_get(own, handle) != f[1].word) abort();
    midden_gc_handle_drop(own, handle);
    if (i % 10 == 0) midden_gc_finalise(own, 3);
    midden_gc_queue_take(own, w->queue);
  }
  MIDDEN_FRAME_END(own, f);
  midden_gc_detach(own);
  return NULL;
}

static void *wait_for(void *thread) {
  CHECK_EQ(pthread_join(*(pthread_t *)thread, NULL), 0);
  return NULL;
}

static void use_by_threads(struct work *w) {
  pthread_t thread[THREADS];
  w->queue = midden_gc_queue_new(gc);
  for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&thread[i], NULL, work, w), 0);
  for (int i = 0; i < THREADS; i++) midden_gc_call_blocking(m, wait_for, &thread[i]);
  collect(MIDDEN_GC_MAJOR);
  midden_gc_finalise(m, SIZE_MAX);
  midden_gc_queue_close(w->queue);
}

TEST(threads_use_tables_queues_handles_and_finalisers_at_once)
{
  EACH_CALM_HEAP {
    struct work w = {0};
    use_by_threads(&w);
    CHECK_EQ(atomic_load(&w.ran), THREADS * ROUNDS);
  }
}

TEST(threads_that_signals_stop_anywhere_use_them_at_once)
{
  for (size_t i = 0; heap_open(i, MIDDEN_GC_STORES, false); i++) {
    struct work w = {0};
    use_by_threads(&w);
    CHECK(atomic_load(&w.ran) <= THREADS * ROUNDS);
    CHECK(atomic_load(&w.ran) > THREADS * ROUNDS / 2);  // some are still on a stack
    heap_close();
  }
}

// Keys, values and weak references far from each other, for several markers.
TEST(markers_find_keys_and_weak_references_at_once)
{
  enum { WIDE = 20000 };
  EACH_CALM_HEAP {
    MIDDEN_FRAME(m, f, 4);
    midden_gc_queue *queue = midden_gc_queue_new(gc);
    f[0].word = midden_gc_new_array(m, list_type, WIDE);
    f[1].word = midden_gc_new_array(m, list_type, WIDE);
    f[2].word = midden_gc_table(m);
    for (size_t i = 0; i < WIDE; i++) {
      f[3].word = new_node(i);
      if (i % 2 == 0) midden_gc_store(m, f[0].word, (midden_ref *)f[0].word + i, f[3].word);
      put_new(&f[2], &f[3], i);
      void *weak = weak_to(f[3].word, MIDDEN_GC_WEAK_SHORT, queue);
      midden_gc_store(m, f[1].word, (midden_ref *)f[1].word + i, weak);
    }
    f[3].word = NULL;
    for (int i = 0; i < 3; i++) {
      collect(MIDDEN_GC_MAJOR);
      CHECK_EQ(midden_gc_table_count(m, f[2].word), WIDE / 2);
      CHECK_EQ(drain(queue), i == 0 ? WIDE / 2 : 0);
    }
    midden_gc_queue_close(queue);
    MIDDEN_FRAME_END(m, f);
  }
}

// ---- plain C: the stack holds what it happens to hold ----

// The last of PLAIN + 1 references is to the table.
enum { PLAIN = 500 };

__attribute__((noinline)) static void fill_plain(midden_gc_queue *queue, midden_ref *list) {
  for (size_t i = 0; i < PLAIN; i++) {
    void *weak = midden_gc_weak(m, new_node(i), MIDDEN_GC_WEAK_SHORT, queue);
    midden_gc_store(m, list, &list[i], weak);
    put(list[PLAIN].word, weak, weak);
  }
}

static void check_plain(void) {
  midden_gc_queue *queue = midden_gc_queue_new(gc);
  midden_ref *list = midden_gc_new_array(m, list_type, PLAIN + 1);
  midden_gc_store(m, list, &list[PLAIN], midden_gc_table(m));
  fill_plain(queue, list);
  collect(MIDDEN_GC_MAJOR);
  size_t cleared = 0;
  for (size_t i = 0; i < PLAIN; i++) cleared += midden_gc_weak_get(m, list[i].word) == NULL;
  CHECK(cleared > PLAIN / 2);  // what is left on the stack may hold some
  CHECK_EQ(drain(queue), cleared);
  CHECK_EQ(midden_gc_table_count(m, list[PLAIN].word), PLAIN);
  midden_gc_queue_close(queue);
}

TEST(plain_c_holds_weak_references_and_tables_in_variables)
{
  for (size_t i = 0; heap_open(i, MIDDEN_GC_STORES, true); i++) {
    check_plain();
    heap_close();
  }
}
