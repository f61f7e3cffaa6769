// tests/conformance/sizes.c -- what a size gives: alignment, room, waste, and no block twice.
// SPDX-License-Identifier: MIT
#include <errno.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

// The bound that the heap promises: 15 bytes or a ninth of the block up to 64 KiB, whole pages
// above. The first few blocks of a size that a thread takes may come from a coarser class: 31 bytes
// or a third.
static bool waste_is_bounded(size_t asked, size_t usable, bool first) {
  if (asked > 65536) return usable - asked < PAGE;
  if (asked == 0) return usable <= (first ? 32 : 16);
  size_t waste = usable - asked;
  return waste <= (first ? 31 : 15) || waste * (first ? 3 : 9) <= usable;
}

TEST(every_size_to_100_000_is_aligned_roomy_and_wastes_little)
{
  for (size_t bytes = 0; bytes <= 100000; bytes++) {
    unsigned char *p = midden_malloc(bytes);
    CHECK(p != NULL);
    CHECK_EQ((uintptr_t)p % 16, 0);
    size_t usable = midden_malloc_usable_size(p);
    CHECK(usable >= bytes);
    if (!waste_is_bounded(bytes, usable, true)) fail_msg("%zu bytes take %zu", bytes, usable);
    if (usable > 0) p[0] = 1, p[usable - 1] = 1;
    CHECK_EQ(midden_malloc_usable_size(p), usable);
    midden_free(p);
  }
}

TEST(a_size_that_is_taken_again_and_again_wastes_a_ninth_at_most)
{
  for (size_t bytes = 0; bytes <= 65536; bytes += 1 + bytes / 100) {
    size_t usable = 0;
    for (int i = 0; i < 20; i++) {
      void *p = midden_malloc(bytes);
      CHECK(p != NULL);
      usable = midden_malloc_usable_size(p);
      midden_free(p);
    }
    if (!waste_is_bounded(bytes, usable, false)) fail_msg("%zu bytes take %zu", bytes, usable);
  }
}

TEST(larger_sizes_round_to_pages)
{
  uint64_t seed = 1;
  for (int i = 0; i < 2000; i++) {
    size_t bytes = 65537 + test_random(&seed) % (32 * MIB);
    unsigned char *p = midden_malloc(bytes);
    CHECK(p != NULL);
    CHECK_EQ((uintptr_t)p % 16, 0);
    size_t usable = midden_malloc_usable_size(p);
    CHECK(usable >= bytes);
    CHECK(waste_is_bounded(bytes, usable, true));
    p[0] = 1, p[usable - 1] = 1;
    midden_free(p);
  }
}

TEST(usable_size_stays_the_same_while_the_block_lives)
{
  enum { COUNT = 3000 };
  static void *block[COUNT];
  static size_t usable[COUNT];
  uint64_t seed = 2;
  for (int i = 0; i < COUNT; i++) {
    block[i] = midden_malloc(test_random_size(&seed, 300000));
    usable[i] = midden_malloc_usable_size(block[i]);
    memset(block[i], 0xff, usable[i]);  // the slack is the program's, all of it
  }
  for (int i = 0; i < COUNT; i += 2) midden_free(block[i]);
  for (int i = 1; i < COUNT; i += 2) {
    CHECK_EQ(midden_malloc_usable_size(block[i]), usable[i]);
    for (size_t k = 0; k < usable[i]; k++) CHECK_EQ(((unsigned char *)block[i])[k], 0xff);
    midden_free(block[i]);
  }
  CHECK_EQ(midden_malloc_usable_size(NULL), 0);
}

static int by_address(const void *a, const void *b) {
  uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
  return (x > y) - (x < y);
}

TEST(malloc_of_0_gives_unique_blocks)
{
  enum { COUNT = 100000 };
  uintptr_t *p = midden_malloc(COUNT * sizeof *p);
  for (int i = 0; i < COUNT; i++) CHECK((p[i] = (uintptr_t)midden_malloc(0)) != 0);
  qsort(p, COUNT, sizeof *p, by_address);
  for (int i = 1; i < COUNT; i++) CHECK(p[i] != p[i - 1]);
  for (int i = 0; i < COUNT; i++) midden_free((void *)p[i]);
  midden_free(p);
}

TEST(live_blocks_of_every_size_never_overlap)
{
  enum { COUNT = 20000 };
  static struct {
    void *p;
    size_t bytes;
  } b[COUNT];
  uint64_t seed = 3;
  for (int i = 0; i < COUNT; i++) {
    b[i].bytes = test_random_size(&seed, 131072);
    CHECK((b[i].p = midden_malloc(b[i].bytes)) != NULL);
    test_fill(b[i].p, b[i].bytes, (uint64_t)i);
  }
  for (int i = 0; i < COUNT; i++) {
    CHECK(test_filled(b[i].p, b[i].bytes, (uint64_t)i));
    midden_free(b[i].p);
  }
}

TEST(absurd_sizes_are_refused_with_enomem)
{
  static const size_t absurd[] = {
      SIZE_MAX,    SIZE_MAX - 1,        SIZE_MAX - 4096, SIZE_MAX / 2 + 1, (size_t)PTRDIFF_MAX + 1,
      PTRDIFF_MAX, PTRDIFF_MAX - 65536, (size_t)1 << 62, (size_t)1 << 48};
  for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
    errno = 0;
    CHECK(midden_malloc(absurd[i]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_calloc(1, absurd[i]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_aligned_alloc(64, absurd[i]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_aligned_alloc((size_t)1 << 40, absurd[i]) == NULL);
    CHECK_EQ(errno, ENOMEM);
  }
}

TEST(products_that_overflow_are_refused_not_wrapped)
{
  static const size_t factor[][2] = {{SIZE_MAX, 2},
                                     {2, SIZE_MAX},
                                     {(size_t)1 << 32, (size_t)1 << 32},
                                     {((size_t)1 << 32) + 1, ((size_t)1 << 32)},
                                     {SIZE_MAX / 16 + 2, 16},
                                     {SIZE_MAX / 3, 4},
                                     {(size_t)PTRDIFF_MAX / 2 + 1, 2}};
  char *kept = midden_malloc(100);
  test_fill(kept, 100, 7);
  for (size_t i = 0; i < sizeof factor / sizeof factor[0]; i++) {
    errno = 0;
    CHECK(midden_calloc(factor[i][0], factor[i][1]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_reallocarray(NULL, factor[i][0], factor[i][1]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(midden_reallocarray(kept, factor[i][0], factor[i][1]) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK(test_filled(kept, 100, 7));
  }
  midden_free(kept);
}

TEST(free_keeps_errno)
{
  static const size_t sizes[] = {0, 1, 100, 1000, 30000, 100000, 3000000, 100000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    void *p = midden_malloc(sizes[i]);
    CHECK(p != NULL);
    errno = 12345;
    midden_free(p);
    CHECK_EQ(errno, 12345);
    midden_free(NULL);
    CHECK_EQ(errno, 12345);
  }
}

TEST(freeing_until_memory_goes_back_keeps_errno)
{
  enum { COUNT = 20000 };
  static void *p[COUNT];
  for (int i = 0; i < COUNT; i++) memset(p[i] = midden_malloc(4000), 1, 4000);
  errno = 54321;
  for (int i = 0; i < COUNT; i++) midden_free(p[i]);
  int kept = errno;
  CHECK_EQ(kept, 54321);
}
