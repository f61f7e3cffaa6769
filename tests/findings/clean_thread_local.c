// tests/findings/clean_thread_local.c -- blocks on threads' stacks and in their storage.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// build: -pthread
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { THREADS = 6 };

static __thread char *mine;
static pthread_key_t key;
static pthread_barrier_t ready;

static void *work(void *argument) {
  char *on_stack = malloc(1000);
  memset(on_stack, 1, 1000);
  mine = malloc(2000);
  memset(mine, 2, 2000);
  USED(&mine);
  char *specific = malloc(3000);
  memset(specific, 3, 3000);
  pthread_setspecific(key, specific);
  pthread_barrier_wait(&ready);
  plant_sleep_us(10000000);  // the program ends meanwhile
  on_stack[0] = mine[0];
  free(on_stack);
  return argument;
}

int main(void) {
  pthread_key_create(&key, NULL);
  pthread_barrier_init(&ready, NULL, THREADS + 1);
  for (int i = 0; i < THREADS; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
  }
  pthread_barrier_wait(&ready);
  plant_sleep_us(50000);
  return 0;
}
