// tests/conformance/heaps.c -- heaps of one's own: walked, handed on, closed with all they hold.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

static midden_heap *open_heap(void) {
  midden_heap *heap = NULL;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  CHECK(heap != NULL);
  return heap;
}

TEST(a_heap_gives_aligned_blocks_that_hold_their_contents)
{
  midden_heap *heap = open_heap();
  for (size_t bytes = 0; bytes <= 70000; bytes += 1 + bytes / 50) {
    unsigned char *p = midden_heap_alloc(heap, bytes);
    CHECK(p != NULL);
    CHECK_EQ((uintptr_t)p % 16, 0);
    CHECK(midden_heap_usable(p) >= bytes);
    memset(p, 0xff, midden_heap_usable(p));
    if (bytes % 3 == 0) midden_heap_free(p);
    unsigned char *zero = midden_heap_calloc(heap, 1, bytes);
    CHECK(test_zeroed(zero, bytes));
    test_fill(zero, bytes, bytes);
    zero = midden_heap_realloc(heap, zero, bytes * 2 + 1);
    CHECK(test_filled(zero, bytes, bytes));
    midden_heap_free(zero);
  }
  for (size_t align = 1; align <= 16 * MIB; align *= 2) {
    unsigned char *p = midden_heap_aligned(heap, align, 100);
    CHECK(p != NULL);
    CHECK_EQ((uintptr_t)p % align, 0);
  }
  midden_heap_close(heap);
}

TEST(a_heap_refuses_what_malloc_refuses)
{
  midden_heap *heap = open_heap();
  void *kept = midden_heap_alloc(heap, 500);
  test_fill(kept, 500, 9);
  errno = 0;
  CHECK(midden_heap_alloc(heap, SIZE_MAX) == NULL);
  CHECK_EQ(errno, ENOMEM);
  errno = 0;
  CHECK(midden_heap_alloc(heap, (size_t)PTRDIFF_MAX + 1) == NULL);
  CHECK_EQ(errno, ENOMEM);
  errno = 0;
  CHECK(midden_heap_calloc(heap, SIZE_MAX / 2, 3) == NULL);
  CHECK_EQ(errno, ENOMEM);
  errno = 0;
  CHECK(midden_heap_realloc(heap, kept, SIZE_MAX - 64) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK(test_filled(kept, 500, 9));
  errno = 0;
  CHECK(midden_heap_aligned(heap, 24, 100) == NULL);
  CHECK_EQ(errno, EINVAL);
  errno = 4321;
  midden_heap_free(kept);
  midden_heap_free(NULL);
  midden_heap_close(heap);
  midden_heap_close(NULL);
  CHECK_EQ(errno, 4321);
  CHECK_EQ(midden_heap_usable(NULL), 0);
}

TEST(what_malloc_s_realloc_moves_stays_in_its_heap)
{
  midden_heap *heap = NULL;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  midden_allocator *self = midden_heap_allocator(heap);
  static const size_t sizes[] = {20, 100, 5000, 40000, 100000, 300000, 50};
  unsigned char *p = midden_heap_alloc(heap, 10);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    p = midden_realloc(p, sizes[i]);
    CHECK(p != NULL && self->owns(self, p));
  }
  midden_free(p);
  midden_heap_close(heap);
}

TEST(realloc_of_nothing_allocates_in_the_heap)
{
  midden_heap *heap = open_heap();
  void *p = midden_heap_realloc(heap, NULL, 100);
  CHECK(p != NULL);
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 1);
  midden_heap_free(p);
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 0);
  midden_heap_close(heap);
}

// ---- walking ----

enum { WALKED = 4000 };
struct census {
  struct {
    unsigned char *p;
    size_t bytes;
    int seen;
  } block[WALKED];
  size_t live, visits, strangers, stop_after, usable;
};

static bool count_block(void *block, size_t bytes, void *context) {
  struct census *c = context;
  c->visits++, c->usable += bytes;
  size_t i;
  memcpy(&i, block, sizeof i);  // each live block begins with its index
  if (i >= WALKED || c->block[i].p != block || bytes < c->block[i].bytes)
    c->strangers++;
  else
    c->block[i].seen++;
  return c->visits != c->stop_after;
}

static void make_census_block(struct census *c, midden_heap *heap, size_t i, uint64_t *seed) {
  c->block[i].bytes = 8 + test_random_size(seed, i % 50 == 0 ? 2000000 : 9000);
  c->block[i].p = midden_heap_alloc(heap, c->block[i].bytes);
  CHECK(c->block[i].p != NULL);
  memcpy(c->block[i].p, &i, sizeof i);
  c->live++;
}

