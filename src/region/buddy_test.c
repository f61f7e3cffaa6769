// region/buddy_test.c -- the buddy system: the worked trace, its drawing, odd regions, wrong use.
// SPDX-License-Identifier: MIT
#include "midden/buddy.h"

#include <errno.h>

#include "region/bitset.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

static _Alignas(65536) char region[1 << 20];

static midden_buddy *open_buddy(size_t bytes, size_t least) {
  midden_buddy *buddy = NULL;
  CHECK_EQ(midden_buddy_open(NULL, region, bytes, least, &buddy), MIDDEN_OK);
  CHECK_WHOLE(mid_buddy_broken(buddy));
  return buddy;
}

static bool say_free(size_t offset, size_t bytes, bool used, void *said) {
  if (!used) sprintf((char *)said + strlen(said), " %zu:%zu", offset, bytes);
  return true;
}

// The free blocks, lowest first, as offset:size.
static void expect_free(const midden_buddy *buddy, const char *expected) {
  char said[4096] = "";
  CHECK_WHOLE(mid_buddy_broken(buddy));
  CHECK(midden_buddy_walk(buddy, say_free, said));
  CHECK_STR(said, expected);
}

static void *take(midden_buddy *buddy, size_t bytes, size_t expected) {
  char *p = midden_buddy_alloc(buddy, bytes);
  CHECK(p != NULL);
  CHECK_EQ(p - region, expected);
  memset(p, 0xff, bytes);
  return p;
}

TEST(the_worked_trace_gives_the_worked_addresses)
{
  midden_buddy *buddy = open_buddy(1024, 64);
  void *a = take(buddy, 70, 0), *b = take(buddy, 35, 128), *c = take(buddy, 80, 256);
  midden_buddy_free(buddy, a);
  void *d = take(buddy, 60, 192);
  expect_free(buddy, " 0:128 384:128 512:512");
  midden_buddy_free(buddy, b);
  void *e = take(buddy, 240, 512);
  expect_free(buddy, " 0:128 128:64 384:128 768:256");
  midden_buddy_free(buddy, d);
  expect_free(buddy, " 0:256 384:128 768:256");
  void *f = take(buddy, 120, 384);
  midden_buddy_free(buddy, c);
  expect_free(buddy, " 0:256 256:128 768:256");
  errno = 0;
  CHECK(midden_buddy_alloc(buddy, 500) == NULL);
  CHECK_EQ(errno, ENOMEM);
  midden_buddy_free(buddy, e);
  expect_free(buddy, " 0:256 256:128 512:512");
  midden_buddy_free(buddy, f);
  expect_free(buddy, " 0:1024");
  midden_buddy_close(buddy);
  midden_buddy_close(NULL);
}

static void expect_drawing(const midden_buddy *buddy, const char *expected) {
  char *said;
  size_t bytes;
  FILE *out = open_memstream(&said, &bytes);
  midden_buddy_draw(buddy, out);
  fclose(out);
  CHECK_STR(said, expected);
  free(said);
}

TEST(the_free_map_of_the_worked_trace_is_drawn)
{
  midden_buddy *buddy = open_buddy(1024, 64);
  void *a = take(buddy, 70, 0);
  take(buddy, 35, 128), take(buddy, 80, 256);
  midden_buddy_free(buddy, a);
  take(buddy, 60, 192);
  expect_drawing(
      buddy,
      "  1.0 KiB |                                                                |\n"
      "    512 B |                                [..............................]| 1 free\n"
      "    256 B |                                                                |\n"
      "    128 B |[......]        [######][......]                                | 1 used, 2 "
      "free\n"
      "     64 B |        [##][##]                                                | 2 used\n");
  midden_buddy_close(buddy);
}

