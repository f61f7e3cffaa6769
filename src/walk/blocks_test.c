// walk/blocks_test.c -- a stopped process's heap holds the blocks that the process says it has.
// SPDX-License-Identifier: MIT
#include "walk/blocks.h"

#include <pthread.h>

#include "support.h"
#include "test.h"
#include "walk/victim_test.h"

// Read the blocks of a process in one way or the other.  The page map of a sanitizer's shadow
// memory takes a minute to read.
static void walk(struct victim *v, bool copied, struct mid_blocks *out) {
  struct mid_target t;
  pid_t pid = atomic_load(&v->pid);
  copied = copied && !SANITIZED;
  CHECK_WHOLE(copied ? mid_target_copy(pid, &t) : mid_target_stop(pid, &t));
  CHECK_EQ(t.stopped, !copied);
  CHECK_WHOLE(mid_blocks_read(&t, out));
  mid_target_close(&t);
}

// What it had before, and what it says it took since, and nothing else.
static void check_exact(struct victim *v, const struct set *before, const struct mid_blocks *b) {
  struct set now = set_of(b);
  size_t expected = before->count, count = atomic_load(&v->count);
  for (size_t i = 0; i < before->count; i++) CHECK(set_has(&now, before->at[i]));
  for (size_t i = 0; i < count; i++) {
    uint64_t at = (uintptr_t)atomic_load(&v->block[i]);
    if (at == 0) continue;
    expected++;
    if (!set_has(&now, at)) fail_msg("block %zu of %zu at %#lx is not live", i, count, at);
  }
  CHECK_EQ(now.count, expected);
  free(now.at);
}

// Blocks are found from every word in them, and from none beside them.
static void check_found(const struct mid_blocks *b) {
  for (uint32_t n = 0; n < b->blocks; n += 1 + n / 64) {
    uint64_t at = mid_blocks_address(b, n), bytes = mid_blocks_bytes(b, n), offset = 99;
    CHECK_EQ(mid_blocks_find(b, at, &offset), n);
    CHECK_EQ(offset, 0);
    CHECK_EQ(mid_blocks_find(b, at + bytes - 1, &offset), n);
    CHECK_EQ(offset, bytes - 1);
    CHECK_EQ(mid_blocks_find(b, at + bytes / 2, &offset), n);
    CHECK_EQ(offset, bytes / 2);
    CHECK(mid_blocks_find(b, at - 1, &offset) != n);
    CHECK(mid_blocks_find(b, at + bytes, &offset) != n);
    CHECK(mid_blocks_is_own(b, at) && mid_blocks_is_own(b, at + bytes - 1));
  }
  uint64_t offset, here = (uintptr_t)&offset;
  CHECK_EQ(mid_blocks_find(b, here, &offset), MID_BLOCK_NONE);
  CHECK_EQ(mid_blocks_find(b, 0, &offset), MID_BLOCK_NONE);
  CHECK_EQ(mid_blocks_find(b, UINT64_MAX, &offset), MID_BLOCK_NONE);
  CHECK(!mid_blocks_is_own(b, here) && !mid_blocks_is_own(b, 0));
}

static void check_walk(void (*warm_up)(struct victim *), void (*work)(struct victim *)) {
  struct victim *v = victim_start(warm_up, work);
  struct mid_blocks b;
  walk(v, false, &b);
  struct set before = set_of(&b);
  mid_blocks_close(&b);
  victim_work(v);
  for (int copied = 0; copied < 2; copied++) {
    walk(v, copied, &b);
    CHECK_EQ(b.torn, 0);
    check_exact(v, &before, &b);
    check_found(&b);
    mid_blocks_close(&b);
  }
  free(before.at);
  CHECK(victim_end(v));
}

// ---- what the processes do ----

static void take_all_sizes(struct victim *v) {
  uint64_t random = 1;
  for (int i = 0; i < 60000; i++) (void)victim_take(v, test_random_size(&random, 65536));
  for (size_t bytes = 60000; bytes < 300000; bytes += 7777) (void)victim_take(v, bytes);
  (void)victim_take(v, 100 * MIB);
  (void)victim_take(v, 0);
}

static void some_are_freed(struct victim *v) {
  take_all_sizes(v);
  uint64_t random = 2;
  for (size_t i = 0, count = atomic_load(&v->count); i < count; i++)
    if (test_random(&random) % 3 != 0) victim_give(v, i);
}

static void freed_ones_are_taken_again(struct victim *v) {
  uint64_t random = 3;
  some_are_freed(v);
  for (int i = 0; i < 20000; i++) (void)victim_take(v, test_random_size(&random, 4096));
}

// So few blocks are left that pages between them go back to the system.
static void pages_are_given_back(struct victim *v) {
  for (int i = 0; i < 300000; i++) (void)victim_take(v, 96);
  for (size_t i = 0; i < 300000; i++)
    if (i % 400 != 0) victim_give(v, i);
}

// The program wrote into what it had freed.
static void freed_blocks_are_written_to(struct victim *v) {
  void *freed[2000];
  for (int i = 0; i < 2000; i++) freed[i] = victim_take(v, 64);
  for (size_t i = 0; i < 2000; i += 2) victim_give(v, i);
  for (size_t i = 0; i < 2000; i += 2) memset(freed[i], 'x', 8);
}

static void first_class_heap(struct victim *v) {
  midden_heap *heap;
  if (midden_heap_open(&heap) != MIDDEN_OK) abort();
  for (size_t bytes = 1; bytes < 200000; bytes += 1 + bytes / 9) {
    void *p = midden_heap_alloc(heap, bytes);
    midden_heap_free(midden_heap_alloc(heap, bytes));
    atomic_store(&v->block[atomic_fetch_add(&v->count, 1)], p);
  }
}

