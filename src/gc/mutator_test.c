// gc/mutator_test.c -- threads come and go, and processes fork, whatever the collector is at.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gc/list_test.h"
#include "support.h"
#include "test.h"

enum { LENGTH = 100, THREADS = 4 };

static struct heap heap;
static _Atomic bool quit;
static _Atomic int broken, ends;

static void *collects(void *with) {
  midden_mutator *m;
  if (midden_gc_attach(heap.gc, &m) != MIDDEN_OK) abort();
  struct node *list = list_make(&heap, m, LENGTH);
  for (int i = 0; !atomic_load(&quit); i++) {
    midden_gc_collect(m, i % 2 == 0 ? MIDDEN_GC_MINOR : MIDDEN_GC_MAJOR);
    if (!list_is_whole(list, LENGTH)) atomic_fetch_add(&broken, 1);
  }
  midden_gc_detach(m);
  return with;
}

// ---- attach and detach ----

TEST(a_thread_has_one_mutator_in_each_heap)
{
  struct heap other;
  midden_mutator *m = heap_open(&heap, "mark-sweep", 0), *again, *second;
  CHECK(midden_gc_mutator(heap.gc) == m);
  CHECK_EQ(midden_gc_attach(heap.gc, &again), MIDDEN_INVALID);
  second = heap_open(&other, "copying", 0);
  CHECK(second != m);
  CHECK(midden_gc_mutator(heap.gc) == m);
  CHECK(midden_gc_mutator(other.gc) == second);
  heap_close(&heap, m);
  CHECK(midden_gc_mutator(other.gc) == second);
  heap_close(&other, second);
}

// The destructor of a key that was made after the heap's, and so is called after it.
static pthread_key_t late_key;

static void ends_late(void *list) {
  midden_mutator *m = midden_gc_mutator(heap.gc);
  if (m == NULL || !list_is_whole(list, LENGTH)) atomic_fetch_add(&broken, 1);
  if (m != NULL && !list_is_whole(list_make(&heap, m, LENGTH), LENGTH))
    atomic_fetch_add(&broken, 1);
  atomic_fetch_add(&ends, 1);
}

// Ends without a word, with a reference to live objects only in a pinned place.
static void *comes_and_ends(void *with) {
  midden_mutator *m;
  if (midden_gc_attach(heap.gc, &m) != MIDDEN_OK) abort();
  struct node *list = list_make(&heap, m, LENGTH);
  if (midden_gc_pin(m, list) != MIDDEN_OK) abort();
  for (struct node *node = list->next; node != NULL; node = node->next)
    if (midden_gc_pin(m, node) != MIDDEN_OK) abort();
  pthread_setspecific(late_key, list);
  return with;
}

TEST(threads_that_end_are_detached_while_others_collect)
{
  enum { ROUNDS = SANITIZED ? 3 : 20 };
  CHECK_EQ(pthread_key_create(&late_key, ends_late), 0);
  for (int i = 0; i < COLLECTORS; i++) {
    pthread_t collector, thread[THREADS];
    midden_mutator *m = heap_open(&heap, collectors[i], 0);
    atomic_store(&quit, false);
    atomic_store(&ends, 0);
    CHECK_EQ(pthread_create(&collector, NULL, collects, NULL), 0);
    for (int round = 0; round < ROUNDS; round++) {
      for (int k = 0; k < THREADS; k++)
        CHECK_EQ(pthread_create(&thread[k], NULL, comes_and_ends, NULL), 0);
      for (int k = 0; k < THREADS; k++) CHECK_EQ(pthread_join(thread[k], NULL), 0);
    }
    atomic_store(&quit, true);
    CHECK_EQ(pthread_join(collector, NULL), 0);
    CHECK_EQ(atomic_load(&broken), 0);
    CHECK_EQ(atomic_load(&ends), ROUNDS * THREADS);
    size_t mutators = 0;
    for (struct mid_mutator *all = heap.gc->mutators; all != NULL; all = all->next) mutators++;
    CHECK(mutators <= THREADS + 2);  // used again
    CHECK_WHOLE(midden_gc_verify(m));
    heap_close(&heap, m);
  }
  pthread_key_delete(late_key);
}

// ---- fork ----

static void *allocates(void *with) {
  midden_mutator *m;
  if (midden_gc_attach(heap.gc, &m) != MIDDEN_OK) abort();
  while (!atomic_load(&quit))
    if (!list_is_whole(list_make(&heap, m, 10 * LENGTH), 10 * LENGTH)) atomic_fetch_add(&broken, 1);
  midden_gc_detach(m);
  return with;
}

// The child has what its parent had, and threads of its own.
static int child_life(midden_mutator *m, struct node *list) {
  pthread_t thread;
  alarm(60);
  atomic_store(&quit, false);
  for (int i = 0; i < 4; i++) {
    midden_gc_collect(m, i % 2 == 0 ? MIDDEN_GC_MINOR : MIDDEN_GC_MAJOR);
    if (!list_is_whole(list, LENGTH)) return 1;
    if (!list_is_whole(list_make(&heap, m, 20 * LENGTH), 20 * LENGTH)) return 2;
  }
  if (midden_gc_verify(m) != NULL) return 3;
  if (SANITIZED) return 0;  // TSan's children start no threads
  if (pthread_create(&thread, NULL, allocates, NULL) != 0) return 4;
  for (int i = 0; i < 4; i++) midden_gc_collect(m, MIDDEN_GC_MINOR);
  atomic_store(&quit, true);
  if (pthread_join(thread, NULL) != 0) return 5;
  return list_is_whole(list, LENGTH) && atomic_load(&broken) == 0 ? 0 : 6;
}

TEST(children_forked_amid_collections_have_a_whole_heap)
{
  for (int i = 0; i < COLLECTORS; i++) {
    pthread_t thread[THREADS];
    midden_mutator *m = heap_open(&heap, collectors[i], 0);
    struct node *list = list_make(&heap, m, LENGTH);
    atomic_store(&quit, false);
    for (int k = 0; k < THREADS; k++)
      CHECK_EQ(pthread_create(&thread[k], NULL, k % 2 == 0 ? collects : allocates, NULL), 0);
    for (int k = 0; k < (SANITIZED ? 5 : 30); k++) {
      pid_t child = fork();
      CHECK(child >= 0);
      if (child == 0) _exit(child_life(m, list));
      int status;
      CHECK_EQ(waitpid(child, &status, 0), child);
      if (status != 0) fail_msg("a child ended with 0x%x", (unsigned)status);
    }
    atomic_store(&quit, true);
    for (int k = 0; k < THREADS; k++) CHECK_EQ(pthread_join(thread[k], NULL), 0);
    CHECK_EQ(atomic_load(&broken), 0);
    CHECK(list_is_whole(list, LENGTH));
    heap_close(&heap, m);
  }
}

static void *forks(void *with) {
  (void)with;
  pid_t child = fork();
  if (child == 0) _exit(0);
  int status = 1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) atomic_fetch_add(&broken, 1);
  return NULL;
}

TEST(a_blocking_call_may_fork)
{
  pthread_t thread;
  midden_mutator *m = heap_open(&heap, "generational", 0);
  atomic_store(&quit, false);
  CHECK_EQ(pthread_create(&thread, NULL, collects, NULL), 0);
  for (int i = 0; i < 10; i++) midden_gc_call_blocking(m, forks, NULL);
  atomic_store(&quit, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(atomic_load(&broken), 0);
  heap_close(&heap, m);
}
