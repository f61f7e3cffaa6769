// gc/rc_threads_test.c -- atomic types: any thread makes, holds, looks at and drops their objects.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "support.h"
#include "test.h"

#include "gc/node_test.h"

enum { THREADS = 4, PLACES = 16, STEPS = SANITIZED ? 20000 : 200000 };

static midden_rc *rc;
static midden_rc_type *type;
static _Atomic size_t finalized;

static void node_finalize(void *object) {
  if (((struct node *)object)->id != test_mix(7)) abort();
  finalized++;
}

static void open_with(bool is_acyclic, void (*finalize)(void *)) {
  midden_rc_description what = atomic_too(finalized_by(finalize));
  finalized = 0;
  rc = open_heap(source_open());
  type = open_type(rc, is_acyclic ? acyclic(what) : what);
}

static struct node *make_one(void) {
  struct node *node = midden_rc_new(type, 0);
  if (node == NULL) abort();  // not in the test's own thread
  node->id = test_mix(7);
  return node;
}

static void run_threads(void *(*body)(void *)) {
  pthread_t thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, body, (void *)i), 0);
  for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
}

// ---- one object, all threads ----

static struct node *shared;

static void *retain_and_release(void *unused) {
  (void)unused;
  for (int i = 0; i < STEPS; i++) {
    midden_rc_retain(shared);
    if (i % 3 == 0) midden_rc_release(midden_rc_retain(shared));
    midden_rc_release(shared);
  }
  midden_rc_release(shared);
  return NULL;
}

TEST(an_object_goes_once_however_many_threads_release_it)
{
  for (int green = 0; green < 2; green++)
    for (int old = 0; old < 2; old++) {
      open_with(green, node_finalize);
      shared = make_one();
      for (int i = 1; i < THREADS; i++) midden_rc_retain(shared);
      if (old) CHECK_EQ(midden_rc_collect(rc), 0);
      run_threads(retain_and_release);
      CHECK_EQ(finalized, 1);
      close_empty(rc);
    }
}

// ---- objects that pass from hand to hand ----

static _Atomic(struct node *) xplace[PLACES];

static void empty_places(void) {
  for (int i = 0; i < PLACES; i++) midden_rc_release(atomic_exchange(&xplace[i], NULL));
}

// One object, or a list of three, which other threads' last releases take apart.
static void *pass_on(void *number) {
  uint64_t seed = (uintptr_t)number * 1000;
  for (int i = 0; i < STEPS; i++) {
    struct node *mine = make_one();
    midden_rc_retain(mine);
    if (i % 4 == 0) {
      struct node *first = make_one();
      first->next = make_one();
      first->next->next = midden_rc_retain(mine);
      midden_rc_release(atomic_exchange(&xplace[test_random(&seed) % PLACES], first));
    }
    midden_rc_release(atomic_exchange(&xplace[test_random(&seed) % PLACES], mine));
    midden_rc_release(mine);
  }
  return NULL;
}

TEST(objects_made_by_one_thread_go_in_another)
{
  for (int green = 0; green < 2; green++) {
    open_with(green, node_finalize);
    run_threads(pass_on);
    empty_places();
    CHECK_EQ(finalized, THREADS * (STEPS + STEPS / 4 * 2));
    close_empty(rc);
  }
}

// ---- weak references ----

static _Atomic(midden_rc_weak *) xweak[PLACES];

// Each thread drops objects that others are just about to lock.
static void *lock_and_drop(void *number) {
  uint64_t seed = (uintptr_t)number * 1000;
  for (int i = 0; i < STEPS; i++) {
    size_t place = test_random(&seed) % PLACES;
    if (i % 3 == 0) {
      struct node *mine = make_one();
      midden_rc_weak_give(atomic_exchange(&xweak[place], midden_rc_weak_take(mine)));
      midden_rc_release(atomic_exchange(&xplace[place], mine));
    } else {
      midden_rc_weak *weak = atomic_exchange(&xweak[place], NULL);
      if (weak == NULL) continue;
      struct node *locked = midden_rc_weak_lock(weak);
      if (locked != NULL && locked->id != test_mix(7)) abort();
      midden_rc_release(locked);
      midden_rc_weak_give(atomic_exchange(&xweak[place], weak));
    }
  }
  return NULL;
}

