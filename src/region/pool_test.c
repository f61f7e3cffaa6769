// region/pool_test.c -- pools: every block once, growth, threads, wrong use.
// SPDX-License-Identifier: MIT
#include "region/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "midden/malloc.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

static midden_pool *open_pool(size_t block_bytes, size_t blocks, enum midden_pool_kind kind) {
  midden_pool *pool = NULL;
  CHECK_EQ(midden_pool_open(NULL, block_bytes, blocks, kind, &pool), MIDDEN_OK);
  CHECK_WHOLE(mid_pool_broken(pool));
  return pool;
}

TEST(a_fixed_pool_serves_each_block_once_and_then_refuses)
{
  enum { COUNT = 10000 };
  static unsigned char *block[COUNT];
  midden_pool *pool = open_pool(100, COUNT, MIDDEN_POOL_FIXED);
  size_t held = midden_pool_stats(pool).committed_bytes;
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < COUNT; i++) {
      CHECK((block[i] = midden_pool_take(pool)) != NULL);
      CHECK_EQ((uintptr_t)block[i] % 16, 0);
      test_fill(block[i], 112, i);
    }
    errno = 0;
    CHECK(midden_pool_take(pool) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK(midden_pool_take(pool) == NULL);
    CHECK_WHOLE(mid_pool_broken(pool));
    CHECK_EQ(midden_pool_stats(pool).live_blocks, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
      CHECK(test_filled(block[i], 112, i));
      midden_pool_give(pool, block[i]);
    }
    CHECK_WHOLE(mid_pool_broken(pool));
  }
  CHECK_EQ(midden_pool_stats(pool).live_blocks, 0);
  CHECK_EQ(midden_pool_stats(pool).committed_bytes, held);
  midden_pool_close(pool);
}

TEST(a_fixed_pool_is_resident_when_it_opens)
{
  midden_pool *pool = open_pool(512, 1000, MIDDEN_POOL_FIXED);
  char *p = midden_pool_take(pool);
  for (size_t i = 0; i < 1000 * 512; i += PAGE) CHECK(test_resident(p + i));
  midden_pool_close(pool);
}

TEST(a_growing_pool_goes_on_and_gives_back_to_any_chunk)
{
  enum { COUNT = 5000 };
  static unsigned char *block[COUNT];
  midden_pool *pool = open_pool(48, 10, MIDDEN_POOL_GROWS);
  for (size_t i = 0; i < COUNT; i++) {
    CHECK((block[i] = midden_pool_take(pool)) != NULL);
    test_fill(block[i], 48, i);
  }
  CHECK_WHOLE(mid_pool_broken(pool));
  CHECK_EQ(midden_pool_stats(pool).live_bytes, COUNT * 48);
  size_t held = midden_pool_stats(pool).committed_bytes;
  CHECK(held < 2 * COUNT * 48 + 4096);
  for (size_t i = 0; i < COUNT; i++) {
    CHECK(test_filled(block[i], 48, i));
    midden_pool_give(pool, block[i]);
  }
  midden_pool_give(pool, NULL);
  CHECK_WHOLE(mid_pool_broken(pool));
  for (size_t i = 0; i < COUNT; i++) CHECK(midden_pool_take(pool) != NULL);
  CHECK_EQ(midden_pool_stats(pool).committed_bytes, held);
  midden_pool_close(pool);
  midden_pool_close(NULL);
}

TEST(blocks_are_aligned_to_what_divides_their_size)
{
  static const size_t sizes[][2] = {{1, 16},      {24, 32},      {64, 64},     {96, 32},
                                    {4096, 4096}, {12288, 4096}, {32768, 4096}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    midden_pool *pool = open_pool(sizes[i][0], 0, MIDDEN_POOL_GROWS);
    for (int k = 0; k < 20; k++) CHECK_EQ((uintptr_t)midden_pool_take(pool) % sizes[i][1], 0);
    midden_pool_close(pool);
  }
}

TEST(pools_that_cannot_be_are_refused)
{
  midden_pool *pool = NULL;
  CHECK_EQ(midden_pool_open(NULL, 0, 10, MIDDEN_POOL_FIXED, &pool), MIDDEN_INVALID);
  CHECK_EQ(midden_pool_open(NULL, 32769, 10, MIDDEN_POOL_FIXED, &pool), MIDDEN_INVALID);
  CHECK_EQ(midden_pool_open(NULL, SIZE_MAX, 10, MIDDEN_POOL_FIXED, &pool), MIDDEN_INVALID);
  CHECK_EQ(midden_pool_open(NULL, 16, 0, MIDDEN_POOL_FIXED, &pool), MIDDEN_INVALID);
  CHECK_EQ(midden_pool_open(NULL, 16, SIZE_MAX, MIDDEN_POOL_FIXED, &pool), MIDDEN_INVALID);
  CHECK_EQ(midden_pool_open(NULL, 16, (size_t)1 << 56, MIDDEN_POOL_FIXED, &pool), MIDDEN_NOMEM);
  midden_shared_pool *shared = NULL;
  CHECK_EQ(midden_shared_pool_open(NULL, 0, 10, MIDDEN_POOL_GROWS, &shared), MIDDEN_INVALID);
  CHECK_EQ(midden_shared_pool_open(NULL, 32769, 10, MIDDEN_POOL_GROWS, &shared), MIDDEN_INVALID);
  CHECK(pool == NULL && shared == NULL);
  midden_shared_pool_close(NULL);
}

