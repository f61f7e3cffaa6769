// expect: midden: corrupted free list at 0x
// tests/misuse/write_into_a_block_freed_by_another_thread.c -- a block that another thread freed is
// written over.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *drop(void *p) {
  free(p);
  return NULL;
}

static void drop_in_thread(void *p) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, drop, p) != 0) exit(3);
  pthread_join(thread, NULL);
}

// Enough to come to every free block of the class.
static void take_many(size_t bytes) {
  for (int i = 0; i < 100000; i++) (void)!malloc(bytes);
}

int main(void) {
  char *p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 8; i++) drop_in_thread(p[i]);
  memset(p[3], 'A', 64);
  take_many(64);
  return 0;
}
