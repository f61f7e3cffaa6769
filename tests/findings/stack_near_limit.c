// tests/findings/stack_near_limit.c -- a thread with a small stack comes near to its end.
// SPDX-License-Identifier: MIT
//
// expect: stack possible -
// build: -pthread
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { LIMIT = 256 << 10, FRAME = 4000, DEPTH = 58 };

PLANT int rest(void) {
  char *block = malloc(100);
  memset(block, 1, 100);
  plant_sleep_us(500000);
  int sum = block[99];
  free(block);
  return sum;
}

__attribute__((noinline)) int descend(int depth) {
  char room[FRAME];
  memset(room, depth, sizeof room);
  int sum = depth > 0 ? descend(depth - 1) : rest();
  USED(room);
  return sum + room[depth];
}

static void *work(void *argument) {
  *(int *)argument = descend(DEPTH);
  return NULL;
}

int main(void) {
  int sum = 0;
  pthread_t thread;
  pthread_attr_t how;
  pthread_attr_init(&how);
#ifdef MENDED
  pthread_attr_setstacksize(&how, 8 * LIMIT);
#else
  pthread_attr_setstacksize(&how, LIMIT);
#endif
  pthread_create(&thread, &how, work, &sum);
  pthread_join(thread, NULL);
  return sum == 0;
}
