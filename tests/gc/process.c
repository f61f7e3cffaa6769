// tests/gc/process.c -- what a program does around its heaps: fork, closing descriptors, signals.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "model.h"

enum { SCANNED = MIDDEN_GC_STORES, PRECISE = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS };

static midden_gc *gc;
static midden_type *types_of[2][SHAPES], **types = types_of[0];
static _Atomic bool stop;

static void heap_open(unsigned keeps) {
  midden_gc_config config = {.keeps = keeps};
  gc = model_heap(&config, types);
  stop = false;
}

// Work, and then `what`, in the middle of more work.  returns the model, to be freed after its heap
static struct model *work_around(unsigned keeps, uint64_t seed, void (*what)(struct model *k)) {
  midden_mutator *m;
  MUST(midden_gc_attach(gc, &m) == MIDDEN_OK);
  MIDDEN_FRAME(m, frame, MODEL_FRAME);
  struct model *k = model_open(gc, m, keeps, types, frame, seed);
  for (int i = 0; i < 600; i++) model_step(k);
  what(k);
  for (int i = 0; i < 300; i++) model_step(k);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  (void)model_check(k, false);
  model_close(k);
  MIDDEN_FRAME_END(m, frame);
  midden_gc_detach(m);
  return k;
}

// ---- fork ----

static void work_on(struct model *k) {
  while (!stop) {
    model_step(k);
    if (model_random(k, 200) == 0) midden_gc_collect(k->m, MIDDEN_GC_MINOR);
  }
}

static void *work_beside(void *seed) { return work_around(SCANNED, (uintptr_t)seed, work_on); }

// The child has this thread alone; what the others had in their stacks is theirs no more.
static void fork_and_collect(struct model *k) {
  for (int i = 0; i < 4; i++) {
    pid_t child = fork();
    if (child == 0) {
      alarm(60);
      for (int n = 0; n < 200; n++) model_step(k);
      midden_gc_collect(k->m, MIDDEN_GC_MINOR);
      midden_gc_collect(k->m, MIDDEN_GC_MAJOR);
      must_be_whole(k->m);
      (void)model_check(k, false);
      _exit(0);
    }
    int status = -1;
    MUST(waitpid(child, &status, 0) == child && status == 0);
  }
  stop = true;
}

TEST(a_forked_child_of_many_threads_goes_on_with_its_heap)
{
  pthread_t id[3];
  heap_open(SCANNED);
  for (uintptr_t i = 0; i < 3; i++) MUST(pthread_create(&id[i], NULL, work_beside, (void *)i) == 0);
  void *model[4] = {work_around(SCANNED, 99, fork_and_collect)};
  for (int i = 0; i < 3; i++) MUST(pthread_join(id[i], &model[i + 1]) == 0);
  midden_gc_close(gc);
  for (int i = 0; i < 4; i++) free(model[i]);
}

// ---- descriptors ----

static void close_all(struct model *k) {
  midden_gc_collect(k->m, MIDDEN_GC_MAJOR);
  (void)close_range(3, ~0u, 0);
  for (int i = 0; i < 400; i++) {
    model_step(k);
    if (i % 100 == 0) {
      midden_gc_collect(k->m, MIDDEN_GC_MINOR);
      must_be_whole(k->m);
      (void)model_check(k, false);
    }
  }
}

TEST_IN_CHILD(a_program_may_close_all_descriptors) {
  heap_open(PRECISE);
  struct model *k = work_around(PRECISE, 5, close_all);
  midden_gc_close(gc);
  free(k);
  return true;
}

// ---- signals ----

static volatile sig_atomic_t ticks;

// Uses the stack, and registers, of what it interrupts.
static void tick(int signal) {
  char room[512];
  (void)signal;
  memset(room, (int)ticks, sizeof room);
  __asm__ volatile("" ::"r"(room) : "memory");
  ticks++;
}

static void work_among_signals(struct model *k) {
  struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
  struct sigaction then = {.sa_handler = tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &then, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 2000 || ticks < 10; i++) {
    model_step(k);
    if (i % 64 == 0) midden_gc_collect(k->m, MIDDEN_GC_MINOR);
  }
  setitimer(ITIMER_REAL, &never, NULL);
  must_be_whole(k->m);
}

TEST(handlers_of_the_program_run_at_any_place)
{
  heap_open(SCANNED);
  struct model *k = work_around(SCANNED, 6, work_among_signals);
  midden_gc_close(gc);
  free(k);
}

// ---- two heaps ----

static void work_in_another(struct model *k) {
  midden_gc *first = gc;
  types = types_of[1];
  heap_open(SCANNED);
  struct model *other = work_around(SCANNED, 7, work_among_signals);
  midden_gc_close(gc);
  free(other);
  gc = first;
  types = types_of[0];
  (void)model_check(k, false);
}

TEST(heaps_live_side_by_side)
{
  heap_open(SCANNED);
  struct model *k = work_around(SCANNED, 8, work_in_another);
  midden_gc_close(gc);
  free(k);
}
