// gc/stacks_test.c -- what is only on a coroutine's stack, or under a signal handler, is found.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "gc/list_test.h"
#include "test.h"

enum { LENGTH = 100, STACK_BYTES = 256 << 10 };

static struct heap heap;

// Enough that nothing is left of what was dead.
static void churn(midden_mutator *m) {
  for (int i = 0; i < 4; i++) {
    CHECK(list_is_whole(list_make(&heap, m, 20 * LENGTH), 20 * LENGTH));
    midden_gc_collect(m, i % 2 == 0 ? MIDDEN_GC_MINOR : MIDDEN_GC_MAJOR);
  }
}

// ---- coroutines ----

// Its context, where swapcontext keeps its registers, is not on its stack.
struct coroutine {
  ucontext_t context, caller;
  midden_gc_stack stack;
  uint64_t length, done;
};

static struct coroutine *running;
static _Thread_local midden_mutator *mine;

static void leave(struct coroutine *c) {
  midden_gc_stack_switch(mine, &c->stack, NULL);
  swapcontext(&c->context, &c->caller);
}

static void resume(struct coroutine *c) {
  running = c;
  midden_gc_stack_switch(mine, NULL, &c->stack);
  swapcontext(&c->caller, &c->context);
}

// Its list is in locals and registers of its stack alone, while others run and collect.
static void coroutine_body(void) {
  struct coroutine *c = running;
  struct node *list = list_make(&heap, mine, c->length);
  for (;;) {
    leave(c);
    if (list_is_whole(list, c->length)) c->done++;
    churn(mine);
    if (list_is_whole(list, c->length)) c->done++;
  }
}

static struct coroutine *coroutine_make(uint64_t length) {
  struct coroutine *c = calloc(1, sizeof *c);
  char *low = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(c != NULL && low != MAP_FAILED);
  c->stack = (midden_gc_stack){.low = low, .high = low + STACK_BYTES};
  c->length = length;
  getcontext(&c->context);
  c->context.uc_stack.ss_sp = low;
  c->context.uc_stack.ss_size = STACK_BYTES;
  makecontext(&c->context, coroutine_body, 0);
  midden_gc_stack_add(heap.gc, &c->stack);
  return c;
}

static void coroutine_free(struct coroutine *c) {
  midden_gc_stack_remove(heap.gc, &c->stack);
  munmap(c->stack.low, STACK_BYTES);
  free(c);
}

TEST(coroutines_keep_what_they_refer_to_while_others_run)
{
  enum { MANY = 5, ROUNDS = 4 };
  for (int i = 0; i < COLLECTORS; i++) {
    struct coroutine *all[MANY];
    mine = heap_open(&heap, collectors[i], 0);
    struct node *own = list_make(&heap, mine, LENGTH);
    for (int k = 0; k < MANY; k++) all[k] = coroutine_make(LENGTH + (uint64_t)k);
    for (int round = 0; round <= ROUNDS; round++) {
      for (int k = 0; k < MANY; k++) resume(all[k]);
      churn(mine);
      CHECK(list_is_whole(own, LENGTH));
    }
    for (int k = 0; k < MANY; k++) {
      CHECK_EQ(all[k]->done, 2 * ROUNDS);
      coroutine_free(all[k]);
    }
    heap_close(&heap, mine);
  }
}

// Frames of coroutines are chains of their own.
static void frames_body(void) {
  struct coroutine *c = running;
  for (;;) {
    MIDDEN_FRAME(mine, local, 1);
    local[0].word = list_make(&heap, mine, c->length);
    leave(c);
    if (list_is_whole(local[0].word, c->length)) c->done++;
    MIDDEN_FRAME_END(mine, local);
  }
}

TEST(frames_of_coroutines_are_found_and_brought_up_to_date)
{
  mine = heap_open(&heap, "copying", MIDDEN_GC_POLLS);
  struct coroutine *a = coroutine_make(LENGTH), *b = coroutine_make(LENGTH + 1);
  makecontext(&a->context, frames_body, 0);
  makecontext(&b->context, frames_body, 0);
  MIDDEN_FRAME(mine, own, 1);
  own[0].word = list_make(&heap, mine, LENGTH);
  for (int i = 0; i < 10; i++) {
    resume(a);
    resume(b);
    churn(mine);
    CHECK(mine->frames == &own_frame);
    CHECK(list_is_whole(own[0].word, LENGTH));
  }
  CHECK_EQ(a->done, 9);
  CHECK_EQ(b->done, 9);
  MIDDEN_FRAME_END(mine, own);
  coroutine_free(a);
  coroutine_free(b);
  heap_close(&heap, mine);
}

