// tests/conformance/allocator.c -- the contract of midden_allocator, held against every one there
// is.
// SPDX-License-Identifier: MIT
#include <errno.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

static void blocks_are_aligned_and_hold(midden_allocator *a) {
  for (size_t align = 0; align <= 65536; align = align ? align * 2 : 1) {
    for (size_t bytes = 0; bytes < 100000; bytes = bytes * 3 + 1) {
      void *p = a->alloc(a, bytes, align);
      CHECK(p != NULL);
      CHECK_EQ((uintptr_t)p % (align < 16 ? 16 : align), 0);
      test_fill(p, bytes, bytes);
      CHECK(a->owns(a, p));
      CHECK(test_filled(p, bytes, bytes));
      a->free(a, p, bytes);
    }
  }
}

static void empty_blocks_are_unique(midden_allocator *a) {
  void *p = a->alloc(a, 0, 0), *q = a->alloc(a, 0, 0);
  CHECK(p != NULL && q != NULL && p != q);
  a->free(a, p, 0), a->free(a, q, 0);
}

static void bad_requests_are_refused(midden_allocator *a) {
  static const size_t bad[] = {3, 24, 100, SIZE_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    errno = 0;
    CHECK(a->alloc(a, 100, bad[i]) == NULL);
    CHECK_EQ(errno, EINVAL);
  }
  void *p = a->alloc(a, 700, 0);
  test_fill(p, 700, 1);
  static const size_t absurd[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, (size_t)1 << 60};
  for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
    errno = 0;
    CHECK(a->alloc(a, absurd[i], 0) == NULL);
    CHECK_EQ(errno, ENOMEM);
    errno = 0;
    CHECK(a->resize(a, p, 700, absurd[i], 0) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK(test_filled(p, 700, 1));
  }
  errno = 0;
  CHECK(a->resize(a, p, 700, 800, 48) == NULL);
  CHECK_EQ(errno, EINVAL);
  CHECK(test_filled(p, 700, 1));
  a->free(a, p, 700);
}

// `told` says what is claimed of the old size: 1 the truth, 0 that it is unknown.
static void resizing_keeps_contents(midden_allocator *a, size_t told, size_t align) {
  static const size_t sizes[] = {1,      15,  16,     17,   500, 100000, 3000000, 5000000,
                                 100001, 300, 200000, 1000, 90,  4096,   65536,   8};
  void *p = a->resize(a, NULL, 0, 100, align);
  CHECK(p != NULL);
  size_t was = 100;
  test_fill(p, was, was);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    p = a->resize(a, p, told * was, sizes[i], align);
    CHECK(p != NULL);
    CHECK_EQ((uintptr_t)p % (align < 16 ? 16 : align), 0);
    CHECK(test_filled(p, was < sizes[i] ? was : sizes[i], was));
    test_fill(p, was = sizes[i], sizes[i]);
  }
  a->free(a, p, told * was);
}

// A size handed to a free is never trusted to find the block, so a wrong one does no harm.
static void any_size_may_be_told_to_free(midden_allocator *a) {
  static const size_t sizes[] = {1, 16, 100, 1000, 30000, 65536, 65537, 1000000};
  enum { COUNT = sizeof sizes / sizeof sizes[0] };
  size_t before = a->stats(a).live_blocks;
  for (size_t i = 0; i < COUNT; i++) {
    for (size_t k = 0; k < COUNT; k++) {
      void *freed = a->alloc(a, sizes[i], 0), *kept = a->alloc(a, sizes[i], 0);
      test_fill(kept, sizes[i], i);
      a->free(a, freed, sizes[k]);
      void *other = a->alloc(a, sizes[k], 0);
      memset(other, 0xff, sizes[k]);
      CHECK(test_filled(kept, sizes[i], i));
      a->free(a, other, 0);
      a->free(a, kept, 0);
    }
  }
  a->free(a, NULL, 0);
  a->free(a, NULL, 100);
  CHECK_EQ(a->stats(a).live_blocks, before);
}

