// region/arena_test.c -- arenas: marks, destructors, children, text, and what stops the program.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>

#include "midden/midden.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

static midden_arena *open_arena(size_t chunk_bytes) {
  midden_arena *a = NULL;
  CHECK_EQ(midden_arena_open(NULL, chunk_bytes, &a), MIDDEN_OK);
  return a;
}

static size_t live(midden_arena *a) {
  CHECK_WHOLE(mid_arena_broken(a));
  return midden_arena_stats(a).live_bytes;
}

TEST(blocks_of_every_size_are_aligned_and_apart)
{
  midden_arena *a = open_arena(1);
  enum { COUNT = 3000 };
  static unsigned char *p[COUNT];
  for (size_t bytes = 0; bytes < COUNT; bytes++) {
    p[bytes] = midden_arena_alloc(a, bytes);
    CHECK_EQ((uintptr_t)p[bytes] % 16, 0);
    test_fill(p[bytes], bytes, bytes);
  }
  for (size_t bytes = 0; bytes < COUNT; bytes++) CHECK(test_filled(p[bytes], bytes, bytes));
  CHECK_WHOLE(mid_arena_broken(a));
  midden_arena_close(a);
}

TEST(a_constant_size_is_served_to_the_last_byte_of_a_chunk)
{
  midden_arena *a = open_arena(4096);
  uintptr_t limit = a->bump.limit;
  uintptr_t last = 0;
  while (a->bump.limit == limit) last = (uintptr_t)midden_arena_alloc(a, 16);
  CHECK(last < limit - 4096 || last >= limit);  // the one that moved on is in the next chunk
  size_t taken = live(a);
  midden_arena_reset(a);
  CHECK_EQ(limit - a->bump.top, taken - 16);  // no byte of the first was left
  midden_arena_close(a);
}

TEST(large_blocks_do_not_end_the_current_chunk)
{
  midden_arena *a = open_arena(0);
  char *before = midden_arena_alloc(a, 32);
  test_fill(midden_arena_alloc(a, 3 * MIB), 3 * MIB, 1);
  CHECK_EQ((char *)midden_arena_alloc(a, 32) - before, 32);
  CHECK(live(a) >= 3 * MIB);
  midden_arena_close(a);
}

TEST(going_back_gives_back_what_came_since_and_nothing_else)
{
  midden_arena *a = open_arena(1000);
  uint64_t seed = 1;
  unsigned char *kept = midden_arena_alloc(a, 500);
  test_fill(kept, 500, 1);
  midden_arena_mark *mark = midden_arena_here(a);
  size_t at = live(a);
  for (int round = 0; round < 200; round++) {
    for (size_t i = test_random(&seed) % 100; i > 0; i--) {
      size_t bytes = test_random_size(&seed, 20000);
      memset(midden_arena_alloc(a, bytes), 0xff, bytes);
    }
    midden_arena_back(a, mark);
    CHECK_EQ(live(a), at);
    CHECK(test_filled(kept, 500, 1));
  }
  midden_arena_close(a);
}

TEST(marks_nest_and_an_outer_one_ends_the_inner_ones)
{
  midden_arena *a = open_arena(0);
  midden_arena_mark *outer = midden_arena_here(a);
  size_t at = live(a);
  for (int i = 0; i < 100; i++) {
    CHECK(midden_arena_here(a) != NULL);
    CHECK(midden_arena_alloc(a, 1000) != NULL);
  }
  midden_arena_back(a, outer);
  CHECK_EQ(live(a), at);
  midden_arena_close(a);
}

TEST(a_loop_about_a_full_chunk_does_not_ask_its_source_each_time)
{
  midden_heap *heap;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  midden_arena *a = NULL;
  CHECK_EQ(midden_arena_open(midden_heap_allocator(heap), 4096, &a), MIDDEN_OK);
  while (a->bump.limit - a->bump.top > 256) CHECK(midden_arena_alloc(a, 16) != NULL);
  midden_arena_mark *mark = midden_arena_here(a);
  void *second = NULL;
  for (int round = 0; round < 10; round++) {
    void *p = midden_arena_alloc(a, 1000);
    if (round > 0) CHECK(p == second);
    second = p;
    midden_arena_back(a, mark);
    CHECK_EQ(midden_heap_stats(heap).live_blocks, 2);  // the first chunk, and the one kept
  }
  midden_arena_close(a);
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 0);
  midden_heap_close(heap);
}

