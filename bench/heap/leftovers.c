// bench/heap/leftovers.c -- long-lived blocks left among short-lived ones, then idle.
//
// Stands for a server that fills a cache while it serves bursts of work, each burst of sizes of its
// own, and then waits: the entries left behind from each burst pin the pages around them.  What the
// idle process still holds beyond its live bytes is the fragmentation that its user pays for.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { BURSTS = 40, BLOCKS = 60000, KEPT_IN = 50 };

static void *burst_blocks[BLOCKS];
static void *kept[BURSTS * BLOCKS / KEPT_IN];

int main(int argc, char **argv) {
  uint64_t seed = 1, live = 0;
  size_t kept_count = 0;
  bench_begin(argc, argv);
  for (size_t burst = 0; burst < bench_steps(BURSTS); burst++) {
    size_t least = (size_t)16 << bench_below(&seed, 4);
    for (size_t i = 0; i < BLOCKS; i++) {
      size_t bytes = bench_size(&seed, least, least * 32);
      burst_blocks[i] = bench_take(bytes);
      if (i % KEPT_IN != 0) continue;
      kept[kept_count++] = burst_blocks[i];
      burst_blocks[i] = NULL;
      live += bytes;
    }
    for (size_t i = 0; i < BLOCKS; i++) free(burst_blocks[i]);
  }
  printf("%zu %llu\n", kept_count, (unsigned long long)live);
  // The tables of pointers are resident too, and no allocator can help that: they count as live.
  bench_over(live + sizeof burst_blocks + kept_count * sizeof kept[0]);
  for (size_t i = 0; i < kept_count; i++) free(kept[i]);
  return 0;
}