// Every size there is, every byte of it: the one compare of the inline path tells starts of blocks
// from all other addresses.
TEST(the_inline_path_knows_every_start_and_nothing_else)
{
  for (size_t bytes = 16; bytes <= MID_POOL_BLOCK_MOST; bytes += bytes < 2048 ? 16 : 1008) {
    midden_pool *pool = open_pool(bytes, 3, MIDDEN_POOL_FIXED);
    for (size_t off = 0; off < 4 * bytes; off++) {
      bool inside = (pool->base + off - pool->base) * pool->magic < pool->limit;
      CHECK_EQ(inside, off % bytes == 0 && off < 3 * bytes);
    }
    for (unsigned bit = 0; bit < 47; bit++) {
      uint64_t far = (uint64_t)1 << bit;
      if (far >= 4 * bytes) CHECK(far * pool->magic >= pool->limit);
      CHECK((0 - far) * pool->magic >= pool->limit);
      CHECK((0 - far * bytes) * pool->magic >= pool->limit);
    }
    midden_pool_close(pool);
  }
}

// ---- threads ----

enum { THREADS = 4, HELD = 100, STEPS = SANITIZED ? 20000 : 100000 };

static midden_shared_pool *shared;
static _Atomic(void *) xpassed[64];  // blocks on their way from one thread to another

static void *use_shared(void *number) {
  uint64_t seed = (uintptr_t)number * 1000;
  void *held[HELD] = {0};
  for (int step = 0; step < STEPS; step++) {
    size_t i = test_random(&seed) % HELD;
    if (held[i] == NULL) {
      if ((held[i] = midden_shared_pool_take(shared)) != NULL)
        test_fill(held[i], 64, (uintptr_t)held[i]);
      continue;
    }
    if (!test_filled(held[i], 64, (uintptr_t)held[i])) return (void *)"a block was changed";
    if (step % 3 == 0) {
      held[i] = atomic_exchange_explicit(&xpassed[step % 64], held[i], memory_order_acq_rel);
    } else {
      midden_shared_pool_give(shared, held[i]);
      held[i] = NULL;
    }
  }
  for (size_t i = 0; i < HELD; i++) midden_shared_pool_give(shared, held[i]);
  return NULL;
}

static void run_threads(void *(*body)(void *)) {
  pthread_t thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, body, (void *)(i + 1)), 0);
  for (int i = 0; i < THREADS; i++) {
    void *failed;
    CHECK_EQ(pthread_join(thread[i], &failed), 0);
    if (failed != NULL) fail_msg("%s", (const char *)failed);
  }
}

static void share(enum midden_pool_kind kind, size_t blocks) {
  CHECK_EQ(midden_shared_pool_open(NULL, 64, blocks, kind, &shared), MIDDEN_OK);
  for (int round = 0; round < 3; round++) run_threads(use_shared);
  for (int i = 0; i < 64; i++) midden_shared_pool_give(shared, atomic_exchange(&xpassed[i], NULL));
  CHECK_WHOLE(mid_shared_pool_broken(shared));
  CHECK_EQ(midden_shared_pool_stats(shared).live_blocks, 0);
  midden_shared_pool_close(shared);
}

TEST(threads_take_give_and_pass_on_blocks_of_a_growing_pool)
{ share(MIDDEN_POOL_GROWS, 16); }
TEST(threads_take_give_and_pass_on_blocks_of_a_fixed_pool_too_small_for_them)
{ share(MIDDEN_POOL_FIXED, 300); }

static void *take_some(void *number) {
  (void)number;
  for (int i = 0; i < 10; i++) midden_shared_pool_give(shared, midden_shared_pool_take(shared));
  return NULL;
}