// ---- destructors and children ----

static char said[100];
static void say(void *letter) { strncat(said, letter, 1); }

TEST(destructors_run_newest_first_before_memory_goes)
{
  midden_arena *a = open_arena(0);
  said[0] = 0;
  for (const char *c = "abc"; *c != 0; c++) {
    char *copy = midden_arena_strdup(a, c);
    CHECK_EQ(midden_arena_defer(a, say, copy), MIDDEN_OK);
  }
  midden_arena_mark *mark = midden_arena_here(a);
  CHECK_EQ(midden_arena_defer(a, say, midden_arena_strdup(a, "d")), MIDDEN_OK);
  midden_arena_back(a, mark);
  CHECK_STR(said, "d");
  midden_arena_reset(a);
  CHECK_STR(said, "dcba");
  midden_arena_reset(a);
  midden_arena_close(a);
  CHECK_STR(said, "dcba");
}

static void take_and_defer(void *arena) {
  char *x = midden_arena_strdup(arena, "x");
  memset(midden_arena_alloc(arena, 100000), 1, 100000);
  if (midden_arena_here(arena) == NULL || midden_arena_defer(arena, say, x) != MIDDEN_OK) abort();
}

TEST(a_destructor_may_take_memory_marks_and_register_another)
{
  midden_arena *a = open_arena(0);
  said[0] = 0;
  CHECK_EQ(midden_arena_defer(a, say, (char[]){"a"}), MIDDEN_OK);
  CHECK_EQ(midden_arena_defer(a, take_and_defer, a), MIDDEN_OK);
  midden_arena_reset(a);
  CHECK_STR(said, "xa");
  CHECK_EQ(live(a), 0);
  midden_arena_close(a);
}

TEST(children_close_with_their_parent_or_with_a_mark_or_alone)
{
  midden_arena *a = open_arena(0), *early, *late, *alone;
  said[0] = 0;
  CHECK_EQ(midden_arena_child(a, &early), MIDDEN_OK);
  midden_arena_mark *mark = midden_arena_here(a);
  CHECK_EQ(midden_arena_child(a, &alone), MIDDEN_OK);
  CHECK_EQ(midden_arena_child(a, &late), MIDDEN_OK);
  CHECK_EQ(midden_arena_defer(early, say, (char[]){"e"}), MIDDEN_OK);
  CHECK_EQ(midden_arena_defer(alone, say, (char[]){"o"}), MIDDEN_OK);
  CHECK_EQ(midden_arena_defer(late, say, (char[]){"l"}), MIDDEN_OK);
  CHECK_WHOLE(mid_arena_broken(a));
  midden_arena_close(alone);
  CHECK_WHOLE(mid_arena_broken(a));
  CHECK_STR(said, "o");
  midden_arena_back(a, mark);
  CHECK_STR(said, "ol");
  midden_arena_close(a);
  CHECK_STR(said, "ole");
}

static midden_arena *sibling;
static void close_sibling(void *unused) {
  (void)unused;
  midden_arena_close(sibling);
}

TEST(a_destructor_may_close_a_child_that_is_still_to_come)
{
  midden_arena *a = open_arena(0);
  said[0] = 0;
  CHECK_EQ(midden_arena_child(a, &sibling), MIDDEN_OK);
  CHECK_EQ(midden_arena_defer(sibling, say, (char[]){"s"}), MIDDEN_OK);
  CHECK_EQ(midden_arena_defer(a, close_sibling, NULL), MIDDEN_OK);
  midden_arena_close(a);
  CHECK_STR(said, "s");
}

TEST(an_arena_stands_on_an_arena)
{
  midden_arena *a = open_arena(0), *b = NULL;
  CHECK_EQ(midden_arena_open(midden_arena_allocator(a), 0, &b), MIDDEN_OK);
  for (int i = 0; i < 1000; i++) CHECK(midden_arena_alloc(b, 1000) != NULL);
  CHECK(live(a) >= live(b));
  midden_arena_close(b);
  midden_arena_close(a);
}

