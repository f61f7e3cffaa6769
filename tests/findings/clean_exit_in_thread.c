// tests/findings/clean_exit_in_thread.c -- a thread ends the program, another holds blocks.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// build: -pthread
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

static void *end_it(void *argument) {
  char *own = malloc(900);
  memset(own, 1, 900);
  plant_sleep_us(30000);
  exit(own[3] + *(char *)argument - 2);
}

int main(void) {
  pthread_t thread;
  char *blocks[50];
  for (int i = 0; i < 50; i++) {
    blocks[i] = malloc(800);
    memset(blocks[i], 1, 800);
  }
  pthread_create(&thread, NULL, end_it, blocks[7]);
  pthread_join(thread, NULL);
  for (int i = 0; i < 50; i++) free(blocks[i]);
  return 1;
}
