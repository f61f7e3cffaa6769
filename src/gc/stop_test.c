// gc/stop_test.c -- threads are stopped wherever they are, and go on unharmed.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "gc/list_test.h"
#include "support.h"
#include "test.h"

enum { MOST_THREADS = SANITIZED ? 6 : 32, THREADS = SANITIZED ? 3 : 8, LENGTH = 100 };

// What a test's threads share.
struct crowd {
  struct heap heap, other;
  int said[2];  // a pipe
  _Atomic int ready, broken;
  _Atomic bool quit;
  pthread_t thread[MOST_THREADS];
};

static void crowd_start(struct crowd *c, int count, void *(*body)(void *)) {
  atomic_store(&c->ready, 0);
  atomic_store(&c->quit, false);
  for (int i = 0; i < count; i++) CHECK_EQ(pthread_create(&c->thread[i], NULL, body, c), 0);
  while (atomic_load(&c->ready) < count) usleep(100);
}

static void crowd_end(struct crowd *c, int count) {
  atomic_store(&c->quit, true);
  for (int i = 0; i < count; i++) CHECK_EQ(pthread_join(c->thread[i], NULL), 0);
  CHECK_EQ(atomic_load(&c->broken), 0);
}

static midden_mutator *crowd_attach(struct crowd *c) {
  midden_mutator *m;
  if (midden_gc_attach(c->heap.gc, &m) != MIDDEN_OK) abort();
  return m;
}

static void collect_both(midden_mutator *m, int times) {
  for (int i = 0; i < times; i++)
    midden_gc_collect(m, i % 2 == 0 ? MIDDEN_GC_MINOR : MIDDEN_GC_MAJOR);
}

// ---- one thread that never calls ----

static void *reads_for_ever(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c);
  struct node *list = list_make(&c->heap, m, LENGTH);
  atomic_fetch_add(&c->ready, 1);
  while (!atomic_load_explicit(&c->quit, memory_order_relaxed))
    if (!list_is_whole(list, LENGTH)) atomic_fetch_add(&c->broken, 1);
  midden_gc_detach(m);
  return NULL;
}

TEST(a_plain_loop_is_stopped_by_a_signal)
{
  for (int i = 0; i < COLLECTORS; i++) {
    struct crowd c = {.broken = 0};
    midden_mutator *m = heap_open(&c.heap, collectors[i], 0);
    crowd_start(&c, 3, reads_for_ever);
    for (int k = 0; k < 50; k++) {
      CHECK(list_is_whole(list_make(&c.heap, m, 20 * LENGTH), 20 * LENGTH));
      collect_both(m, 2);
    }
    crowd_end(&c, 3);
    heap_close(&c.heap, m);
  }
}

// The only reference is in a vector register.
static void *keeps_it_in_a_vector(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c);
  uint64_t kept = (uint64_t)(uintptr_t)list_make(&c->heap, m, LENGTH);
#if defined(__x86_64__)
  __asm__ volatile("" : "+x"(kept));
  char *stack = __builtin_alloca(4096);  // whatever list_make left there
  memset(stack, 0, 4096);
  __asm__ volatile("" : : "r"(stack) : "memory");
#endif
  atomic_fetch_add(&c->ready, 1);
  while (!atomic_load_explicit(&c->quit, memory_order_relaxed)) {
#if defined(__x86_64__)
    __asm__ volatile("" : "+x"(kept));
#endif
  }
  if (!list_is_whole((struct node *)(uintptr_t)kept, LENGTH)) atomic_fetch_add(&c->broken, 1);
  midden_gc_detach(m);
  return NULL;
}

TEST(a_reference_in_a_vector_register_is_found)
{
  for (int i = 0; i < COLLECTORS; i++) {
    struct crowd c = {.broken = 0};
    midden_mutator *m = heap_open(&c.heap, collectors[i], 0);
    crowd_start(&c, 1, keeps_it_in_a_vector);
    for (int k = 0; k < 20; k++) {
      CHECK(list_is_whole(list_make(&c.heap, m, 20 * LENGTH), 20 * LENGTH));
      collect_both(m, 2);
    }
    crowd_end(&c, 1);
    heap_close(&c.heap, m);
  }
}

// ---- many threads that do all there is to do ----

static void *works(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c);
  struct node *list = list_make(&c->heap, m, LENGTH);
  atomic_fetch_add(&c->ready, 1);
  while (!atomic_load_explicit(&c->quit, memory_order_relaxed)) {
    bool whole = list_is_whole(list_make(&c->heap, m, LENGTH), LENGTH);
    for (int i = 0; i < 100; i++) whole = whole && list_is_whole(list, LENGTH);
    if (!whole) atomic_fetch_add(&c->broken, 1);
    midden_gc_poll(m);
  }
  midden_gc_detach(m);
  return NULL;
}

static void crowds_work(unsigned keeps) {
  for (int i = 0; i < COLLECTORS; i++) {
    struct crowd c = {.broken = 0};
    midden_mutator *m = heap_open(&c.heap, collectors[i], keeps);
    crowd_start(&c, MOST_THREADS, works);
    collect_both(m, SANITIZED ? 4 : 16);
    crowd_end(&c, MOST_THREADS);
    heap_close(&c.heap, m);
  }
}

TEST(many_more_threads_than_processors_are_stopped_again_and_again)
{ crowds_work(0); }
TEST(and_so_are_those_that_poll)
{ crowds_work(MIDDEN_GC_POLLS); }