TEST(blocks_narrower_than_a_column_are_drawn_too)
{
  midden_buddy *buddy = open_buddy(65536, 64);
  take(buddy, 64, 0);
  expect_drawing(
      buddy,
      " 64.0 KiB |                                                                |\n"
      " 32.0 KiB |                                [..............................]| 1 free\n"
      " 16.0 KiB |                [..............]                                | 1 free\n"
      "  8.0 KiB |        [......]                                                | 1 free\n"
      "  4.0 KiB |    [..]                                                        | 1 free\n"
      "  2.0 KiB |  []                                                            | 1 free\n"
      "  1.0 KiB | .                                                              | 1 free\n"
      "    512 B |.                                                               | 1 free\n"
      "    256 B |.                                                               | 1 free\n"
      "    128 B |.                                                               | 1 free\n"
      "     64 B |#                                                               | 1 used, 1 "
      "free\n");
  midden_buddy_close(buddy);
}

TEST(a_region_that_is_no_power_of_two_is_used_to_its_last_block)
{
  midden_buddy *buddy = open_buddy(1000, 64);
  expect_free(buddy, " 0:512 512:256 768:128 896:64");
  take(buddy, 64, 896);  // the smallest that is large enough
  void *p = take(buddy, 300, 0);
  expect_free(buddy, " 512:256 768:128");
  CHECK_EQ(midden_buddy_stats(buddy).committed_bytes, 960);
  midden_buddy_free(buddy, p);
  midden_buddy_free(buddy, region + 896);
  expect_free(buddy, " 0:512 512:256 768:128 896:64");
  CHECK_EQ(midden_buddy_stats(buddy).committed_bytes, 0);
  CHECK_EQ(midden_buddy_stats(buddy).peak_bytes, 960);
  CHECK_EQ(midden_buddy_stats(buddy).live_blocks, 0);
  midden_buddy_close(buddy);
}

TEST(the_region_itself_is_never_written_to)
{
  memset(region, 0x5a, 65536);
  midden_buddy *buddy = open_buddy(65536, 16);
  void *p[500] = {0};
  uint64_t seed = 5;
  for (int step = 0; step < 20000; step++) {
    size_t i = test_random(&seed) % 500;
    midden_buddy_free(buddy, p[i]);
    p[i] = step % 2 ? midden_buddy_alloc(buddy, test_random_size(&seed, 2000)) : NULL;
    if (step % 1000 == 0) CHECK_WHOLE(mid_buddy_broken(buddy));
  }
  for (size_t i = 0; i < 65536; i++) CHECK_EQ(region[i], 0x5a);
  for (size_t i = 0; i < 500; i++) midden_buddy_free(buddy, p[i]);
  expect_free(buddy, " 0:65536");
  midden_buddy_close(buddy);
}

