// bench/heap/pairs.c -- one thread that allocates and frees small objects.
//
// Stands for the inner loop of most programs: temporaries that live for one call (`stack`: the last
// one made is the first to go, as in recursive code and C++ scopes), or messages and tokens that
// pass through a short queue (`queue`: the first one made is the first to go).
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { MOST = 256, ROUNDS = 500000 };

static size_t pairs_sizes[4096];

static void *pairs_take(size_t *next) { return bench_take(pairs_sizes[(*next)++ % 4096]); }

static void pairs_stack(uint64_t *seed) {
  void *live[MOST];
  size_t next = 0;
  for (size_t round = bench_steps(ROUNDS); round > 0; round--) {
    size_t depth = 1 + bench_below(seed, MOST);
    for (size_t i = 0; i < depth; i++) live[i] = pairs_take(&next);
    while (depth > 0) free(live[--depth]);
  }
  printf("%zu\n", next);
}

static void pairs_queue(void) {
  void *live[MOST] = {NULL};
  size_t next = 0;
  for (size_t left = bench_steps(ROUNDS) * MOST / 2; left > 0; left--) {
    void **slot = &live[left % MOST];
    free(*slot);
    *slot = pairs_take(&next);
  }
  for (size_t i = 0; i < MOST; i++) free(live[i]);
  printf("%zu\n", next);
}

int main(int argc, char **argv) {
  uint64_t seed = 1;
  bench_begin(argc, argv);
  for (size_t i = 0; i < 4096; i++) pairs_sizes[i] = bench_size(&seed, 16, 256);
  if (argc > 1 && strcmp(argv[1], "stack") == 0)
    pairs_stack(&seed);
  else if (argc > 1 && strcmp(argv[1], "queue") == 0)
    pairs_queue();
  else
    bench_fail("usage: pairs stack|queue [PERCENT]");
  bench_over(0);
  return 0;
}
