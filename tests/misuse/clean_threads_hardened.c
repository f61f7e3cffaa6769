// expect-ok
// options: hardened=1
// tests/misuse/clean_threads_hardened.c -- threads that free each other's blocks are left alone;
// hardened.
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

int main(void) {
  for (int i = 0; i < 2000; i++) {
    unsigned char *p = malloc((size_t)i * 7);
    memset(p, 'x', (size_t)i * 7);
    if (i % 10 == 0)
      drop_in_thread(p);
    else
      free(p);
  }
  return 0;
}