static void check_census(struct census *c, midden_heap *heap) {
  c->visits = c->strangers = c->usable = 0;
  for (size_t i = 0; i < WALKED; i++) c->block[i].seen = 0;
  CHECK(midden_heap_walk(heap, count_block, c));
  CHECK_EQ(c->strangers, 0);
  CHECK_EQ(c->visits, c->live);
  for (size_t i = 0; i < WALKED; i++) CHECK_EQ(c->block[i].seen, c->block[i].p != NULL);
  midden_stats stats = midden_heap_stats(heap);
  CHECK_EQ(stats.live_blocks, c->live);
  CHECK_EQ(stats.live_bytes, c->usable);
  CHECK(stats.committed_bytes >= stats.live_bytes);
  CHECK(stats.peak_bytes >= stats.committed_bytes);
}

TEST(a_walk_sees_each_live_block_once_and_nothing_else)
{
  static struct census c;
  midden_heap *heap = open_heap(), *other = open_heap();
  uint64_t seed = 1;
  check_census(&c, heap);  // empty
  for (size_t i = 0; i < WALKED; i++) make_census_block(&c, heap, i, &seed);
  void *elsewhere = midden_heap_alloc(other, 100), *plain = midden_malloc(100);
  check_census(&c, heap);
  for (int round = 0; round < 5; round++) {
    for (size_t n = 0; n < WALKED; n++) {
      size_t i = test_random(&seed) % WALKED;
      if (c.block[i].p == NULL) {
        make_census_block(&c, heap, i, &seed);
      } else {
        midden_heap_free(c.block[i].p);
        c.block[i].p = NULL, c.live--;
      }
    }
    check_census(&c, heap);
  }
  for (size_t i = 0; i < WALKED; i++) midden_heap_free(c.block[i].p), c.block[i].p = NULL;
  c.live = 0;
  check_census(&c, heap);
  midden_heap_free(elsewhere);
  midden_free(plain);
  midden_heap_close(heap), midden_heap_close(other);
}

TEST(a_walk_stops_when_it_is_told_to)
{
  static struct census c;
  midden_heap *heap = open_heap();
  uint64_t seed = 2;
  for (size_t i = 0; i < 100; i++) make_census_block(&c, heap, i, &seed);
  c.stop_after = 10;
  CHECK(!midden_heap_walk(heap, count_block, &c));
  CHECK_EQ(c.visits, 10);
  midden_heap_close(heap);
}

// ---- from thread to thread ----

struct hand_over {
  midden_heap *heap;
  unsigned char *p[1000];
};

static void *fill_heap(void *with) {
  struct hand_over *h = with;
  for (size_t i = 0; i < 1000; i++) {
    if ((h->p[i] = midden_heap_alloc(h->heap, 10 + i)) == NULL) return h;
    test_fill(h->p[i], 10 + i, i);
  }
  return NULL;
}

static void *empty_heap(void *with) {
  struct hand_over *h = with;
  for (size_t i = 0; i < 1000; i++) {
    if (!test_filled(h->p[i], 10 + i, i)) return h;
    midden_heap_free(h->p[i]);
  }
  return NULL;
}

static void in_thread(void *(*work)(void *), void *with) {
  pthread_t thread;
  void *result = with;
  CHECK_EQ(pthread_create(&thread, NULL, work, with), 0);
  CHECK_EQ(pthread_join(thread, &result), 0);
  CHECK(result == NULL);
}

TEST(a_heap_goes_from_thread_to_thread)
{
  static struct hand_over h;
  h.heap = open_heap();
  for (int round = 0; round < 20; round++) {
    in_thread(fill_heap, &h);  // the maker is dead before the next has it
    CHECK_EQ(midden_heap_stats(h.heap).live_blocks, 1000);
    if (round % 2)
      in_thread(empty_heap, &h);
    else
      CHECK(empty_heap(&h) == NULL);
    CHECK_EQ(midden_heap_stats(h.heap).live_blocks, 0);
  }
  midden_heap_close(h.heap);
}

static void *close_heap(void *heap) {
  midden_heap_close(heap);
  return NULL;
}

TEST(a_heap_may_be_closed_by_a_thread_that_did_not_open_it)
{
  for (int round = 0; round < 50; round++) {
    static struct hand_over h;
    h.heap = open_heap();
    CHECK(fill_heap(&h) == NULL);
    in_thread(close_heap, h.heap);
  }
}

struct share {
  midden_heap *heap;
  uint64_t seed;
};