TEST(what_a_thread_cached_is_there_for_others_when_it_has_ended)
{
  CHECK_EQ(midden_shared_pool_open(NULL, 64, 640, MIDDEN_POOL_FIXED, &shared), MIDDEN_OK);
  for (int i = 0; i < 100; i++) run_threads(take_some);
  for (int i = 0; i < 640; i++) CHECK(midden_shared_pool_take(shared) != NULL);
  errno = 0;
  CHECK(midden_shared_pool_take(shared) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK_EQ(midden_shared_pool_stats(shared).live_blocks, 640);
  midden_shared_pool_close(shared);
}

TEST(a_thread_may_use_more_pools_than_its_table_has_room_for)
{
  midden_shared_pool *pools[9];
  void *block[9];
  for (int i = 0; i < 9; i++)
    CHECK_EQ(midden_shared_pool_open(NULL, 32, 0, MIDDEN_POOL_GROWS, &pools[i]), MIDDEN_OK);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 9; i++) CHECK((block[i] = midden_shared_pool_take(pools[i])) != NULL);
    for (int i = 0; i < 9; i++) midden_shared_pool_give(pools[i], block[i]);
  }
  for (int i = 0; i < 9; i++) {
    CHECK_WHOLE(mid_shared_pool_broken(pools[i]));
    CHECK_EQ(midden_shared_pool_stats(pools[i]).live_blocks, 0);
    midden_shared_pool_close(pools[i]);
  }
}

static bool use_in_child(void) {
  for (int i = 0; i < 1000; i++) HOLDS(midden_shared_pool_take(shared) != NULL);
  return true;
}

static _Atomic bool xstop;
static void *keep_busy(void *unused) {
  while (!atomic_load_explicit(&xstop, memory_order_relaxed)) use_shared((void *)9);
  return unused;
}

TEST(a_child_forked_while_others_hold_the_lock_may_use_the_pool)
{
  pthread_t thread;
  CHECK_EQ(midden_shared_pool_open(NULL, 64, 16, MIDDEN_POOL_GROWS, &shared), MIDDEN_OK);
  atomic_store(&xstop, false);
  CHECK_EQ(pthread_create(&thread, NULL, keep_busy, NULL), 0);
  for (int i = 0; i < 20; i++) CHECK_EQ(test_in_child(use_in_child), 0);
  atomic_store(&xstop, true);
  pthread_join(thread, NULL);
  for (int i = 0; i < 64; i++) atomic_store(&xpassed[i], NULL);
  midden_shared_pool_close(shared);
}

// ---- crimes ----

static void give_twice(void) {
  midden_pool *pool = open_pool(32, 100, MIDDEN_POOL_GROWS);
  void *p = midden_pool_take(pool);
  midden_pool_give(pool, p);
  midden_pool_give(pool, p);
}

static void give_foreign(void) {
  midden_pool *pool = open_pool(32, 100, MIDDEN_POOL_GROWS);
  midden_pool_give(pool, midden_malloc(32));
}

static void give_what_was_not_taken_yet(void) {
  midden_pool *pool = open_pool(4096, 100, MIDDEN_POOL_GROWS);
  midden_pool_give(pool, (char *)midden_pool_take(pool) + 90 * 4096);
}

static void give_the_middle(void) {
  midden_pool *pool = open_pool(64, 100, MIDDEN_POOL_FIXED);
  midden_pool_give(pool, (char *)midden_pool_take(pool) + 16);
}

static void write_after_giving(void) {
  midden_pool *pool = open_pool(64, 100, MIDDEN_POOL_FIXED);
  char *p = midden_pool_take(pool);
  midden_pool_give(pool, p);
  p[0] = 1;
  midden_pool_take(pool);
}

static midden_shared_pool *open_shared(void) {
  if (midden_shared_pool_open(NULL, 64, 100, MIDDEN_POOL_GROWS, &shared) != MIDDEN_OK) abort();
  return shared;
}

static void give_shared_twice(void) {
  void *p = midden_shared_pool_take(open_shared());
  midden_shared_pool_give(shared, p);
  midden_shared_pool_give(shared, p);
}

static void give_shared_foreign(void) { midden_shared_pool_give(open_shared(), &shared); }

static void write_after_giving_shared(void) {
  char *p = midden_shared_pool_take(open_shared());
  midden_shared_pool_give(shared, p);
  p[0] = 1;
  midden_shared_pool_take(shared);
}

TEST(wrong_use_stops_the_program_with_a_sentence)
{
  test_stops(give_twice, "midden: double free at 0x");
  test_stops(give_twice, ": this block is free already; look for its second owner (process");
  test_stops(give_foreign, "midden: foreign pointer at 0x");
  test_stops(give_foreign,
             ": it is not of this pool; give it to the allocator it came from (process");
  test_stops(give_what_was_not_taken_yet, "midden: not a block's start at 0x");
  test_stops(give_the_middle,
             ": this address lies inside a block; give the pointer that was taken (process");
  test_stops(write_after_giving, "midden: corrupted free list at 0x");
  test_stops(write_after_giving,
             ": this block was written to after it was given back; look for a "
             "use after free (process");
  test_stops(give_shared_twice, "midden: double free at 0x");
  test_stops(give_shared_foreign, "midden: foreign pointer at 0x");
  test_stops(write_after_giving_shared, "midden: corrupted free list at 0x");
}
