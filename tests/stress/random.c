// tests/stress/random.c -- one million random operations over 4 threads, every block's content
// known, and the whole heap looked over again and again.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "model.h"

enum { THREADS = 4, ROUNDS = SANITIZED ? 10 : 50, STEPS = 5000 };

static pthread_barrier_t together;
static _Atomic(const char *) wrong;

// The first thread looks the heap over while the others wait at the second barrier.
static void *work(void *with) {
  uint64_t seed = (uintptr_t)with << 40;
  for (int round = 0; round < ROUNDS; round++) {
    const char *found = atomic_load(&wrong) ? NULL : model_steps(STEPS, &seed);
    if (found != NULL) atomic_store(&wrong, found);
    pthread_barrier_wait(&together);
    if ((uintptr_t)with == 1 && atomic_load(&wrong) == NULL) {
      found = model_broken();
      if (found == NULL) found = model_walks();
      if (found == NULL && round % 10 == 9) midden_malloc_trim(), found = model_broken();
      if (found != NULL) atomic_store(&wrong, found);
    }
    pthread_barrier_wait(&together);
  }
  return NULL;
}

TEST(one_million_random_operations_over_4_threads_keep_every_block)
{
  model_open();
  CHECK_EQ(pthread_barrier_init(&together, NULL, THREADS), 0);
  pthread_t thread[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, work, (void *)(i + 1)), 0);
  for (int i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
  CHECK_WHOLE(atomic_load(&wrong));
  CHECK_WHOLE(model_broken());
  model_close();
}
