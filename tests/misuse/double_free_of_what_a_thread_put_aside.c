// expect: midden: double free at 0x
// tests/misuse/double_free_of_what_a_thread_put_aside.c -- a thread frees another's block, and
// lives on; the owner frees it again.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static sem_t freed, never;
static void *volatile p[3];

static void *drop(void *with) {
  for (int i = 0; i < 3; i++) free(p[i]);
  sem_post(&freed);
  sem_wait(&never);
  return with;
}

int main(void) {
  pthread_t thread;
  for (int i = 0; i < 3; i++) p[i] = malloc(100);
  if (sem_init(&freed, 0, 0) != 0 || sem_init(&never, 0, 0) != 0) return 3;
  if (pthread_create(&thread, NULL, drop, NULL) != 0) return 3;
  sem_wait(&freed);
  free(p[1]);
  return 0;
}
