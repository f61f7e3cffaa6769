// expect: midden: double free at 0x
// tests/misuse/double_free_of_a_dead_threads_block.c -- the thread that allocated it is gone.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>

static void *take(void *with) {
  (void)with;
  (void)!malloc(100);  // stays, so that the span stays
  return malloc(100);
}

int main(void) {
  pthread_t thread;
  void *p;
  if (pthread_create(&thread, NULL, take, NULL) != 0) return 3;
  pthread_join(thread, &p);
  free(p);
  free(p);
  return 0;
}
