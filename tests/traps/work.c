// tests/traps/work.c -- an ordinary program: threads, many sizes, a child, contents that are
// checked.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "support.h"

static void *work(void *with) {
  enum { SLOTS = 400, ROUNDS = 500 };
  struct {
    unsigned char *p;
    size_t bytes;
  } slot[SLOTS] = {0};
  uint64_t seed = (uintptr_t)with << 40;
  for (int i = 0; i < ROUNDS; i++) {
    size_t k = test_random(&seed) % SLOTS;
    CHECK(slot[k].p == NULL || test_filled(slot[k].p, slot[k].bytes, k));
    free(slot[k].p);
    slot[k].bytes = test_random_size(&seed, 60000);
    CHECK((slot[k].p = malloc(slot[k].bytes)) != NULL);
    test_fill(slot[k].p, slot[k].bytes, k);
  }
  for (int k = 0; k < SLOTS; k++) free(slot[k].p);
  return NULL;
}

static void work_in_threads(void) {
  pthread_t thread[30];
  for (int round = 0; round < 2; round++) {
    for (uintptr_t i = 0; i < 30; i++)
      CHECK(pthread_create(&thread[i], NULL, work, (void *)(i + 1)) == 0);
    for (int i = 0; i < 30; i++) CHECK(pthread_join(thread[i], NULL) == 0);
  }
}

int main(void) {
  work_in_threads();
  pid_t child = fork();
  if (child == 0) work(NULL), exit(0);
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  return 0;
}
