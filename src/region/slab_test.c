// region/slab_test.c -- the object cache: construction, colour, reclaim, wrong use.
// SPDX-License-Identifier: MIT
#include "midden/slab.h"

#include <errno.h>

#include "midden/fit.h"
#include "midden/malloc.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

// An object that knows whether it is constructed, and how often it was taken.
struct object {
  uint64_t alive;
  size_t uses;
  char rest[180];
};
#define ALIVE 0x616c697665616c69u

static size_t constructed, destructed, refuse_after;

static bool construct(void *object, void *context) {
  struct object *o = object;
  if (context != &constructed) abort();
  if (constructed - destructed >= refuse_after) return false;
  *o = (struct object){.alive = ALIVE};
  constructed++;
  return true;
}

static void destruct(void *object, void *context) {
  struct object *o = object;
  if (context != &constructed || o->alive != ALIVE) abort();
  o->alive = 0;
  destructed++;
}

static midden_slab *open_cache_from(midden_allocator *from, size_t align) {
  midden_slab *cache = NULL;
  midden_slab_type type = {sizeof(struct object), align, construct, destruct, &constructed};
  constructed = destructed = 0, refuse_after = SIZE_MAX;
  CHECK_EQ(midden_slab_open(from, &type, &cache), MIDDEN_OK);
  CHECK_WHOLE(mid_slab_broken(cache));
  return cache;
}

static midden_slab *open_cache(void) { return open_cache_from(NULL, 0); }

TEST(objects_are_constructed_once_and_keep_their_state)
{
  midden_slab *cache = open_cache();
  for (size_t i = 0; i < 1000; i++) {
    struct object *o = midden_slab_take(cache);
    CHECK_EQ(o->alive, ALIVE);
    CHECK_EQ(o->uses, i);  // the same one each time, as it was left
    o->uses++;
    midden_slab_give(cache, o);
  }
  CHECK_EQ(constructed, 1);
  CHECK_EQ(destructed, 0);
  midden_slab_close(cache);
  CHECK_EQ(destructed, 1);
  midden_slab_close(NULL);
}

enum { MANY = 9000 };
static struct object *many[MANY];

static void take_many(midden_slab *cache) {
  for (size_t i = 0; i < MANY; i++) {
    CHECK((many[i] = midden_slab_take(cache)) != NULL);
    CHECK_EQ(many[i]->alive, ALIVE);
    test_fill(many[i]->rest, sizeof many[i]->rest, i);
  }
  CHECK_WHOLE(mid_slab_broken(cache));
}

static void give_many(midden_slab *cache) {
  for (size_t i = 0; i < MANY; i++) {
    size_t k = i * 1009 % MANY;  // in an order of its own
    CHECK(test_filled(many[k]->rest, sizeof many[k]->rest, k));
    midden_slab_give(cache, many[k]);
  }
  CHECK_WHOLE(mid_slab_broken(cache));
}

TEST(slabs_without_an_object_in_use_are_kept_in_proportion_only)
{
  midden_slab *cache = open_cache();
  take_many(cache);
  CHECK_EQ(midden_slab_stats(cache).live_blocks, MANY);
  size_t full = midden_slab_stats(cache).committed_bytes;
  CHECK(full < MANY * sizeof(struct object) * 5 / 4);
  give_many(cache);
  CHECK_EQ(midden_slab_stats(cache).live_blocks, 0);
  CHECK(midden_slab_stats(cache).committed_bytes < full / 8 + 65536);
  CHECK_EQ(midden_slab_stats(cache).peak_bytes, full);
  CHECK(destructed > MANY / 2 && destructed < constructed);
  take_many(cache);
  midden_slab_close(cache);
  CHECK_EQ(constructed, destructed);  // what was taken, too
}

TEST(reclaiming_gives_back_every_slab_that_is_not_in_use)
{
  midden_slab *cache = open_cache();
  take_many(cache);
  for (size_t i = 1; i < MANY; i++) midden_slab_give(cache, many[i]);
  size_t before = midden_slab_stats(cache).committed_bytes;
  size_t given = midden_slab_reclaim(cache);
  CHECK(given >= 8192);
  CHECK_EQ(midden_slab_stats(cache).committed_bytes, before - given);
  CHECK_WHOLE(mid_slab_broken(cache));
  CHECK_EQ(midden_slab_reclaim(cache), 0);
  CHECK_EQ(many[0]->alive, ALIVE);
  CHECK_EQ(midden_slab_stats(cache).live_blocks, 1);
  midden_slab_give(cache, many[0]);
  take_many(cache);
  give_many(cache);
  midden_slab_reclaim(cache);
  CHECK_EQ(constructed, destructed);
  midden_slab_close(cache);
}

