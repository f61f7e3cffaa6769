// tests/conformance/calloc.c -- calloc's memory is zero, however often it was used before.
// SPDX-License-Identifier: MIT
#include <errno.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

// Dirty a block of this size all over, free it, and look at what calloc makes of its room.
static void check_recycled(size_t bytes) {
  unsigned char *p = midden_malloc(bytes);
  CHECK(p != NULL);
  memset(p, 0xa5, midden_malloc_usable_size(p));
  midden_free(p);
  unsigned char *q = midden_calloc(1, bytes);
  CHECK(q != NULL);
  if (!test_zeroed(q, bytes)) fail_msg("calloc of %zu recycled bytes is not zero", bytes);
  memset(q, 0x5a, midden_malloc_usable_size(q));
  midden_free(q);
}

TEST(recycled_memory_of_every_small_size_is_zero)
{
  for (size_t bytes = 0; bytes <= 5000; bytes++) check_recycled(bytes);
}

TEST(recycled_memory_of_medium_and_large_sizes_is_zero)
{
  uint64_t seed = 1;
  for (size_t bytes = 5000; bytes < 300000; bytes += 1 + test_random(&seed) % 500)
    check_recycled(bytes);
  for (size_t bytes = 300000; bytes < 64 * MIB; bytes += bytes / 3) check_recycled(bytes);
}

TEST(count_times_size_is_all_zero)
{
  for (size_t count = 1; count < 3000; count = count * 2 + 1) {
    for (size_t bytes = 1; bytes < 300; bytes += 37) {
      unsigned char *p = midden_calloc(count, bytes);
      CHECK(p != NULL);
      CHECK_EQ((uintptr_t)p % 16, 0);
      CHECK(midden_malloc_usable_size(p) >= count * bytes);
      CHECK(test_zeroed(p, count * bytes));
      memset(p, 0xff, count * bytes);
      midden_free(p);
    }
  }
}

TEST(nothing_of_nothing_is_a_block)
{
  void *a = midden_calloc(0, 8), *b = midden_calloc(8, 0), *c = midden_calloc(0, SIZE_MAX);
  CHECK(a != NULL);
  CHECK(b != NULL);
  CHECK(c != NULL);
  CHECK(a != b);
  CHECK(b != c);
  midden_free(a), midden_free(b), midden_free(c);
}

// Blocks of many sizes come and go, each written whole before its free: a page that was handed over
// as fresh from the system but was not would show.
TEST(callocs_among_dirty_frees_are_zero)
{
  enum { SLOTS = 500, ROUNDS = 60000 };
  static struct {
    unsigned char *p;
    size_t bytes;
  } slot[SLOTS];
  uint64_t seed = 4;
  for (int i = 0; i < ROUNDS; i++) {
    size_t k = test_random(&seed) % SLOTS;
    if (slot[k].p != NULL) memset(slot[k].p, 0xff, midden_malloc_usable_size(slot[k].p));
    midden_free(slot[k].p);
    slot[k].bytes = test_random_size(&seed, i % 100 == 0 ? 3000000 : 40000);
    slot[k].p = midden_calloc(slot[k].bytes, 1);
    CHECK(slot[k].p != NULL);
    CHECK(test_zeroed(slot[k].p, slot[k].bytes));
  }
  for (int k = 0; k < SLOTS; k++) midden_free(slot[k].p);
}

TEST(zero_again_after_a_trim_gave_the_pages_back)
{
  for (int round = 0; round < 5; round++) {
    unsigned char *p = midden_calloc(3, MIB), *q = midden_calloc(1, 2000);
    CHECK(test_zeroed(p, 3 * MIB));
    CHECK(test_zeroed(q, 2000));
    memset(p, 0xff, 3 * MIB);
    memset(q, 0xff, 2000);
    midden_free(p), midden_free(q);
    if (round % 2) midden_malloc_trim();
  }
}

TEST(a_large_calloc_takes_no_memory_before_it_is_touched)
{
  size_t bytes = 64 * MIB;
  unsigned char *p = midden_calloc(1, bytes);
  CHECK(p != NULL);
  CHECK(test_resident_pages(p, bytes) * PAGE < bytes / 10);
  midden_free(p);
}
