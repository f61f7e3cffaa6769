// tests/findings/leaked_ended_thread.c -- threads that end leave their caches behind.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely cache_block
// build: -pthread
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct block {
  struct block *next;
  char room[200];
};

static __thread struct block *cache;

PLANT void cache_block(int i) {
  struct block *block = malloc(sizeof *block);  // HERE
  memset(block->room, i, sizeof block->room);
  block->next = cache;
  cache = block;
}

static void *work(void *argument) {
  for (int i = 0; i < 50; i++) cache_block(i);
#ifdef MENDED
  while (cache != NULL) {
    struct block *next = cache->next;
    free(cache);
    cache = next;
  }
#endif
  return argument;
}

int main(void) {
  for (int i = 0; i < 10; i++) {
    pthread_t thread[4];
    for (int k = 0; k < 4; k++) pthread_create(&thread[k], NULL, work, NULL);
    for (int k = 0; k < 4; k++) pthread_join(thread[k], NULL);
  }
  return 0;
}