static int in_data;
static void foreign_pointers_are_not_owned(midden_allocator *a) {
  int on_stack = 0;
  void *mapped = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  midden_heap *other;
  CHECK_EQ(midden_heap_open(&other), MIDDEN_OK);
  void *elsewhere = midden_heap_alloc(other, 100);
  const void *const foreign[] = {NULL,
                                 (void *)1,
                                 (void *)4096,
                                 &on_stack,
                                 &in_data,
                                 mapped,
                                 elsewhere,
                                 (void *)((uintptr_t)1 << 46),
                                 (void *)((uintptr_t)1 << 47),
                                 (void *)((uintptr_t)1 << 56),
                                 (void *)0xdeadbeefdeadbee0u,
                                 (void *)(UINTPTR_MAX - 15)};
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
    if (a->owns(a, foreign[i])) fail_msg("%s owns foreign pointer %zu", a->name, i);
  midden_heap_close(other);
  munmap(mapped, PAGE);
}

static void only_live_blocks_are_owned(midden_allocator *a) {
  static const size_t sizes[] = {16, 1000, 60000, 1000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char *p = a->alloc(a, sizes[i], 0), *neighbour = a->alloc(a, sizes[i], 0);
    CHECK(a->owns(a, p));
    CHECK(!a->owns(a, p + 8));
    CHECK(!a->owns(a, p + 1));
    a->free(a, p, sizes[i]);
    CHECK(!a->owns(a, p));
    CHECK(a->owns(a, neighbour));
    a->free(a, neighbour, sizes[i]);
  }
}

static void stats_follow(midden_allocator *a) {
  static void *p[300];
  midden_stats before = a->stats(a);
  for (int i = 0; i < 300; i++) CHECK((p[i] = a->alloc(a, 1000, 0)) != NULL);
  midden_stats full = a->stats(a);
  CHECK_EQ(full.live_blocks - before.live_blocks, 300);
  CHECK(full.live_bytes - before.live_bytes >= 300000);
  CHECK(full.live_bytes - before.live_bytes <= 300000 * 5 / 4);
  CHECK(full.committed_bytes >= full.live_bytes);
  CHECK(full.peak_bytes >= full.committed_bytes);
  for (int i = 0; i < 300; i++) a->free(a, p[i], 1000);
  midden_stats after = a->stats(a);
  CHECK_EQ(after.live_blocks, before.live_blocks);
  CHECK_EQ(after.live_bytes, before.live_bytes);
  CHECK(after.peak_bytes >= full.committed_bytes);
}

static void hold_contract(midden_allocator *a) {
  CHECK(a->name != NULL && a->name[0] != 0);
  blocks_are_aligned_and_hold(a);
  empty_blocks_are_unique(a);
  bad_requests_are_refused(a);
  for (size_t align = 0; align <= 4096; align = align ? align * 4 : 16) {
    resizing_keeps_contents(a, 1, align);
    resizing_keeps_contents(a, 0, align);
  }
  any_size_may_be_told_to_free(a);
  foreign_pointers_are_not_owned(a);
  only_live_blocks_are_owned(a);
  stats_follow(a);
}

TEST(malloc_as_an_allocator_holds_the_contract)
{
  midden_allocator *a = midden_allocator_malloc();
  CHECK(a != NULL);
  CHECK(a == midden_allocator_malloc());
  hold_contract(a);
  void *p = a->alloc(a, 100, 0);
  midden_free(p);  // it is the same malloc
  p = midden_malloc(100);
  CHECK(a->owns(a, p));
  a->free(a, p, 0);
}

TEST(a_heap_as_an_allocator_holds_the_contract)
{
  midden_heap *heap;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  midden_allocator *a = midden_heap_allocator(heap);
  CHECK(a != NULL);
  hold_contract(a);
  void *plain = midden_malloc(100), *mine = midden_heap_alloc(heap, 100);
  CHECK(!a->owns(a, plain));
  CHECK(a->owns(a, mine));
  midden_free(plain);
  CHECK_EQ(a->stats(a).live_blocks, 1);
  midden_heap_close(heap);
}
