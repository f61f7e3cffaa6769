// bench/heap/threads.c -- many threads that start and stop.
//
// Stands for a program that starts a thread for each request: what a thread heap costs to set up
// and to hand on, and whether the memory of threads that are gone is used again.  Each thread makes
// a few hundred objects and frees half; the other half is its result, freed by the one that waits
// for it.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { AT_ONCE = 8, WAVES = 2500, OBJECTS = 300 };

struct request {
  uint64_t seed;
  void *result[OBJECTS / 2];
};

static void *request_serve(void *argument) {
  struct request *request = argument;
  for (size_t i = 0; i < OBJECTS / 2; i++) {
    void *temporary = bench_take(bench_size(&request->seed, 16, 2048));
    request->result[i] = bench_take(bench_size(&request->seed, 16, 512));
    free(temporary);
  }
  return NULL;
}

int main(int argc, char **argv) {
  static struct request requests[AT_ONCE];
  pthread_t threads[AT_ONCE];
  uint64_t sum = 0;
  bench_begin(argc, argv);
  for (unsigned t = 0; t < AT_ONCE; t++) requests[t].seed = t + 1;
  for (size_t wave = bench_steps(WAVES); wave > 0; wave--) {
    for (unsigned t = 0; t < AT_ONCE; t++) threads[t] = bench_thread(request_serve, &requests[t]);
    for (unsigned t = 0; t < AT_ONCE; t++) {
      pthread_join(threads[t], NULL);
      for (size_t i = 0; i < OBJECTS / 2; i++) free(requests[t].result[i]);
    }
  }
  for (unsigned t = 0; t < AT_ONCE; t++) sum ^= requests[t].seed;
  printf("%llx\n", (unsigned long long)sum);
  bench_over(0);
  return 0;
}
