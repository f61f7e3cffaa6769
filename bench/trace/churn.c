// bench/trace/churn.c -- two threads that allocate and free at a steady rate.
// SPDX-License-Identifier: MIT
//
//   churn EVENTS PAUSE     prints the seconds that its threads took
//
// Each thread has 4096 places.  A step frees the block of a random place, or puts one of 16 to
// 1039 bytes there and writes to it; a step in sixteen swaps with a place that the threads share,
// so that blocks are freed by the other one.  PAUSE: turns of an empty loop after each step.
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 2, PLACES = 4096 };

static long steps, pause_turns;
static _Atomic(void *) shared[PLACES];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *churn(void *seed) {
  uint64_t random = (uintptr_t)seed * 0x9e3779b97f4a7c15u + 1;
  void **place = calloc(PLACES, sizeof *place);
  for (long i = 0; i < steps; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t which = random >> 52, bytes = 16 + (random >> 40 & 1023);
    if (place[which] != NULL) {
      free(place[which]);
      place[which] = NULL;
    } else {
      place[which] = memset(malloc(bytes), 1, bytes < 64 ? bytes : 64);
    }
    if (i % 16 == 0) place[which] = atomic_exchange(&shared[which], place[which]);
    for (volatile long turn = 0; turn < pause_turns; turn++) continue;
  }
  for (int i = 0; i < PLACES; i++) free(place[i]);
  free(place);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: churn EVENTS PAUSE\n"), 2;
  steps = atol(argv[1]) / THREADS;
  pause_turns = atol(argv[2]);
  pthread_t thread[THREADS];
  double start = now();
  for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, churn, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  printf("%.6f\n", now() - start);
  return 0;
}