static void *churn(void *with) {
  struct share *s = with;
  struct {
    unsigned char *p;
    size_t bytes;
  } slot[64] = {0};
  for (int i = 0; i < (SANITIZED ? 5000 : 50000); i++) {
    size_t k = test_random(&s->seed) % 64;
    if (slot[k].p != NULL && !test_filled(slot[k].p, slot[k].bytes, k ^ s->seed >> 32)) return s;
    midden_heap_free(slot[k].p);
    slot[k].bytes = test_random_size(&s->seed, 20000);
    if ((slot[k].p = midden_heap_alloc(s->heap, slot[k].bytes)) == NULL) return s;
    test_fill(slot[k].p, slot[k].bytes, k ^ s->seed >> 32);
  }
  for (int k = 0; k < 32; k++) midden_heap_free(slot[k].p);  // the rest goes with the heap
  return NULL;
}

TEST(four_threads_share_one_heap)
{
  midden_heap *heap = open_heap();
  pthread_t t[4];
  struct share share[4];
  for (size_t i = 0; i < 4; i++) {
    share[i] = (struct share){heap, (uint64_t)i << 32};
    CHECK_EQ(pthread_create(&t[i], NULL, churn, &share[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    void *result;
    CHECK_EQ(pthread_join(t[i], &result), 0);
    CHECK(result == NULL);
  }
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 4 * 32);
  midden_heap_close(heap);
}

// ---- what closing gives back ----

TEST(closing_a_heap_gives_its_memory_back)
{
  enum { COUNT = 20000 };
  static unsigned char *p[COUNT];
  midden_heap *heap = open_heap();
  void *other = midden_malloc(1000);
  test_fill(other, 1000, 5);
  for (size_t i = 0; i < COUNT; i++) {
    CHECK((p[i] = midden_heap_alloc(heap, i % 100 == 0 ? 100000 : 2000)) != NULL);
    memset(p[i], 1, 2000);
  }
  midden_heap_close(heap);
  midden_malloc_trim();
  size_t resident = 0;
  for (size_t i = 0; i < COUNT; i++) resident += test_resident(p[i]);
  CHECK(resident < COUNT / 100);  // 40 MB were touched; a trim leaves none of them, or next to none
  CHECK(test_filled(other, 1000, 5));
  midden_free(other);
}

TEST(opening_and_closing_heaps_does_not_grow)
{
  size_t settled = 0;
  for (int round = 0; round < 3000; round++) {
    midden_heap *heap = open_heap();
    for (int i = 0; i < 40; i++) memset(midden_heap_alloc(heap, 3000), 1, 3000);
    memset(midden_heap_alloc(heap, 300000), 1, 300000);
    if (round % 3 == 0) midden_heap_free(midden_heap_alloc(heap, 50));
    midden_heap_close(heap);
    if (round == 300) settled = test_rss_bytes();
  }
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + 4 * MIB);
}

TEST(heaps_do_not_share_pages)
{
  midden_heap *a = open_heap(), *b = open_heap();
  uintptr_t in_a[500];
  for (int i = 0; i < 500; i++) {
    in_a[i] = (uintptr_t)midden_heap_alloc(a, 100) / PAGE;
    uintptr_t in_b = (uintptr_t)midden_heap_alloc(b, 100) / PAGE;
    uintptr_t plain = (uintptr_t)midden_malloc(100) / PAGE;
    for (int k = 0; k <= i; k++) CHECK(in_a[k] != in_b && in_a[k] != plain);
  }
  midden_heap_close(a), midden_heap_close(b);
}

TEST(free_and_heap_free_take_each_others_blocks)
{
  midden_heap *heap = open_heap();
  midden_free(midden_heap_alloc(heap, 100));
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 0);
  midden_heap_free(midden_malloc(100));
  CHECK_EQ(midden_malloc_usable_size(midden_heap_alloc(heap, 1000)) >= 1000, true);
  midden_heap_close(heap);
}

static void *leave_blocks(void *blocks) {
  for (int i = 0; i < 100; i++) ((char **)blocks)[i] = midden_malloc(200);
  return NULL;
}

// What an ended thread left is malloc's: no heap that can be closed may take it over.
TEST(closing_a_heap_leaves_the_blocks_of_dead_threads_alone)
{
  char *left[100];
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, leave_blocks, left), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  for (int i = 0; i < 100; i++) memset(left[i], i, 200);
  midden_heap *heap;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  for (int i = 0; i < 1000; i++) CHECK(midden_heap_alloc(heap, 200) != NULL);
  CHECK_EQ(midden_heap_stats(heap).live_blocks, 1000);
  midden_heap_close(heap);
  for (int i = 0; i < 100; i++) {
    for (int k = 0; k < 200; k++) CHECK_EQ(left[i][k], i);
    midden_free(left[i]);
  }
}
