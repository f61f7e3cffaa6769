// tests/gc/pacing.c -- when collections come, and how large Eden is: what the options ask for.
// SPDX-License-Identifier: MIT
#include <time.h>

#include "base/options.h"
#include "gc/gc.h"
#include "midden/malloc.h"
#include "shapes.h"

enum {
  PRECISE = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE,
  SLOTS = 40000,      // of what churns: some 6 MiB live
  MANY = SLOTS * 20,  // objects of a churn: 120 MiB
};

static midden_gc *gc;
static midden_mutator *m;
static midden_type *types[SHAPES];
static struct mid_options before;

// With options beside those of MIDDEN_OPTIONS, as it would name them.
static void heap_open(const char *list, const midden_gc_config *config) {
  char room[200];
  struct mid_text why = mid_text_open(room, sizeof room);
  midden_free(midden_malloc(1));  // starts the library, which reads MIDDEN_OPTIONS
  before = mid_options;
  if (!mid_options_read(&mid_options, list, &why)) fail_msg("%s", room);
  midden_gc_config c = config != NULL ? *config : (midden_gc_config){0};
  c.keeps = PRECISE;
  MUST(midden_gc_open(&c, &gc) == MIDDEN_OK);
  MUST(midden_gc_attach(gc, &m) == MIDDEN_OK);
  shape_types_make(gc, types);
}

static void heap_close(void) {
  must_be_whole(m);
  midden_gc_detach(m);
  midden_gc_close(gc);
  mid_options = before;
}

static midden_gc_stats stats(void) {
  midden_gc_stats s;
  midden_gc_stats_read(gc, &s);
  return s;
}

// Keep the last of `many` objects in random places of an array of SLOTS: most die old.  returns the
// most that was committed at any of them
static uint64_t churn(size_t many, midden_ref *array) {
  uint64_t random = 1, most = 0;
  if (array->word == NULL) array->word = midden_gc_new_array(m, types[REFS], SLOTS);
  for (size_t i = 0; i < many; i++) {
    size_t bytes = i % 1000 == 0 ? 20000 : test_random(&random) % 256;
    void *made = midden_gc_new_array(m, types[BYTES], bytes);
    MUST(made != NULL);
    midden_gc_store(m, array->word, (midden_ref *)array->word + test_random(&random) % SLOTS, made);
    if (i % 64 == 0 && gc->committed > most) most = gc->committed;
  }
  return most;
}

TEST(garbage_stays_below_a_soft_limit)
{
  static const char *const lists[] = {"gc_soft_max=24M", "gc_soft_max=24M,gc_max=1G"};
  uint64_t collections[3];
  heap_open("", NULL);
  MIDDEN_FRAME(m, f, 1);
  MUST(churn(MANY, &f[0]) > 24 * MIB);
  collections[0] = stats().major;
  MIDDEN_FRAME_END(m, f);
  heap_close();
  for (int i = 1; i < 3; i++) {
    heap_open(lists[i - 1], NULL);
    MIDDEN_FRAME(m, g, 1);
    // Until it is known how much of the memory lies between objects it may be a little more.
    MUST(churn(MANY, &g[0]) <= 28 * MIB);
    collections[i] = stats().major;
    MUST(churn(MANY, &g[0]) <= 24 * MIB);
    MIDDEN_FRAME_END(m, g);
    heap_close();
    MUST(collections[i] > collections[0]);
  }
}

TEST(the_option_wins_over_the_programs_soft_limit)
{
  heap_open("", &(midden_gc_config){.soft_bytes = 24 * MIB});
  MUST(gc->soft == 24 * MIB);
  heap_close();
  heap_open("gc_soft_max=48M", &(midden_gc_config){.soft_bytes = 24 * MIB});
  MUST(gc->soft == 48 * MIB);
  heap_close();
}

TEST(what_lives_may_go_above_a_soft_limit_without_endless_collections)
{
  heap_open("gc_soft_max=4M", NULL);
  MIDDEN_FRAME(m, list, 1);
  size_t n = 0;
  for (; n < 48 * MIB / 72; n++) {
    uint64_t *cell = midden_gc_new(m, types[FIELDS]);
    MUST(cell != NULL);
    cell[0] = n;
    midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, list[0].word);
    list[0].word = cell;
  }
  // By a megabyte up to 8 MiB, and by eighths from there to 48.
  MUST(stats().major <= 8 + 17);
  MUST(stats().committed >= 48 * MIB);
  for (uint64_t *cell = list[0].word; cell != NULL; cell = (uint64_t *)(uintptr_t)cell[1])
    MUST(cell[0] == --n);
  MUST(n == 0);
  MIDDEN_FRAME_END(m, list);
  heap_close();
}

