// tests/findings/false_sharing_counters.c -- the counters of four threads lie in one cache line.
// SPDX-License-Identifier: MIT
//
// expect: false-sharing possible make_counter
// build: -pthread
#include <pthread.h>
#include <stdlib.h>

#include "plant.h"

PLANT volatile long *make_counter(void) {
#ifdef MENDED
  long *counter = aligned_alloc(64, 64);
#else
  long *counter = malloc(sizeof *counter);  // HERE
#endif
  *counter = 0;
  return counter;
}

static void *count(void *argument) {
  volatile long *counter = argument;
  for (long i = 0; i < 50000000; i++) ++*counter;
  free(argument);
  return NULL;
}

int main(void) {
  pthread_t thread[4];
  volatile long *counter[4];
  for (int i = 0; i < 4; i++) counter[i] = make_counter();
  for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, count, (void *)counter[i]);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  return 0;
}
