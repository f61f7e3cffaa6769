// expect: midden: double free at 0x
// tests/misuse/double_free_after_another_thread.c -- another thread frees it, then the owner.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>

static void *drop(void *p) {
  free(p);
  return NULL;
}

static void drop_in_thread(void *p) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, drop, p) != 0) exit(3);
  pthread_join(thread, NULL);
}

int main(void) {
  void *p = malloc(100), *neighbour = malloc(100);
  drop_in_thread(p);
  free(p);
  free(neighbour);
  return 0;
}