TEST(a_weak_reference_gives_a_whole_object_or_none)
{
  for (int green = 0; green < 2; green++) {
    open_with(green, node_finalize);
    run_threads(lock_and_drop);
    empty_places();
    for (int i = 0; i < PLACES; i++) {
      midden_rc_weak *weak = atomic_exchange(&xweak[i], NULL);
      if (weak != NULL) CHECK(midden_rc_weak_lock(weak) == NULL);
      midden_rc_weak_give(weak);
    }
    close_empty(rc);
  }
}

// All lock one reference while its object goes: some get it, and then it stays for as long.
static midden_rc_weak *one_weak;
static pthread_barrier_t together;

static void *lock_at_once(void *number) {
  for (int i = 0; i < STEPS / 10; i++) {
    if (number == NULL) {
      shared = make_one();
      one_weak = midden_rc_weak_take(shared);
    }
    pthread_barrier_wait(&together);
    if (number == NULL) {
      midden_rc_release(shared);
    } else {
      struct node *locked = midden_rc_weak_lock(one_weak);
      if (locked != NULL && (locked->id != test_mix(7) || midden_rc_count(locked) == 0)) abort();
      midden_rc_release(locked);
    }
    pthread_barrier_wait(&together);
    if (number == NULL) {
      if (midden_rc_weak_lock(one_weak) != NULL || midden_rc_live(type) != 0) abort();
      midden_rc_weak_give(one_weak);
    }
  }
  return NULL;
}

TEST(an_object_that_goes_while_all_lock_it_goes_once)
{
  CHECK_EQ(pthread_barrier_init(&together, NULL, THREADS), 0);
  open_with(false, node_finalize);
  run_threads(lock_at_once);
  CHECK_EQ(finalized, STEPS / 10);
  close_empty(rc);
  pthread_barrier_destroy(&together);
}

static void *take_at_once(void *number) {
  (void)number;
  pthread_barrier_wait(&together);
  midden_rc_weak *weak = midden_rc_weak_take(shared);
  struct node *locked = midden_rc_weak_lock(weak);
  if (locked != shared) abort();
  midden_rc_release(locked);
  midden_rc_weak_give(weak);
  return NULL;
}

TEST(all_threads_may_take_the_first_weak_reference)
{
  CHECK_EQ(pthread_barrier_init(&together, NULL, THREADS), 0);
  open_with(true, NULL);
  for (int i = 0; i < 200; i++) {
    shared = make_one();
    run_threads(take_at_once);
    midden_rc_release(shared);
    CHECK_EQ(midden_rc_live(type), 0);
  }
  close_empty(rc);
  pthread_barrier_destroy(&together);
}

// ---- cycles: as midden/rc.h says, behind a read-write lock ----

static pthread_rwlock_t quiet = PTHREAD_RWLOCK_INITIALIZER;

static void *make_rings(void *number) {
  uint64_t seed = (uintptr_t)number * 1000;
  for (int i = 0; i < STEPS / 4; i++) {
    pthread_rwlock_rdlock(&quiet);
    struct node *a = make_one(), *b = make_one();
    a->next = b;
    midden_rc_set(&b->prev, a);
    midden_rc_release(atomic_exchange(&xplace[test_random(&seed) % PLACES], a));
    bool due = midden_rc_is_due(rc);
    pthread_rwlock_unlock(&quiet);
    if (!due) continue;
    pthread_rwlock_wrlock(&quiet);
    midden_rc_collect(rc);
    if (mid_rc_broken(rc) != NULL || midden_rc_live(type) > 2 * PLACES) abort();
    pthread_rwlock_unlock(&quiet);
  }
  return NULL;
}

TEST(cycles_of_atomic_types_are_collected_while_the_others_hold_still)
{
  open_with(false, node_finalize);
  run_threads(make_rings);
  empty_places();
  CHECK(midden_rc_stats(rc).collections >= 1);
  midden_rc_collect(rc);
  CHECK_EQ(finalized, THREADS * (STEPS / 4) * 2);
  close_empty(rc);
}

// ---- fork ----

static _Atomic bool ends;

static void *make_and_drop(void *unused) {
  (void)unused;
  while (!ends) midden_rc_release(make_one());
  return NULL;
}

TEST(a_forked_child_goes_on_with_a_heap_that_others_were_using)
{
  open_with(false, NULL);
  pthread_t thread;
  ends = false;
  CHECK_EQ(pthread_create(&thread, NULL, make_and_drop, NULL), 0);
  for (int i = 0; i < 100; i++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(60);
      struct node *a = make_one();
      a->next = a;
      _exit(midden_rc_collect(rc) >= 1 ? 0 : 1);
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
  }
  ends = true;
  CHECK_EQ(pthread_join(thread, NULL), 0);
  close_empty(rc);
}
