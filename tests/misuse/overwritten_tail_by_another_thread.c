// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_by_another_thread.c -- another thread frees the block whose tail
// was overwritten.
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
  char *volatile p = malloc(100);
  p[100] = 2;  // even, as no byte of a tail is
  drop_in_thread(p);
  return 0;
}