// ---- signal handlers with a stack of their own ----

static _Atomic int ready;
static _Atomic bool quit;

static void stack_for_signals(void) {
  stack_t s = {.ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES};
  CHECK(s.ss_sp != NULL);
  CHECK_EQ(sigaltstack(&s, NULL), 0);
}

static void no_stack_for_signals(void) {
  stack_t s = {.ss_flags = SS_DISABLE}, before;
  CHECK_EQ(sigaltstack(&s, &before), 0);
  free(before.ss_sp);
}

static void *has_a_stack_for_signals(void *broken) {
  midden_mutator *m;
  stack_for_signals();
  if (midden_gc_attach(heap.gc, &m) != MIDDEN_OK) abort();
  struct node *list = list_make(&heap, m, LENGTH);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&quit, memory_order_relaxed))
    if (!list_is_whole(list, LENGTH)) atomic_fetch_add((_Atomic int *)broken, 1);
  midden_gc_detach(m);
  no_stack_for_signals();
  return NULL;
}

static void collect_around(void *(*body)(void *)) {
  for (int i = 0; i < COLLECTORS; i++) {
    _Atomic int broken = 0;
    pthread_t thread;
    midden_mutator *m = heap_open(&heap, collectors[i], 0);
    atomic_store(&ready, 0);
    atomic_store(&quit, false);
    CHECK_EQ(pthread_create(&thread, NULL, body, &broken), 0);
    while (atomic_load(&ready) == 0) usleep(100);
    for (int k = 0; k < 10; k++) churn(m);
    atomic_store(&quit, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(atomic_load(&broken), 0);
    heap_close(&heap, m);
  }
}

TEST(a_thread_with_an_alternate_signal_stack_is_scanned)
{ collect_around(has_a_stack_for_signals); }

#ifndef __SANITIZE_THREAD__  // which lets no signal come while a handler runs

// Interrupted in a handler of the program's, on the same stack as ours.
static void stays_in_a_handler(int signal) {
  (void)signal;
  struct node *list = list_make(&heap, mine, LENGTH + 1);
  atomic_fetch_add(&ready, 1);
  while (!atomic_load_explicit(&quit, memory_order_relaxed))
    if (!list_is_whole(list, LENGTH + 1)) abort();
}

static void *is_in_a_handler(void *broken) {
  struct sigaction action = {.sa_handler = stays_in_a_handler, .sa_flags = SA_ONSTACK};
  stack_for_signals();
  if (midden_gc_attach(heap.gc, &mine) != MIDDEN_OK) abort();
  sigaction(SIGUSR1, &action, NULL);
  struct node *list = list_make(&heap, mine, LENGTH);
  raise(SIGUSR1);
  if (!list_is_whole(list, LENGTH)) atomic_fetch_add((_Atomic int *)broken, 1);
  midden_gc_detach(mine);
  no_stack_for_signals();
  return NULL;
}

TEST(so_is_one_in_a_handler_on_its_alternate_stack)
{ collect_around(is_in_a_handler); }

#endif

// The thread that collects may be there itself.
static void collects_in_a_handler(int signal) {
  (void)signal;
  struct node *list = list_make(&heap, mine, LENGTH);
  churn(mine);
  atomic_store(&ready, list_is_whole(list, LENGTH));
}

TEST(a_handler_on_an_alternate_stack_may_collect)
{
  struct sigaction action = {.sa_handler = collects_in_a_handler, .sa_flags = SA_ONSTACK};
  stack_for_signals();
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  mine = heap_open(&heap, "copying", 0);
  struct node *list = list_make(&heap, mine, LENGTH);
  raise(SIGUSR1);
  CHECK(atomic_load(&ready));
  CHECK(list_is_whole(list, LENGTH));
  heap_close(&heap, mine);
  signal(SIGUSR1, SIG_DFL);
  no_stack_for_signals();
}

// ---- precise ----

TEST(a_precise_heap_does_not_look_at_stacks)
{
  midden_mutator *m = heap_open(&heap, "copying", MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE);
  MIDDEN_FRAME(m, local, 1);
  void *volatile before = local[0].word = list_make(&heap, m, LENGTH);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  CHECK(local[0].word != before);  // which would pin it, were it looked at
  CHECK(list_is_whole(local[0].word, LENGTH));
  MIDDEN_FRAME_END(m, local);
  heap_close(&heap, m);
}
