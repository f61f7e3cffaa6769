// bench/gc/churn.c -- what a heap holds after long churn: churn SECONDS LIVE_MIB TIMES
//
// Objects of 16 bytes to 4 KiB, and a few large ones, replace each other at random: TIMES the live
// size is allocated, evenly over SECONDS.  After a tenth of that, and at the end, it collects all
// that is dead and tells what the heap holds.  Half of the objects are replaced seven times as
// often as the other half, so that old and new lie side by side.
// SPDX-License-Identifier: MIT
#include "memory.h"

enum {
  MEAN_BYTES = 900,
  DOUBLINGS = 8,
  LEAST_WORDS = 4,
  LARGE_WORDS = 16 << 10,
  LARGE_ONE_IN = 4096
};

struct slots {
  REF(uint32_t) slot[0];
};

static uint64_t live_words;

static uint32_t words_of_next(uint32_t *seed) {
  if (memory_random(seed) % LARGE_ONE_IN == 0) return LARGE_WORDS;
  uint32_t words = LEAST_WORDS << memory_random(seed) % DOUBLINGS;
  return words + memory_random(seed) % words;
}

static void churn_report(memory *m, const char *when) {
  memory_full(m);
  printf("%s committed=%zu live=%llu\n", when, memory_committed(m),
         (unsigned long long)live_words * sizeof(uint32_t));
  fflush(stdout);
}

// Replaces one object; returns the bytes of the new one.
static size_t churn_step(memory *m, ROOTS_OF(r), uint32_t slots, uint32_t *seed) {
  uint32_t half = slots / 2, at = memory_random(seed) % half;
  if (memory_random(seed) % 8 == 0) at += half;
  uint32_t words = words_of_next(seed);
  uint32_t *object = memory_words(m, words);
  struct slots *table = ROOT(r, 0);
  object[0] = object[words - 1] = words;
  uint32_t *before = GET(m, table, slot[at]);
  live_words += words;
  if (before != NULL) live_words -= before[0];
  memory_free(m, before);
  SET(m, table, slot[at], object);
  return words * sizeof(uint32_t);
}

static void churn_pace(uint64_t due_ns) {
  uint64_t now = figures_now_ns();
  if (due_ns < now + 1000000) return;
  struct timespec rest = {(time_t)((due_ns - now) / 1000000000),
                          (long)((due_ns - now) % 1000000000)};
  nanosleep(&rest, NULL);
}

int main(int argc, char **argv) {
  uint64_t seconds = memory_argument(argc, argv, 1);
  uint64_t live = (uint64_t)memory_argument(argc, argv, 2) << 20;
  uint64_t all = live * memory_argument(argc, argv, 3), allocated = 0;
  uint32_t slots = (uint32_t)(live / MEAN_BYTES), seed = 1;
  bool told = false;
  memory *m = memory_open();
  ROOTS(m, r, 1);
  ROOT_SET(r, 0, memory_refs(m, slots));
  uint64_t start = figures_now_ns();
  while (allocated < all) {
    for (int i = 0; i < 1000; i++) allocated += churn_step(m, r, slots, &seed);
    churn_pace(start + (uint64_t)((double)allocated / (double)all * (double)seconds * 1e9));
    if (!told && allocated >= all / 10) churn_report(m, "tenth");
    told = told || allocated >= all / 10;
  }
  churn_report(m, "end");
  ROOTS_END(m, r);
  memory_close(m, seed);
  return 0;
}
