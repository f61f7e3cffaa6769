// tests/traps/tiny_stacks.c -- every slow path (first use, new spans, purges, large blocks, thread
// end) on 16 KiB of stack.
// SPDX-License-Identifier: MIT
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

enum { BLOCKS = 500 };
static void *left[BLOCKS];  // by the thread before: freed by the next

static void *use_all(void *with) {
  for (int i = 0; i < BLOCKS; i++) free(left[i]);
  for (int i = 0; i < BLOCKS; i++) {
    size_t bytes = (size_t)i * (size_t)i / 2;
    CHECK((left[i] = malloc(bytes)) != NULL);
    CHECK((left[i] = realloc(left[i], bytes + bytes / 2 + 1)) != NULL);
    memset(left[i], 1, bytes);
    free(calloc(7, bytes)), free(aligned_alloc(4096, bytes));
  }
  free(malloc(50 << 20));
  for (int i = 0; i < BLOCKS; i += 2) free(left[i]), left[i] = NULL;
  malloc_trim(0);
  return with;
}

int main(void) {
  pthread_attr_t tiny;
  CHECK(pthread_attr_init(&tiny) == 0);
  CHECK(pthread_attr_setstacksize(&tiny, (size_t)PTHREAD_STACK_MIN) == 0);
  for (int round = 0; round < 50; round++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, &tiny, use_all, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  use_all(NULL);
  return 0;
}
