// region/scratch_test.c -- scratches nest, avoid each other, and go with their thread.
// SPDX-License-Identifier: MIT
#include "midden/scratch.h"

#include <pthread.h>

#include "midden/malloc.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

static size_t live(const midden_arena *arena) { return midden_arena_stats(arena).live_bytes; }

TEST(scratches_nest_and_give_back_what_they_took)
{
  midden_scratch outer = midden_scratch_begin(NULL);
  char *kept = midden_arena_strdup(outer.arena, "kept");
  size_t at = live(outer.arena);
  for (int i = 0; i < 1000; i++) {
    midden_scratch inner = midden_scratch_begin(NULL);
    CHECK(inner.arena == outer.arena);
    memset(midden_arena_alloc(inner.arena, 3000), 1, 3000);
    midden_scratch_end(&inner);
    CHECK_EQ(live(outer.arena), at);
  }
  CHECK_STR(kept, "kept");
  midden_scratch_end(&outer);
}

TEST(a_scratch_avoids_the_arena_of_the_result)
{
  midden_scratch result = midden_scratch_begin(NULL);
  midden_scratch own = midden_scratch_begin(result.arena);
  CHECK(own.arena != result.arena);
  char *text = midden_arena_strdup(result.arena, "result");
  memset(midden_arena_alloc(own.arena, 100), 1, 100);
  midden_scratch_end(&own);
  CHECK_STR(text, "result");
  midden_scratch_end(&own);  // ended: NULL
  midden_scratch_end(&result);
}

static void *use_some(void *with) {
  midden_scratch s = midden_scratch_begin(NULL);
  memset(midden_arena_alloc(s.arena, 300000), 1, 300000);
  if (with == NULL) midden_scratch_end(&s);
  return NULL;
}

TEST(what_a_thread_took_goes_when_it_ends)
{
  size_t before = 0;
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, use_some, i % 2 ? &before : NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    if (i == 20) before = midden_allocator_malloc()->stats(midden_allocator_malloc()).live_bytes;
  }
  CHECK(midden_allocator_malloc()->stats(midden_allocator_malloc()).live_bytes < before + 300000);
}

static void end_out_of_order(void) {
  midden_scratch outer = midden_scratch_begin(NULL), inner = midden_scratch_begin(NULL);
  midden_scratch_end(&outer);
  midden_scratch_end(&inner);
}

static void *end_it(void *scratch) {
  midden_scratch_end(scratch);
  return NULL;
}
static void end_by_another_thread(void) {
  midden_scratch s = midden_scratch_begin(NULL);
  pthread_t thread;
  if (pthread_create(&thread, NULL, end_it, &s) == 0) pthread_join(thread, NULL);
}

TEST(a_scratch_that_ends_out_of_order_stops_the_program)
{
  test_stops(end_out_of_order, "midden: going back to a mark that is gone at 0x");
  test_stops(end_by_another_thread, "midden: a scratch ended by another thread at 0x");
}
