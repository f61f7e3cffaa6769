// tests/misuse/attacks/double_free_by_another_thread.c -- a block is freed by its thread, then by
// another.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

#include <pthread.h>

static void *give(void *p) {
  free(malloc(64));
  stage("at once");
  free(p);
  stage("at reuse");
  return NULL;
}

int main(void) {
  void *p = malloc(64), *neighbour = malloc(64);
  free(p);
  pthread_t thread;
  if (pthread_create(&thread, NULL, give, p) != 0) return 3;
  pthread_join(thread, NULL);
  bool twice = given_twice(64);
  free(neighbour);
  finish(twice);
}
