// tests/stress/generations.c -- threads that die and are replaced, over one table of blocks: what
// the dead left is freed, resized and adopted by the living.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "base/options.h"
#include "model.h"

enum { THREADS = 4, LIVES = SANITIZED ? 100 : 1000, STEPS = 300 };

static void *live(void *with) {
  uint64_t seed = (uintptr_t)with << 20;
  return (void *)(uintptr_t)model_steps(STEPS, &seed);
}

TEST(a_thousand_threads_hand_their_blocks_down)
{
  model_open();
  pthread_t thread[THREADS];
  for (uintptr_t life = 0; life < LIVES; life++) {
    uintptr_t k = life % THREADS;
    void *wrong = NULL;
    if (life >= THREADS) CHECK_EQ(pthread_join(thread[k], &wrong), 0);
    CHECK_WHOLE((const char *)wrong);
    CHECK_EQ(pthread_create(&thread[k], NULL, live, (void *)(life + 1)), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    void *wrong;
    CHECK_EQ(pthread_join(thread[i], &wrong), 0);
    CHECK_WHOLE((const char *)wrong);
  }
  CHECK_WHOLE(model_broken());
  CHECK_WHOLE(model_walks());
  model_close();
}

// All at once, then all dead, then all again: the heap does not grow with the generations.
TEST(generations_that_leave_nothing_do_not_grow_the_heap)
{
  model_open();
  size_t settled = 0;
  for (uintptr_t round = 0; round < LIVES / 10; round++) {
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
      CHECK_EQ(pthread_create(&thread[i], NULL, live, (void *)(round * THREADS + i + 7)), 0);
    for (int i = 0; i < THREADS; i++) {
      void *wrong;
      CHECK_EQ(pthread_join(thread[i], &wrong), 0);
      CHECK_WHOLE((const char *)wrong);
    }
    CHECK_WHOLE(model_broken());
    for (int i = 0; i < ENTRIES; i++) midden_free(model[i].p), model[i].p = NULL;
    midden_malloc_trim();
    if (round == LIVES / 100) settled = test_rss_bytes();
  }
  // Hardened spans are touched all over, as are those that our own heaps keep at hand.
  size_t kept = mid_options.hardened ? 16 * MIB : 4 * MIB;
  if (!SANITIZED) CHECK(test_rss_bytes() < settled + kept);
  model_close();
}
