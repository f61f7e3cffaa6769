// os/lock_test.c -- the lock: one holder at a time, waiters woken, under contention of every kind.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "os/os.h"
#include "test.h"

enum { THREADS = 4, ROUNDS = 50000 };

static struct mid_lock lock;
static uint64_t guarded, guarded_too, met;  // plain: the lock alone keeps them whole

static void step(uint64_t round) {
  met += guarded != guarded_too;
  guarded++;
  if (round % 1000 == 0) sched_yield();  // the others come to wait in the kernel
  guarded_too++;
}

static void *take_and_give(void *unused) {
  for (uint64_t i = 0; i < ROUNDS; i++) {
    mid_lock_take(&lock);
    step(i);
    mid_lock_give(&lock);
  }
  return unused;
}

static void *try_and_give(void *unused) {
  for (uint64_t i = 0; i < ROUNDS; i++) {
    while (!mid_lock_try(&lock)) sched_yield();
    step(i);
    mid_lock_give(&lock);
  }
  return unused;
}

static void run_threads(void *(*even)(void *), void *(*odd)(void *)) {
  pthread_t thread[THREADS];
  guarded = guarded_too = met = 0;
  for (int i = 0; i < THREADS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, i % 2 ? odd : even, NULL), 0);
  for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
  CHECK_EQ(met, 0);
  CHECK_EQ(guarded, (uint64_t)THREADS * ROUNDS);
  CHECK_EQ(atomic_load(&lock.xstate), 0);
}

TEST(a_free_lock_is_taken_once_until_it_is_given)
{
  CHECK(mid_lock_try(&lock));
  CHECK(!mid_lock_try(&lock));
  mid_lock_give(&lock);
  mid_lock_take(&lock);
  CHECK(!mid_lock_try(&lock));
  mid_lock_give(&lock);
  CHECK_EQ(atomic_load(&lock.xstate), 0);
}

TEST(threads_that_take_one_lock_never_meet_under_it)
{ run_threads(take_and_give, take_and_give); }

TEST(threads_that_try_and_threads_that_wait_never_meet_under_it)
{ run_threads(take_and_give, try_and_give); }

// ---- waiters ----

static int errno_after_wait;

static void *wait_once(void *unused) {
  errno = 33;
  mid_lock_take(&lock);
  errno_after_wait = errno;
  guarded++;
  mid_lock_give(&lock);
  return unused;
}

static void wait_until_waited_for(void) {
  while (atomic_load(&lock.xstate) != 2) sched_yield();
}

TEST(every_waiter_is_woken_and_errno_stays)
{
  pthread_t thread[THREADS];
  guarded = 0;
  mid_lock_take(&lock);
  for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&thread[i], NULL, wait_once, NULL), 0);
  wait_until_waited_for();
  CHECK_EQ(guarded, 0);
  mid_lock_give(&lock);  // each wakes the next; one forgotten hangs the test
  for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
  CHECK_EQ(guarded, THREADS);
  CHECK_EQ(errno_after_wait, 33);
}

// Two threads that hand a turn to each other, each through a lock that the other gives.
static struct mid_lock turn[2] = {{1}, {1}};
enum { TURNS = 5000 };
static uint64_t turns;

static void *answer(void *unused) {
  for (int i = 0; i < TURNS; i++) {
    mid_lock_take(&turn[0]);
    turns++;
    mid_lock_give(&turn[1]);
  }
  return unused;
}

TEST(a_lock_given_by_another_thread_than_took_it_hands_over_what_was_written)
{
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, answer, NULL), 0);
  for (uint64_t i = 0; i < TURNS; i++) {
    CHECK_EQ(turns, i);
    mid_lock_give(&turn[0]);
    mid_lock_take(&turn[1]);
  }
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(turns, TURNS);
}
