// tests/conformance/threads.c -- blocks that cross threads, and threads that come and go.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "midden/midden.h"
#include "support.h"
#include "test.h"

static pthread_t start(void *(*work)(void *), void *with) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, with) != 0) abort();
  return thread;
}

static bool join(pthread_t thread) {
  void *result;
  return pthread_join(thread, &result) == 0 && result == NULL;
}

// A batch of blocks of all kinds, made by one thread and freed by another.  A test has one at a
// time; the hand-over is pthread_join or a semaphore.
enum { BATCH = 3000 };
struct batch {
  void *p[BATCH];
  size_t bytes[BATCH];
  uint64_t seed;
  size_t most;
};

static void *make_batch(void *with) {
  struct batch *b = with;
  for (size_t i = 0; i < BATCH; i++) {
    b->bytes[i] = test_random_size(&b->seed, b->most);
    if ((b->p[i] = midden_malloc(b->bytes[i])) == NULL) return b;
    test_fill(b->p[i], b->bytes[i], i);
  }
  return NULL;
}

static void *drop_batch(void *with) {
  struct batch *b = with;
  for (size_t i = 0; i < BATCH; i++) {
    if (!test_filled(b->p[i], b->bytes[i], i)) return b;
    midden_free(b->p[i]);
  }
  return NULL;
}

TEST(blocks_of_a_dead_thread_live_on_and_any_thread_frees_them)
{
  static struct batch b = {.most = 200000};
  for (b.seed = 1; b.seed < 10 * (BATCH + 1);) {
    CHECK(join(start(make_batch, &b)));
    CHECK(join(start(drop_batch, &b)));
  }
}

TEST(blocks_freed_by_another_thread_are_used_again)
{
  static struct batch b = {.most = 20000};
  size_t settled = 0;
  for (int round = 0; round < 60; round++) {
    b.seed = 77;
    CHECK(make_batch(&b) == NULL);  // always by this thread, which lives on
    CHECK(join(start(drop_batch, &b)));
    if (round == 10) settled = test_rss_bytes();
  }
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + 4 * MIB);
}

// One thread makes batches, another does nothing but free them: what it frees must find its way
// back although it never allocates.
static struct {
  struct batch b;
  sem_t made, dropped;
} relay = {.b = {.most = 20000}};

static void *only_free(void *with) {
  for (int round = 0; round < 60; round++) {
    while (sem_wait(&relay.made) != 0) continue;
    if (drop_batch(&relay.b) != NULL) return &relay;
    sem_post(&relay.dropped);
  }
  return with;
}

TEST(a_thread_that_only_frees_holds_nothing_back)
{
  sem_init(&relay.made, 0, 0), sem_init(&relay.dropped, 0, 0);
  pthread_t freer = start(only_free, NULL);
  size_t settled = 0;
  for (int round = 0; round < 60; round++) {
    relay.b.seed = 78;
    CHECK(make_batch(&relay.b) == NULL);
    sem_post(&relay.made);
    while (sem_wait(&relay.dropped) != 0) continue;
    if (round == 10) settled = test_rss_bytes();
  }
  CHECK(join(freer));
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + 4 * MIB);
}

// The owner makes blocks and then only sleeps; what others free of it must serve the others or go
// back to the system: the total may not grow with the number of sleepers.
enum { SLEEPERS = 16, SLEEPER_BLOCKS = 2000, SLEEPER_BYTES = 4000 };
static struct sleeper {
  pthread_t thread;
  sem_t ready, wake;
  char *p[SLEEPER_BLOCKS];
} sleeper[SLEEPERS];

static void *sleep_on_it(void *with) {
  struct sleeper *s = with;
  for (int i = 0; i < SLEEPER_BLOCKS; i++) {
    if ((s->p[i] = midden_malloc(SLEEPER_BYTES)) == NULL) return s;
    test_fill(s->p[i], SLEEPER_BYTES, (uint64_t)i);
  }
  sem_post(&s->ready);
  while (sem_wait(&s->wake) != 0) continue;
  char *again = midden_malloc(SLEEPER_BYTES);  // its heap is whole after its sleep
  if (again == NULL) return s;
  memset(again, 1, SLEEPER_BYTES);
  midden_free(again);
  return NULL;
}

static int by_address(const void *a, const void *b) {
  uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
  return (x > y) - (x < y);
}

// Bytes of all the sleepers' pages, each counted once: a later one may have had an earlier one's.
static size_t sleepers_resident(void) {
  static uintptr_t page[SLEEPERS * SLEEPER_BLOCKS];
  size_t pages = 0;
  for (int k = 0; k < SLEEPERS; k++)
    for (int i = 0; i < SLEEPER_BLOCKS; i++)
      page[k * SLEEPER_BLOCKS + i] = (uintptr_t)sleeper[k].p[i] / PAGE * PAGE;
  qsort(page, SLEEPERS * SLEEPER_BLOCKS, sizeof page[0], by_address);
  for (int i = 0; i < SLEEPERS * SLEEPER_BLOCKS; i++)
    if (i == 0 || page[i] != page[i - 1]) pages += test_resident((void *)page[i]);
  return pages * PAGE;
}