// A source of a fixed size: when it is used up, memory is short.
TEST(when_memory_is_short_a_cache_gets_what_another_does_not_use)
{
  static _Alignas(65536) char region[5 << 20];
  midden_fit *fit;
  CHECK_EQ(midden_fit_open(region, sizeof region, "first-fit", &fit), MIDDEN_OK);
  midden_slab *busy, *idle = open_cache_from(midden_fit_allocator(fit), 0);
  midden_slab_type plain = {.bytes = sizeof(struct object)};
  CHECK_EQ(midden_slab_open(midden_fit_allocator(fit), &plain, &busy), MIDDEN_OK);
  // One object in each slab of the idle cache; the last slab's is given back.
  take_many(idle);
  for (size_t i = 0; i + 1 < MANY; i++)
    if (i % 32 != 0) midden_slab_give(idle, many[i]);
  size_t taken = 0;
  while (midden_slab_take(busy) != NULL) taken++;
  CHECK(taken > 0);
  for (size_t i = 0; i + 1 < MANY; i += 32) midden_slab_give(idle, many[i]);
  midden_slab_give(idle, many[MANY - 1]);
  size_t made = constructed - destructed;
  CHECK(made > 0);
  CHECK(midden_slab_take(busy) != NULL);
  while (midden_slab_take(busy) != NULL) taken++;
  CHECK_EQ(constructed, destructed);  // all of it went to the busy one
  CHECK_EQ(errno, ENOMEM);
  CHECK_WHOLE(mid_slab_broken(idle));
  CHECK_WHOLE(mid_slab_broken(busy));
  midden_slab_close(idle);
  midden_slab_close(busy);
  CHECK_EQ(midden_fit_stats(fit).live_blocks, 0);
}

TEST(the_first_objects_of_slabs_fall_on_different_cache_lines)
{
  midden_slab *cache = open_cache();
  bool line[64] = {false};
  size_t lines = 0;
  take_many(cache);
  for (size_t i = 0; i < MANY; i++) {
    size_t off = (uintptr_t)many[i] % 8192 % 4096 / 64;
    bool first = i == 0 || (uintptr_t)many[i] / 8192 != (uintptr_t)many[i - 1] / 8192;
    if (first && !line[off]) line[off] = true, lines++;
  }
  CHECK(lines >= 2);
  midden_slab_close(cache);
}

TEST(objects_are_aligned_as_their_type_says)
{
  for (size_t align = 16; align <= 4096; align *= 2) {
    midden_slab *cache = open_cache_from(NULL, align);
    take_many(cache);
    for (size_t i = 0; i < MANY; i++) CHECK_EQ((uintptr_t)many[i] % align, 0);
    midden_slab_close(cache);
  }
}

TEST(a_constructor_that_fails_is_no_object)
{
  midden_slab *cache = open_cache();
  refuse_after = 100;
  for (int i = 0; i < 100; i++) CHECK((many[i] = midden_slab_take(cache)) != NULL);
  errno = 0;
  CHECK(midden_slab_take(cache) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK_WHOLE(mid_slab_broken(cache));
  midden_slab_give(cache, many[99]);
  CHECK(midden_slab_take(cache) == many[99]);
  refuse_after = 101;
  CHECK(midden_slab_take(cache) != NULL);
  midden_slab_close(cache);
  CHECK_EQ(constructed, 101);
  CHECK_EQ(destructed, 101);
}

TEST(types_that_cannot_be_are_refused)
{
  midden_slab *cache = NULL;
  static const size_t bad[][2] = {{0, 16}, {65537, 16}, {SIZE_MAX, 0}, {16, 24}, {16, 8192}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    midden_slab_type type = {.bytes = bad[i][0], .align = bad[i][1]};
    CHECK_EQ(midden_slab_open(NULL, &type, &cache), MIDDEN_INVALID);
  }
  CHECK(cache == NULL);
  midden_slab_type largest = {.bytes = 65536, .align = 4096};
  CHECK_EQ(midden_slab_open(NULL, &largest, &cache), MIDDEN_OK);
  for (int i = 0; i < 40; i++) memset(midden_slab_take(cache), 0xff, 65536);
  CHECK_WHOLE(mid_slab_broken(cache));
  midden_slab_close(cache);
}

// ---- crimes ----

static void give_twice(void) {
  midden_slab *cache = open_cache();
  void *o = midden_slab_take(cache);
  midden_slab_give(cache, o);
  midden_slab_give(cache, o);
}
static void give_foreign(void) {
  void *volatile p = midden_malloc(200);
  midden_slab_give(open_cache(), p);
}
static void give_a_low_address(void) { midden_slab_give(open_cache(), (void *)64); }
static void give_the_middle(void) {
  midden_slab *cache = open_cache();
  midden_slab_give(cache, (char *)midden_slab_take(cache) + 16);
}
static void give_what_was_not_made(void) {
  midden_slab *cache = open_cache();
  midden_slab_give(cache, (struct object *)midden_slab_take(cache) + 8);
}

TEST(wrong_use_stops_the_program_with_a_sentence)
{
  test_stops(give_twice, "midden: double free at 0x");
  test_stops(give_twice, ": this object is free already; look for its second owner (process");
  test_stops(give_foreign, "midden: foreign pointer at 0x");
  test_stops(
      give_a_low_address,
      "midden: foreign pointer at 0x40: it is not of this cache; give it to the allocator it "
      "came from (process");
  test_stops(give_the_middle, "midden: not a block's start at 0x");
  test_stops(give_what_was_not_made,
             ": no object of this cache begins there; give the pointer that was taken (process");
}