TEST(a_block_is_resized_in_place_where_its_upper_buddies_are_free)
{
  midden_buddy *buddy = open_buddy(4096, 64);
  midden_allocator *a = midden_buddy_allocator(buddy);
  void *p = take(buddy, 60, 0);
  CHECK(a->resize(a, p, 60, 1000, 0) == p);
  expect_free(buddy, " 1024:1024 2048:2048");
  CHECK(a->resize(a, p, 1000, 200, 0) == p);
  expect_free(buddy, " 256:256 512:512 1024:1024 2048:2048");
  void *q = take(buddy, 256, 256);
  test_fill(q, 256, 1);
  char *moved = a->resize(a, q, 256, 512, 0);  // the lower buddy is in use
  CHECK_EQ(moved - region, 512);
  CHECK(test_filled(moved, 256, 1));
  CHECK(a->resize(a, moved, 512, 4096, 0) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK_WHOLE(mid_buddy_broken(buddy));
  midden_buddy_close(buddy);
}

TEST(blocks_are_aligned_as_far_as_the_region_is)
{
  midden_buddy *buddy = NULL;
  CHECK_EQ(midden_buddy_open(NULL, region + 256, 65536, 64, &buddy), MIDDEN_OK);
  midden_allocator *a = midden_buddy_allocator(buddy);
  for (int i = 0; i < 10; i++) CHECK_EQ((uintptr_t)a->alloc(a, 10, 256) % 256, 0);
  errno = 0;
  CHECK(a->alloc(a, 10, 512) == NULL);
  CHECK_EQ(errno, ENOMEM);
  midden_buddy_close(buddy);
}

TEST(regions_that_cannot_be_shared_out_are_refused)
{
  midden_buddy *buddy = NULL;
  CHECK_EQ(midden_buddy_open(NULL, NULL, 4096, 64, &buddy), MIDDEN_INVALID);
  CHECK_EQ(midden_buddy_open(NULL, region, 63, 64, &buddy), MIDDEN_INVALID);
  CHECK_EQ(midden_buddy_open(NULL, region, 4096, 8, &buddy), MIDDEN_INVALID);
  CHECK_EQ(midden_buddy_open(NULL, region, 4096, 100, &buddy), MIDDEN_INVALID);
  CHECK_EQ(midden_buddy_open(NULL, region, 4096, 0, &buddy), MIDDEN_INVALID);
  CHECK_EQ(midden_buddy_open(NULL, region + 32, 4096, 64, &buddy), MIDDEN_INVALID);
  CHECK_EQ(midden_buddy_open(NULL, region, SIZE_MAX, 16, &buddy), MIDDEN_INVALID);
  CHECK(buddy == NULL);
}

TEST(the_least_of_a_set_is_found_at_any_depth)
{
  enum { COUNT = 64 * 64 * 64 + 5 };
  static uint64_t words[8192];
  CHECK(mid_bitset_words(COUNT) <= 8192);
  struct mid_bitset set = mid_bitset_open(COUNT, words);
  CHECK(mid_bitset_is_empty(&set));
  for (size_t i = COUNT; i-- > 0;) {
    mid_bitset_add(&set, i);
    CHECK_EQ(mid_bitset_least(&set), i);
  }
  for (size_t i = 0; i < COUNT; i++) {
    CHECK(mid_bitset_has(&set, i));
    CHECK_EQ(mid_bitset_least(&set), i);
    mid_bitset_drop(&set, i);
    CHECK(!mid_bitset_has(&set, i));
  }
  CHECK(mid_bitset_is_empty(&set));
}

// ---- crimes ----

static void free_twice(void) {
  midden_buddy *buddy = open_buddy(4096, 64);
  void *p = midden_buddy_alloc(buddy, 100);
  midden_buddy_free(buddy, p);
  midden_buddy_free(buddy, p);
}
static void free_twice_after_a_merge(void) {
  midden_buddy *buddy = open_buddy(4096, 64);
  void *p = midden_buddy_alloc(buddy, 100), *q = midden_buddy_alloc(buddy, 100);
  midden_buddy_free(buddy, p);
  midden_buddy_free(buddy, q);
  midden_buddy_free(buddy, q);
}
static void free_inside(void) {
  midden_buddy *buddy = open_buddy(4096, 64);
  midden_buddy_free(buddy, (char *)midden_buddy_alloc(buddy, 1000) + 512);
}
static void free_unaligned(void) {
  midden_buddy *buddy = open_buddy(4096, 64);
  midden_buddy_free(buddy, (char *)midden_buddy_alloc(buddy, 1000) + 8);
}
static void free_foreign(void) { midden_buddy_free(open_buddy(4096, 64), region + 4096); }
static void free_below(void) {
  midden_buddy *buddy;
  if (midden_buddy_open(NULL, region + 4096, 4096, 64, &buddy) == MIDDEN_OK)
    midden_buddy_free(buddy, region);
}

TEST(wrong_use_stops_the_program_with_a_sentence)
{
  static const char twice[] = ": this block is free already; look for its second owner (process";
  static const char inside[] =
      ": this address lies inside a block; free the pointer that was taken (process";
  test_stops(free_twice, "midden: double free at 0x");
  test_stops(free_twice, twice);
  test_stops(free_twice_after_a_merge, twice);
  test_stops(free_inside, "midden: not a block's start at 0x");
  test_stops(free_inside, inside);
  test_stops(free_unaligned, inside);
  test_stops(free_foreign, "midden: foreign pointer at 0x");
  test_stops(free_below, ": it is not of this region; free it where it came from (process");
}
