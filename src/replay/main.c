// replay/main.c -- midden-replay: the program in which `midden replay` runs a plan.
// SPDX-License-Identifier: MIT
//
// It is a program of its own so that LD_PRELOAD gives it the malloc to be tried, and links nothing
// that would call that malloc beside the replay.
#define _GNU_SOURCE  // dladdr
#include <dlfcn.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "replay/loop.h"
#include "replay/measure.h"

enum { STACK_BYTES = 128 << 10, SAMPLES = 1000 };

static struct mid_replay replay;
static pthread_barrier_t begin;
static sem_t ended;                // by each lane
static _Atomic uint64_t xlast_ns;  // when the last lane ended; raised by each

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// ---- the shared files ----

static void *map_file(int fd, int access, int how) {
  struct stat s;
  if (fstat(fd, &s) != 0 || s.st_size == 0) return NULL;
  void *p = mmap(NULL, (size_t)s.st_size, access, MAP_SHARED | how, fd, 0);
  return p == MAP_FAILED ? NULL : p;
}

// Which file malloc comes from, as the loader found it.
static void tell_malloc(struct mid_errand *errand) {
  Dl_info info;
  void *alloc = dlsym(RTLD_DEFAULT, "malloc");
  if (alloc == NULL || dladdr(alloc, &info) == 0) return;
  snprintf(errand->malloc_is_in, sizeof errand->malloc_is_in, "%s", info.dli_fname);
}

static _Noreturn void give_up(void) {
  replay.errand->state = MID_REPLAY_NO_TABLES;
  _exit(1);
}

// ---- threads ----

// Runs one recorded thread, then starts the next one of its lane, on the other of two stacks.
struct runner {
  struct mid_lane *lane;
  uint32_t thread;
  pthread_t before;  // the thread that ran before it here
  bool has_before, starts;
  char *stack, *other_stack;
};

static void *runner_body(void *self);

static void runner_start(struct runner *runner, pthread_t *thread) {
  pthread_attr_t how;
  pthread_attr_init(&how);
  pthread_attr_setstack(&how, runner->stack, STACK_BYTES);
  // Its own record lies at the low end of its stack, which it will not reach.
  struct runner *kept = (struct runner *)(void *)runner->stack;
  *kept = *runner;
  if (pthread_create(thread, &how, runner_body, kept) != 0) give_up();
  pthread_attr_destroy(&how);
}

static void run_recorded(struct mid_lane *lane, uint32_t thread) {
  const struct mid_plan *plan = replay.plan;
  const struct mid_plan_thread *t = mid_plan_part(plan, plan->threads_at);
  const struct mid_plan_op *op = mid_plan_part(plan, plan->ops_at);
  mid_loop_run(lane, op + t[thread].first, t[thread].count);
}

static void lane_ended(void) {
  uint64_t now = now_ns(), last = atomic_load(&xlast_ns);
  while (now > last && !atomic_compare_exchange_weak(&xlast_ns, &last, now)) continue;
  sem_post(&ended);
}

// Go on with the thread that follows `r` in its lane, if there is one.
static void runner_go_on(const struct runner *r, bool joinable) {
  const struct mid_plan_thread *t = mid_plan_part(replay.plan, replay.plan->threads_at);
  struct runner next = {.lane = r->lane,
                        .thread = t[r->thread].next,
                        .before = pthread_self(),
                        .has_before = joinable,
                        .stack = r->other_stack,
                        .other_stack = r->stack};
  pthread_t thread;
  if (next.thread == MID_PLAN_NONE)
    lane_ended();
  else
    runner_start(&next, &thread);
}

static void *runner_body(void *self) {
  struct runner r = *(struct runner *)self;
  if (r.has_before) pthread_join(r.before, NULL);
  if (r.starts) pthread_barrier_wait(&begin);
  run_recorded(r.lane, r.thread);
  runner_go_on(&r, true);
  return NULL;
}

// Stacks are the replayer's, so that they count for no heap.
static struct runner runner_open(uint32_t lane) {
  const uint32_t *first = mid_plan_part(replay.plan, replay.plan->lanes_at);
  char *stacks = mid_own_memory(2 * STACK_BYTES);
  if (stacks == NULL) give_up();
  return (struct runner){.lane = &mid_lanes[lane],
                         .thread = first[lane],
                         .starts = true,
                         .stack = stacks,
                         .other_stack = stacks + STACK_BYTES};
}

static void run_threads(void) {
  uint32_t lanes = replay.plan->lanes;
  struct runner first = runner_open(0);
  pthread_barrier_init(&begin, NULL, lanes);
  sem_init(&ended, 0, 0);
  for (uint32_t i = 1; i < lanes; i++) {
    struct runner runner = runner_open(i);
    pthread_t thread;
    runner_start(&runner, &thread);
  }
  pthread_barrier_wait(&begin);
  uint64_t start = now_ns();
  run_recorded(first.lane, first.thread);
  runner_go_on(&first, false);
  for (uint32_t i = 0; i < lanes; i++) sem_wait(&ended);
  replay.errand->ns = atomic_load(&xlast_ns) - start;
}

static void run_in_order(void) {
  uint64_t start = now_ns();
  mid_loop_run(&mid_lanes[0], mid_plan_part(replay.plan, replay.plan->order_at), replay.plan->ops);
  replay.errand->ns = now_ns() - start;
}

// ---- the whole ----

static bool lay_out(void) {
  const struct mid_plan *plan = replay.plan;
  pthread_mutex_init(&replay.lock, NULL);
  replay.every = plan->ops / SAMPLES + 1;
  replay.slot = mid_own_memory(plan->slots * sizeof *replay.slot);
  mid_lanes = mid_own_memory(plan->lanes * sizeof *mid_lanes);
  if (replay.slot == NULL || mid_lanes == NULL || !mid_pages_open()) return false;
  for (uint32_t i = 0; i < plan->lanes; i++)
    mid_lanes[i] = (struct mid_lane){.replay = &replay, .number = i, .until_sample = replay.every};
  return mid_calls_open(replay.errand, &replay.calls);
}

int main(void) {
  struct mid_errand *errand = map_file(MID_REPLAY_ERRAND_FD, PROT_READ | PROT_WRITE, MAP_POPULATE);
  replay.plan = map_file(MID_REPLAY_PLAN_FD, PROT_READ, MAP_POPULATE);
  if (errand == NULL) {
    fputs("midden-replay: this is a part of 'midden replay': run that\n", stderr);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  tell_malloc(errand);
  if (replay.plan == NULL) return 0;
  replay.errand = errand;
  if (!lay_out()) give_up();
  errand->own_bytes = mid_own_bytes();
  errand->knows_usable = replay.calls.usable != NULL || replay.calls.stats != NULL;
  errand->state = MID_REPLAY_RUNNING;
  if (errand->flags & MID_REPLAY_IN_ORDER)
    run_in_order();
  else
    run_threads();
  errand->rss_peak = mid_max(errand->rss_peak, mid_measure_peak_rss());
  errand->state = MID_REPLAY_DONE;
  _exit(0);
}
