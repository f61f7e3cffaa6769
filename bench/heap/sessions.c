// bench/heap/sessions.c -- a server that holds sessions.
//
// Stands for a server whose worker threads replace the objects of long sessions at random: sizes
// vary, a live set churns, some objects are handed to another thread and freed there, and after a
// while a worker dies and a new one takes over its sessions, so that most of what it frees was
// allocated by a thread that is gone.  The idea is that of larson (P. Larson, M. Krishnan, "Memory
// Allocation for Long-Running Server Applications", ISMM 1998).
// SPDX-License-Identifier: MIT
#include <stdatomic.h>

#include "bench.h"

enum { WORKERS = 4, SESSIONS = 2000, LIVES = 60, REPLACEMENTS = 60000, BOXES = 64 };

struct worker {
  uint64_t seed;
  unsigned lives;
  void *sessions[SESSIONS];
};

static struct worker workers[WORKERS];

// Objects on their way from one thread to another: whoever puts one takes and frees the last.
// All threads exchange; release by who puts, acquire by who takes.
static _Atomic(void *) xboxes[BOXES];

static void *worker_object(struct worker *worker) {
  return bench_take(bench_size(&worker->seed, 16, 1024));
}

// One life: works, then hands all its sessions to a thread that it starts, and ends.
static void *worker_live(void *argument) {
  struct worker *worker = argument;
  for (size_t i = 0; i < bench_steps(REPLACEMENTS); i++) {
    void **session = &worker->sessions[bench_below(&worker->seed, SESSIONS)];
    void *old = *session;
    if (i % 8 == 0) {
      size_t box = bench_below(&worker->seed, BOXES);
      old = atomic_exchange_explicit(&xboxes[box], old, memory_order_acq_rel);
    }
    free(old);
    *session = worker_object(worker);
  }
  if (--worker->lives == 0) return NULL;
  pthread_t next = bench_thread(worker_live, worker);
  return (void *)next;
}

int main(int argc, char **argv) {
  pthread_t threads[WORKERS];
  bench_begin(argc, argv);
  for (unsigned w = 0; w < WORKERS; w++) {
    workers[w].seed = w + 1;
    workers[w].lives = LIVES;
    for (size_t i = 0; i < SESSIONS; i++) workers[w].sessions[i] = worker_object(&workers[w]);
    threads[w] = bench_thread(worker_live, &workers[w]);
  }
  uint64_t sum = 0;
  for (unsigned w = 0; w < WORKERS; w++) {
    void *next = (void *)threads[w];
    while (next != NULL) pthread_join((pthread_t)next, &next);
    sum ^= workers[w].seed;
    for (size_t i = 0; i < SESSIONS; i++) free(workers[w].sessions[i]);
  }
  for (size_t i = 0; i < BOXES; i++) free(atomic_load(&xboxes[i]));
  printf("%llx\n", (unsigned long long)sum);
  bench_over(0);
  return 0;
}