// ---- text, and sizes ----

TEST(text_is_printed_into_what_is_left_or_anew)
{
  midden_arena *a = open_arena(0);
  char want[3000];
  for (int width = 0; width < 2900; width++) {
    int length = snprintf(want, sizeof want, "%*d:%s", width, width, "end");
    char *text = midden_arena_sprintf(a, "%*d:%s", width, width, "end");
    CHECK(length > 0);
    CHECK_STR(text, want);
    CHECK_STR(midden_arena_strdup(a, want), want);
    CHECK_STR(text, want);
  }
  CHECK_STR(midden_arena_sprintf(a, "%s", ""), "");
  CHECK_WHOLE(mid_arena_broken(a));
  midden_arena_close(a);
}

TEST(a_resize_is_in_place_for_the_newest_block)
{
  midden_arena *a = open_arena(0);
  char *p = midden_arena_alloc(a, 10);
  test_fill(p, 10, 1);
  CHECK(midden_arena_resize(a, p, 10, 2000) == p);
  CHECK(midden_arena_resize(a, p, 2000, 10) == p);
  CHECK_EQ(live(a), 16);
  CHECK(midden_arena_alloc(a, 1) == p + 16);
  char *moved = midden_arena_resize(a, p, 10, 100);
  CHECK(moved != p && test_filled(moved, 10, 1) && test_filled(p, 10, 1));
  moved = midden_arena_resize(a, moved, 100, 5 * MIB);
  CHECK(test_filled(moved, 10, 1));
  midden_arena_close(a);
}

TEST(absurd_sizes_are_refused_not_wrapped)
{
  midden_arena *a = NULL;
  CHECK_EQ(midden_arena_open(NULL, SIZE_MAX, &a), MIDDEN_INVALID);
  CHECK(a == NULL);
  a = open_arena(0);
  static const size_t absurd[] = {SIZE_MAX, SIZE_MAX - 14, SIZE_MAX - 31, PTRDIFF_MAX};
  for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
    errno = 0;
    CHECK(midden_arena_alloc(a, absurd[i]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_arena_aligned(a, 1 << 20, absurd[i]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_arena_calloc(a, absurd[i], 2) == NULL);
    CHECK_EQ(errno, ENOMEM);
  }
  errno = 0;
  CHECK(midden_arena_aligned(a, 24, 8) == NULL);
  CHECK_EQ(errno, EINVAL);
  CHECK(test_zeroed(midden_arena_calloc(a, 7, 1000), 7000));
  CHECK_EQ((uintptr_t)midden_arena_aligned(a, 1 << 20, 10) % (1 << 20), 0);
  CHECK_WHOLE(mid_arena_broken(a));
  midden_arena_close(a);
  midden_arena_close(NULL);
}

// ---- crimes ----

static void go_back_to_a_dead_mark(void) {
  midden_arena *a = open_arena(0);
  midden_arena_mark *outer = midden_arena_here(a);
  midden_arena_mark *inner = midden_arena_here(a);
  midden_arena_back(a, outer);
  midden_arena_back(a, inner);
}

static void go_back_to_another_arenas_mark(void) {
  midden_arena *a = open_arena(0), *b = open_arena(0);
  midden_arena_back(a, midden_arena_here(b));
}

static void reset_it(void *arena) { midden_arena_reset(arena); }
static void reset_in_a_destructor(void) {
  midden_arena *a = open_arena(0);
  if (midden_arena_defer(a, reset_it, a) == MIDDEN_OK) midden_arena_close(a);
}

TEST(going_back_to_a_mark_that_is_gone_stops_the_program)
{
  test_stops(go_back_to_a_dead_mark, "midden: going back to a mark that is gone at 0x");
  test_stops(go_back_to_another_arenas_mark,
             ": it died when its arena went back past it, or belongs to another arena (");
}

TEST(a_destructor_that_resets_its_arena_stops_the_program)
{
  test_stops(reset_in_a_destructor,
             "midden: an arena given back by one of its own destructors at 0x");
}
