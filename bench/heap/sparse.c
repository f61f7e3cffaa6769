// bench/heap/sparse.c -- most of the small blocks freed at random, then idle.
//
// Stands for a table or cache that was emptied: 100 MiB of 64-byte blocks, of which 99 in 100 are
// freed in random order.  What is left is one block in one or two of every three pages: an
// allocator that gives back only whole spans gives back nothing.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { BLOCK = 64, BLOCKS = (100 << 20) / BLOCK };

static void *blocks[BLOCKS];

int main(int argc, char **argv) {
  uint64_t seed = 1;
  bench_begin(argc, argv);
  size_t count = bench_steps(BLOCKS), kept = count / 100;
  for (size_t i = 0; i < count; i++) blocks[i] = bench_take(BLOCK);
  for (size_t i = count; i > 1; i--) {
    size_t other = bench_below(&seed, i);
    void *block = blocks[i - 1];
    blocks[i - 1] = blocks[other];
    blocks[other] = block;
  }
  for (size_t i = kept; i < count; i++) free(blocks[i]);
  printf("%zu %llx\n", kept, (unsigned long long)seed);
  // The table of pointers is resident too, and no allocator can help that: it counts as live.
  bench_over(kept * BLOCK + count * sizeof blocks[0]);
  for (size_t i = 0; i < kept; i++) free(blocks[i]);
  return 0;
}