// A thread may be in the runtime of one heap when the other wants it to stop.
static void *works_on_two_heaps(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c), *other;
  if (midden_gc_attach(c->other.gc, &other) != MIDDEN_OK) abort();
  atomic_fetch_add(&c->ready, 1);
  for (int i = 1; !atomic_load_explicit(&c->quit, memory_order_relaxed); i++) {
    struct node *a = list_make(&c->heap, m, LENGTH), *b = list_make(&c->other, other, LENGTH);
    if (i % 16 == 0) midden_gc_collect(i % 32 == 0 ? m : other, MIDDEN_GC_MAJOR);
    if (!list_is_whole(a, LENGTH) || !list_is_whole(b, LENGTH)) atomic_fetch_add(&c->broken, 1);
  }
  midden_gc_detach(m);
  midden_gc_detach(other);
  return NULL;
}

TEST(two_heaps_stop_the_same_threads)
{
  struct crowd c = {.broken = 0};
  midden_mutator *m = heap_open(&c.heap, "copying", 0);
  midden_mutator *other = heap_open(&c.other, "generational", 0);
  crowd_start(&c, THREADS, works_on_two_heaps);
  for (int i = 0; i < (SANITIZED ? 5 : 100); i++) collect_both(i % 2 == 0 ? m : other, 2);
  crowd_end(&c, THREADS);
  heap_close(&c.other, other);
  heap_close(&c.heap, m);
}

// ---- threads that wait ----

static void *waits(void *with) {
  struct crowd *c = with;
  atomic_fetch_add(&c->ready, 1);
  while (!atomic_load(&c->quit)) usleep(1000);
  return c;
}

// All other threads could only be stopped by a signal, which this one does not let through.
static void *is_blocked(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c);
  sigset_t all;
  struct node *list = list_make(&c->heap, m, LENGTH);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  if (midden_gc_call_blocking(m, waits, c) != c) atomic_fetch_add(&c->broken, 1);
  if (!list_is_whole(list, LENGTH)) atomic_fetch_add(&c->broken, 1);
  midden_gc_detach(m);
  return NULL;
}

TEST(who_waits_is_not_waited_for_and_keeps_what_it_has)
{
  for (int i = 0; i < COLLECTORS; i++) {
    struct crowd c = {.broken = 0};
    midden_mutator *m = heap_open(&c.heap, collectors[i], 0);
    crowd_start(&c, 4, is_blocked);
    collect_both(m, 20);
    crowd_end(&c, 4);
    heap_close(&c.heap, m);
  }
}

static void *returns_at_once(void *with) {
  (void)with;
  return NULL;
}

// Who comes back while the world is stopped waits for its end.
static void *comes_and_goes(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c);
  struct node *list = list_make(&c->heap, m, LENGTH);
  atomic_fetch_add(&c->ready, 1);
  while (!atomic_load_explicit(&c->quit, memory_order_relaxed)) {
    if (midden_gc_call_blocking(m, returns_at_once, c) != NULL) atomic_fetch_add(&c->broken, 1);
    if (!list_is_whole(list, LENGTH)) atomic_fetch_add(&c->broken, 1);
    list = node_new(&c->heap, m, list->next, LENGTH);
  }
  midden_gc_detach(m);
  return NULL;
}

TEST(blocking_calls_end_while_the_world_is_stopped)
{
  for (int i = 0; i < COLLECTORS; i++) {
    struct crowd c = {.broken = 0};
    midden_mutator *m = heap_open(&c.heap, collectors[i], 0);
    crowd_start(&c, 4, comes_and_goes);
    collect_both(m, SANITIZED ? 20 : 200);
    crowd_end(&c, 4);
    heap_close(&c.heap, m);
  }
}

// ---- a signal that does not come through ----

static void *holds_signals_back(void *with) {
  struct crowd *c = with;
  midden_mutator *m = crowd_attach(c);
  struct node *list = list_make(&c->heap, m, LENGTH);
  sigset_t all, before;
  sigfillset(&all);
  pthread_setname_np(pthread_self(), "deaf");
  pthread_sigmask(SIG_SETMASK, &all, &before);
  atomic_fetch_add(&c->ready, 1);
  while (!atomic_load_explicit(&c->quit, memory_order_relaxed)) continue;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!list_is_whole(list, LENGTH)) atomic_fetch_add(&c->broken, 1);
  midden_gc_detach(m);
  return NULL;
}

// Reads what is said, and only then lets the thread go on.
static void *hears(void *with) {
  struct crowd *c = with;
  char said[512] = "", number[32];
  for (size_t have = 0; strchr(said, '\n') == NULL;) {
    ssize_t n = read(c->said[0], said + have, sizeof said - 1 - have);
    if (n <= 0) break;
    have += (size_t)n;
  }
  snprintf(number, sizeof number, "blocks signal %d", c->heap.gc->stop_signal);
  if (strstr(said, "midden: a collection waits for thread ") != said ||
      strstr(said, " (deaf), ") == NULL || strstr(said, number) == NULL)
    atomic_fetch_add(&c->broken, 1);
  atomic_store(&c->quit, true);
  return NULL;
}

TEST(a_thread_that_blocks_the_signal_is_named_and_waited_for)
{
  struct crowd c = {.broken = 0};
  pthread_t ear;
  midden_mutator *m = heap_open(&c.heap, "copying", 0);
  CHECK_EQ(pipe(c.said), 0);
  int before = dup(2);
  crowd_start(&c, 1, holds_signals_back);
  CHECK_EQ(pthread_create(&ear, NULL, hears, &c), 0);
  CHECK_EQ(dup2(c.said[1], 2), 2);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  CHECK_EQ(dup2(before, 2), 2);
  CHECK_EQ(pthread_join(ear, NULL), 0);
  crowd_end(&c, 1);
  for (int i = 0; i < 2; i++) close(c.said[i]);
  close(before);
  heap_close(&c.heap, m);
}