// ---- threads ----

enum { THREADS = 4, EACH = 10000 };
static pthread_barrier_t step;
static struct victim *shared;

static void thread_body(size_t me) {
  uint64_t random = me;
  for (int i = 0; i < EACH; i++) (void)victim_take(shared, test_random_size(&random, 2048));
  pthread_barrier_wait(&step);
  // Whose blocks are which is a matter of chance; most are others'.
  for (size_t i = me; i < THREADS * EACH; i += THREADS)
    if (test_random(&random) % 2 == 0) victim_give(shared, i);
}

static void *thread_stays(void *argument) {
  pthread_barrier_wait(&step);
  thread_body((size_t)argument);
  pthread_barrier_wait(&step);
  pause();
  return NULL;
}

static void *thread_ends(void *argument) {
  pthread_barrier_wait(&step);
  thread_body((size_t)argument);
  return NULL;
}

// Threads of both kinds are there before the process is walked first, as each has blocks of libc's.
static pthread_t thread[THREADS];
static void threads_start(struct victim *v, void *(*body)(void *)) {
  shared = v;
  pthread_barrier_init(&step, NULL, THREADS + (body == thread_stays));
  for (size_t i = 0; i < THREADS; i++)
    if (pthread_create(&thread[i], NULL, body, (void *)i) != 0) abort();
}
static void threads_start_to_stay(struct victim *v) { threads_start(v, thread_stays); }
static void threads_work(struct victim *v) {
  (void)v;
  for (int i = 0; i < 3; i++) pthread_barrier_wait(&step);
}
static void threads_come_and_go(struct victim *v) {
  threads_start(v, thread_ends);
  for (size_t i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  pthread_barrier_destroy(&step);
  for (size_t i = 0, count = atomic_load(&v->count); i < count; i += 5)
    if (atomic_load(&v->block[i]) != NULL) victim_give(v, i);
}
static void threads_have_been(struct victim *v) {
  threads_come_and_go(v);
  for (size_t i = 0, count = atomic_load(&v->count); i < count; i++)
    if (atomic_load(&v->block[i]) != NULL) victim_give(v, i);
}

// A child has the heaps of its parent's threads, but not the threads: what was free in them is lost
// to the heap, yet nobody has it.
static void child_of_threads(struct victim *v) {
  pid_t child = fork();
  if (child < 0) abort();
  if (child > 0) {
    waitpid(child, NULL, 0);
    _exit(0);
  }
  atomic_store(&v->pid, getpid());
  (void)victim_take(v, 100);
}
static void threads_worked(struct victim *v) {
  threads_start_to_stay(v);
  threads_work(v);
}

// ---- processes that do not wait ----

enum { KEPT = 1000, LOOSE = 500, ROUNDS = 40 };
static void *thread_churns(void *argument) {
  void *mine[LOOSE] = {NULL};
  uint64_t random = (uintptr_t)argument;
  for (;;) {
    size_t i = test_random(&random) % LOOSE;
    midden_free(mine[i]);
    mine[i] = midden_malloc(test_random_size(&random, 100000));
    // Some of it is freed by another thread.
    void *mail = atomic_exchange(&shared->block[VICTIM_MOST - 1], mine[i]);
    mine[i] = NULL;
    midden_free(mail);
  }
  return NULL;
}

static void threads_churn(struct victim *v) {
  for (size_t i = 0; i < KEPT; i++) (void)victim_take(v, 1 + i * 97 % 3000);
  threads_start(v, thread_churns);
}

TEST(a_process_stopped_amid_malloc_is_walked)
{
  struct victim *v = victim_start(NULL, threads_churn);
  uint64_t worst = 0, runs = 0;
  victim_work(v);
  for (int round = 0; round < ROUNDS; round++) {
    struct mid_blocks b;
    walk(v, round % 2 == 0, &b);
    struct set now = set_of(&b);
    for (size_t i = 0; i < KEPT; i++) CHECK(set_has(&now, (uintptr_t)atomic_load(&v->block[i])));
    CHECK(b.live_blocks < KEPT + THREADS * (LOOSE + 10) + 100);
    worst = b.torn > worst ? b.torn : worst;
    runs += b.live_blocks != KEPT;
    free(now.at);
    mid_blocks_close(&b);
    usleep(1000);
  }
  CHECK(worst <= 3 * THREADS);
  CHECK(runs > 0);
  kill(atomic_load(&v->pid), SIGKILL);
  (void)victim_end(v);
}

TEST(a_process_that_did_nothing_is_walked)
{ check_walk(NULL, first_class_heap); }
TEST(blocks_of_all_sizes_are_live)
{ check_walk(NULL, take_all_sizes); }
TEST(freed_blocks_are_not)
{ check_walk(NULL, some_are_freed); }
TEST(blocks_taken_again_are)
{ check_walk(NULL, freed_ones_are_taken_again); }
TEST(blocks_in_pages_given_back_are_not)
{ check_walk(NULL, pages_are_given_back); }
TEST(blocks_that_were_written_to_after_their_free_are_not)
{ check_walk(NULL, freed_blocks_are_written_to); }
TEST(blocks_of_a_first_class_heap_are)
{ check_walk(take_all_sizes, first_class_heap); }
TEST(blocks_freed_by_other_threads_are_not)
{ check_walk(threads_start_to_stay, threads_work); }
TEST(blocks_of_ended_threads_are)
{ check_walk(threads_have_been, threads_come_and_go); }
TEST(blocks_that_a_fork_lost_are_not)
{ check_walk(threads_worked, child_of_threads); }
