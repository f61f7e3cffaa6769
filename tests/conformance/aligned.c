// tests/conformance/aligned.c -- aligned blocks, from 1 byte to 1 GiB, and what is refused.
// SPDX-License-Identifier: MIT
#include <errno.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

#define GIB ((size_t)1 << 30)

static void check_aligned(size_t align, size_t bytes) {
  unsigned char *p = midden_aligned_alloc(align, bytes);
  if (p == NULL) fail_msg("no block of %zu bytes at a multiple of %zu", bytes, align);
  CHECK_EQ((uintptr_t)p % align, 0);
  CHECK_EQ((uintptr_t)p % 16, 0);
  CHECK(midden_malloc_usable_size(p) >= bytes);
  if (bytes > 0) p[0] = 1, p[bytes - 1] = 1;
  midden_free(p);
}

TEST(alignments_to_1_gib_hold)
{
  for (size_t align = 1; align <= GIB; align *= 2) {
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 4096, 5000, 65536, 65537, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) check_aligned(align, sizes[i]);
  }
}

TEST(sizes_around_their_alignment_hold)
{
  for (size_t align = 16; align <= 64 * MIB; align *= 2) {
    check_aligned(align, align - 1);
    check_aligned(align, align);
    check_aligned(align, align + 1);
    check_aligned(align, align * 2);
    check_aligned(align, align * 3 - 1);
  }
}

TEST(many_live_aligned_blocks_keep_apart)
{
  enum { COUNT = 6000 };
  static struct {
    void *p;
    size_t align, bytes;
  } b[COUNT];
  uint64_t seed = 1;
  for (size_t i = 0; i < COUNT; i++) {
    b[i].align = (size_t)1 << (test_random(&seed) % 18);
    b[i].bytes = test_random_size(&seed, 50000);
    CHECK((b[i].p = midden_aligned_alloc(b[i].align, b[i].bytes)) != NULL);
    CHECK_EQ((uintptr_t)b[i].p % b[i].align, 0);
    test_fill(b[i].p, b[i].bytes, i);
    if (i % 3 == 0) {  // free one in three at once, so that holes are used again
      CHECK(test_filled(b[i / 2].p, b[i / 2].bytes, i / 2));
      midden_free(b[i / 2].p);
      b[i / 2].p = midden_aligned_alloc(b[i / 2].align, b[i / 2].bytes);
      CHECK_EQ((uintptr_t)b[i / 2].p % b[i / 2].align, 0);
      test_fill(b[i / 2].p, b[i / 2].bytes, i / 2);
    }
  }
  for (size_t i = 0; i < COUNT; i++) {
    CHECK(test_filled(b[i].p, b[i].bytes, i));
    midden_free(b[i].p);
  }
}

// The excess that finds an aligned place must not stay: 200 such blocks are 200 pages, not 200 MiB.
TEST(a_large_alignment_costs_address_space_not_memory)
{
  enum { COUNT = 200 };
  static char *p[COUNT];
  size_t before = test_rss_bytes();
  for (int i = 0; i < COUNT; i++) {
    CHECK((p[i] = midden_aligned_alloc(MIB, 100)) != NULL);
    CHECK_EQ((uintptr_t)p[i] % MIB, 0);
    p[i][0] = 1;
  }
  if (!SANITIZED) CHECK(test_rss_bytes() - before < 16 * MIB);
  for (int i = 0; i < COUNT; i++) midden_free(p[i]);
}

TEST(an_alignment_that_is_no_power_of_two_or_too_large_is_invalid)
{
  static const size_t bad[] = {0,
                               3,
                               5,
                               6,
                               7,
                               12,
                               24,
                               48,
                               100,
                               4095,
                               4097,
                               SIZE_MAX,
                               SIZE_MAX - 1,
                               (size_t)1 << 62,
                               (size_t)1 << 63};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    errno = 0;
    CHECK(midden_aligned_alloc(bad[i], 100) == NULL);
    CHECK_EQ(errno, EINVAL);
  }
}

// Size and alignment add up past the end of the address space.
TEST(sums_of_size_and_alignment_never_wrap)
{
  for (size_t align = 16; align <= (size_t)1 << 61; align *= 2) {
    errno = 0;
    CHECK(midden_aligned_alloc(align, SIZE_MAX - align + 1) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK(midden_aligned_alloc(align, SIZE_MAX - 2 * align) == NULL);
    CHECK(midden_aligned_alloc(align, (size_t)PTRDIFF_MAX - align) == NULL);
    CHECK(midden_aligned_alloc(align, (size_t)PTRDIFF_MAX + 1) == NULL);
  }
  errno = 0;
  CHECK(midden_aligned_alloc((size_t)1 << 47, 16) == NULL);  // no address but 0 is a multiple
  CHECK_EQ(errno, ENOMEM);
}