TEST(what_others_free_of_a_sleeping_owner_is_not_kept)
{
  for (int k = 0; k < SLEEPERS; k++) {
    struct sleeper *s = &sleeper[k];
    sem_init(&s->ready, 0, 0), sem_init(&s->wake, 0, 0);
    s->thread = start(sleep_on_it, s);
    while (sem_wait(&s->ready) != 0) continue;
    for (int i = 0; i < SLEEPER_BLOCKS; i++) {
      CHECK(test_filled(s->p[i], SLEEPER_BYTES, (uint64_t)i));
      midden_free(s->p[i]);
    }
  }
  size_t kept = sleepers_resident();
  // 16 sleepers had 8 MiB each.  Kept may be what one of them had: dirty memory that the bound
  // allows, and a last span for each.
  if (kept > 2 * SLEEPER_BLOCKS * SLEEPER_BYTES)
    fail_msg("%zu KiB of sleeping owners stay resident", kept / 1024);
  for (int k = 0; k < SLEEPERS; k++) {
    sem_post(&sleeper[k].wake);
    CHECK(join(sleeper[k].thread));
  }
}

static char failed;  // its address is what a thread that failed returns

static void *short_life(void *with) {
  uint64_t seed = (uintptr_t)with;
  void *p[20];
  for (int i = 0; i < 20; i++) {
    size_t bytes = test_random_size(&seed, 40000);
    if ((p[i] = midden_malloc(bytes)) == NULL) return &failed;
    memset(p[i], 1, bytes < 64 ? bytes : 64);
  }
  for (int i = 0; i < 20; i++) midden_free(p[i]);
  return NULL;
}

TEST(tens_of_thousands_of_short_lived_threads_do_not_grow_the_heap)
{
  size_t count = SANITIZED ? 2000 : 20000, settled = 0;
  for (size_t i = 0; i < count; i += 4) {
    pthread_t t[4];
    for (size_t k = 0; k < 4; k++) t[k] = start(short_life, (void *)(i + k));
    for (size_t k = 0; k < 4; k++) CHECK(join(t[k]));
    if (i == count / 10) settled = test_rss_bytes();
  }
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + 4 * MIB);
}

// Every thread leaves one block behind; the rest of its spans must serve those who come later.
static void *leave_one(void *with) {
  (void)with;
  char *left = midden_malloc(64);
  short_life((void *)1);
  if (left != NULL) test_fill(left, 64, (uint64_t)(uintptr_t)left);
  return left;
}

TEST(spans_that_dead_threads_left_in_use_are_adopted)
{
  enum { THREADS = SANITIZED ? 500 : 3000 };
  static char *left[THREADS];
  size_t settled = 0;
  for (int i = 0; i < THREADS; i++) {
    void *result;
    CHECK_EQ(pthread_join(start(leave_one, NULL), &result), 0);
    CHECK((left[i] = result) != NULL);
    if (i == THREADS / 10) settled = test_rss_bytes();
  }
  // One span each, never adopted, would be 64 KiB of address space and at least a page each:
  // 2700 pages are 10 MiB.  3000 blocks of 64 bytes are 188 KiB.
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + 4 * MIB);
  for (int i = 0; i < THREADS; i++) {
    CHECK(test_filled(left[i], 64, (uint64_t)(uintptr_t)left[i]));
    midden_free(left[i]);
  }
}

// All threads pass blocks to all others through one table.
enum { CROWD = 4, TABLE = 256, ROUNDS = SANITIZED ? 30000 : 200000 };
static _Atomic(uint64_t *) table[TABLE];

static void *pass_around(void *with) {
  uint64_t seed = (uintptr_t)with;
  for (int i = 0; i < ROUNDS; i++) {
    size_t bytes = 16 + test_random_size(&seed, 8000);
    uint64_t *mine = midden_malloc(bytes);
    if (mine == NULL) return &failed;
    mine[0] = bytes;
    test_fill(mine + 1, bytes - 8, bytes);
    uint64_t *theirs = atomic_exchange(&table[test_random(&seed) % TABLE], mine);
    if (theirs == NULL) continue;
    if (!test_filled(theirs + 1, theirs[0] - 8, theirs[0])) return &failed;
    midden_free(theirs);
  }
  return NULL;
}

TEST(four_threads_that_free_each_others_blocks_lose_none)
{
  pthread_t t[CROWD];
  for (uintptr_t i = 0; i < CROWD; i++) t[i] = start(pass_around, (void *)(i << 32));
  for (int i = 0; i < CROWD; i++) CHECK(join(t[i]));
  for (int i = 0; i < TABLE; i++) midden_free(table[i]);
}

static void *resize_it(void *with) {
  size_t was = ((size_t *)with)[0];
  size_t *p = midden_realloc(with, was * 2);
  if (p != NULL) p[0] = was * 2;
  return p;
}

TEST(a_block_may_be_resized_by_a_thread_that_did_not_make_it)
{
  size_t *p = midden_malloc(64);
  p[0] = 64;
  for (size_t bytes = 64; bytes < 8 * MIB; bytes *= 2) {
    p[7] = 4711;
    void *result;
    CHECK_EQ(pthread_join(start(resize_it, p), &result), 0);
    CHECK((p = result) != NULL);
    CHECK_EQ(p[0], bytes * 2);
    CHECK_EQ(p[7], 4711);
  }
  midden_free(p);
}
