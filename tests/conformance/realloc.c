// tests/conformance/realloc.c -- contents survive every resize; failure leaves the block alone.
// SPDX-License-Identifier: MIT
#include <errno.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

#define MOST (SANITIZED ? 32 * MIB : 256 * MIB)

// Resize to `bytes`; the first min(was, bytes) must stay.  Returns the block, filled anew.
static void *step(void *p, size_t was, size_t bytes) {
  unsigned char *q = midden_realloc(p, bytes);
  CHECK(q != NULL);
  CHECK_EQ((uintptr_t)q % 16, 0);
  CHECK(midden_malloc_usable_size(q) >= bytes);
  size_t kept = was < bytes ? was : bytes;
  if (!test_filled(q, kept, was)) fail_msg("realloc from %zu to %zu bytes lost some", was, bytes);
  test_fill(q, bytes, bytes);
  return q;
}

TEST(contents_survive_growing_through_small_medium_and_large)
{
  size_t was = 1;
  void *p = step(NULL, 0, was);
  while (was < MOST) {
    size_t bytes = was + was / 2 + 1 < MOST ? was + was / 2 + 1 : MOST;
    p = step(p, was, bytes);
    was = bytes;
  }
  midden_free(p);
}

TEST(contents_survive_shrinking_through_large_medium_and_small)
{
  size_t was = MOST;
  void *p = step(NULL, 0, was);
  while (was > 1) {
    size_t bytes = was - was / 3 - 1;
    p = step(p, was, bytes);
    was = bytes;
  }
  midden_free(p);
}

TEST(contents_survive_each_byte_of_growth)
{
  void *p = step(NULL, 0, 1);
  for (size_t bytes = 2; bytes <= 3000; bytes++) p = step(p, bytes - 1, bytes);
  for (size_t bytes = 2999; bytes >= 1; bytes--) p = step(p, bytes + 1, bytes);
  midden_free(p);
}

TEST(contents_survive_leaps_between_all_kinds_of_sizes)
{
  enum { SLOTS = 50, ROUNDS = 3000 };
  static struct {
    void *p;
    size_t bytes;
  } slot[SLOTS];
  uint64_t seed = 5;
  for (int i = 0; i < ROUNDS; i++) {
    size_t k = test_random(&seed) % SLOTS;
    size_t bytes = 1 + test_random_size(&seed, 4 * MIB);
    slot[k].p = step(slot[k].p, slot[k].bytes, bytes);
    slot[k].bytes = bytes;
  }
  for (int k = 0; k < SLOTS; k++) midden_free(slot[k].p);
}

// Two large blocks take turns, so that neither can always grow where it stands.
TEST(large_blocks_that_grow_side_by_side_keep_apart)
{
  size_t was = 100000;
  void *a = step(NULL, 0, was), *b = step(NULL, 0, was);
  while (was < 20 * MIB) {
    size_t bytes = was + was / 8 + 3 * PAGE + 1;
    a = step(a, was, bytes);
    CHECK(test_filled(b, was, was));
    b = step(b, was, bytes);
    CHECK(test_filled(a, bytes, bytes));
    was = bytes;
  }
  midden_free(a), midden_free(b);
}

TEST(null_is_an_allocation_and_0_a_free)
{
  void *p = midden_realloc(NULL, 100);
  CHECK(p != NULL);
  CHECK(midden_malloc_usable_size(p) >= 100);
  void *q = midden_realloc(p, 0);  // as the header says: a unique block of minimal size
  CHECK(q != NULL);
  CHECK(midden_malloc_usable_size(q) <= 16);
  void *r = midden_realloc(NULL, 0);
  CHECK(r != NULL);
  CHECK(r != q);
  midden_free(q), midden_free(r);
}

TEST(resizing_to_0_gives_the_memory_back)
{
  for (int i = 0; i < 1000; i++) {
    char *p = midden_malloc(8 * MIB);
    CHECK(p != NULL);
    p[0] = 1;
    midden_free(midden_realloc(p, 0));
  }
  midden_malloc_trim();
  if (!SANITIZED) CHECK(test_rss_bytes() < 512 * MIB);
}

TEST(a_refused_resize_leaves_the_block_as_it_was)
{
  static const size_t sizes[] = {1, 100, 5000, 70000, 3000000};
  static const size_t absurd[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX, (size_t)1 << 48};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    void *p = midden_malloc(sizes[i]);
    test_fill(p, sizes[i], i);
    size_t usable = midden_malloc_usable_size(p);
    for (size_t k = 0; k < sizeof absurd / sizeof absurd[0]; k++) {
      errno = 0;
      CHECK(midden_realloc(p, absurd[k]) == NULL);
      CHECK_EQ(errno, ENOMEM);
      CHECK_EQ(midden_malloc_usable_size(p), usable);
      CHECK(test_filled(p, sizes[i], i));
    }
    midden_free(p);
  }
}

TEST(reallocarray_resizes_by_count)
{
  uint64_t *p = NULL;
  for (size_t n = 1; n < 100000; n = n * 3 / 2 + 1) {
    p = midden_reallocarray(p, n, sizeof *p);
    CHECK(p != NULL);
    CHECK_EQ(p[0], n == 1 ? p[0] : 42);
    p[0] = 42, p[n - 1] = 42;
  }
  midden_free(p);
}

TEST(an_over_aligned_block_may_be_resized)
{
  for (size_t align = 32; align <= MIB; align *= 2) {
    void *p = midden_aligned_alloc(align, 1000);
    CHECK(p != NULL);
    test_fill(p, 1000, 1000);
    p = step(p, 1000, 5000);
    p = step(p, 5000, 200000);
    p = step(p, 200000, 10);
    midden_free(p);
  }
}

TEST(a_large_block_that_shrinks_gives_its_tail_back)
{
  size_t bytes = 32 * MIB;
  unsigned char *p = midden_malloc(bytes);
  CHECK(p != NULL);
  memset(p, 1, bytes);
  unsigned char *q = midden_realloc(p, MIB);
  CHECK(q != NULL);
  midden_malloc_trim();
  CHECK(test_resident_pages(p, bytes) * PAGE <= 2 * MIB);
  midden_free(q);
}