TEST(a_soft_limit_is_moved_while_the_heap_is_used)
{
  heap_open("", NULL);
  MIDDEN_FRAME(m, f, 1);
  MUST(churn(MANY, &f[0]) > 24 * MIB);
  midden_gc_set_soft(gc, 24 * MIB);
  (void)churn(MANY, &f[0]);
  MUST(churn(MANY, &f[0]) <= 24 * MIB);
  midden_gc_set_soft(gc, 0);
  MUST(churn(MANY, &f[0]) > 24 * MIB);
  MIDDEN_FRAME_END(m, f);
  heap_close();
}

TEST(a_soft_limit_above_gc_max_says_nothing)
{
  size_t eden[2], goal[2];
  for (int i = 0; i < 2; i++) {
    heap_open(i == 0 ? "gc_max=16M" : "gc_max=16M,gc_soft_max=20M", NULL);
    eden[i] = gc->eden_size, goal[i] = gc->goal;
    heap_close();
  }
  MUST(eden[0] == eden[1] && goal[0] == goal[1]);
}

// ---- the pause goal ----

// However fast the machine is, a collection that finds one takes two milliseconds.
static void trace_slowly(void *object, size_t bytes, midden_visit *visit, void *context) {
  (void)object, (void)bytes, (void)visit, (void)context;
  struct timespec then, now;
  clock_gettime(CLOCK_MONOTONIC, &then);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - then.tv_sec) * 1000000000 + now.tv_nsec - then.tv_nsec < 2000000);
}

static uint64_t eden_after_minor(midden_type *type, midden_ref *slot) {
  if (type != NULL) slot->word = midden_gc_new(m, type);
  midden_gc_collect(m, MIDDEN_GC_MINOR);
  return stats().last.eden;
}

TEST(eden_shrinks_while_pauses_are_above_their_goal_and_grows_again)
{
  enum { ROUNDS = 24 };
  midden_type *slow;
  heap_open("gc_pause_goal_ms=1", NULL);
  MUST(midden_gc_type(gc, &(midden_type_config){.name = "slow", .bytes = 32, .trace = trace_slowly},
                      &slow) == MIDDEN_OK);
  MIDDEN_FRAME(m, f, 1);
  bool young = gc->plan->generations;
  uint64_t eden = gc->eden_size, whole = eden;
  for (int i = 0; i < ROUNDS; i++, eden = stats().last.eden) {
    uint64_t now = eden_after_minor(slow, &f[0]);
    MUST(young && eden > 4 * MID_GC_BLOCK ? now < eden : now <= eden);
    MUST(young || now == eden);
  }
  MUST(!young || (eden >= MID_GC_BLOCK && eden <= 4 * MID_GC_BLOCK));
  f[0].word = NULL;
  gc->pause_goal = 1000;  // seconds: no collection takes so long
  for (int i = 0; i < 100; i++, eden = stats().last.eden)
    MUST(eden_after_minor(NULL, NULL) >= eden);
  MUST(eden == whole);
  MIDDEN_FRAME_END(m, f);
  heap_close();
}

// ---- the young space's share ----

TEST(the_young_space_has_the_share_of_the_limit_that_its_ratio_leaves)
{
  for (size_t ratio = 1; ratio <= 7; ratio += 3) {
    char list[80];
    snprintf(list, sizeof list, "gc_max=24M,gc_young=1G,gc_new_ratio=%zu", ratio);
    heap_open(list, NULL);
    MIDDEN_FRAME(m, f, 1);
    for (int i = 0; i < 4; i++) {
      midden_gc_collect(m, MIDDEN_GC_MAJOR);
      midden_gc_collection c = stats().last;
      uint64_t young = c.eden + 2 * c.survivor, old = c.old_after;
      MUST(old >= (uint64_t)i * MIB && young == (24 * MIB - old) / (ratio + 1));
      void *array = midden_gc_new_array(m, types[REFS], MIB / 8);
      MUST(array != NULL);
      midden_gc_store(m, array, array, f[0].word);
      f[0].word = array;
    }
    MIDDEN_FRAME_END(m, f);
    heap_close();
  }
}
