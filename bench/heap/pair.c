// bench/heap/pair.c -- malloc(32) and free, for counting instructions: pair PAIRS LIVE.
//
// LIVE other blocks of the same size stay allocated meanwhile.  Run under callgrind with two
// numbers of pairs: what the longer run has more is the pairs', and all else falls out.
// SPDX-License-Identifier: MIT
#include "bench.h"

int main(int argc, char **argv) {
  if (argc != 3) bench_fail("usage: pair PAIRS LIVE");
  size_t pairs = strtoull(argv[1], NULL, 10);
  for (size_t live = strtoull(argv[2], NULL, 10); live > 0; live--) {
    void *volatile kept = malloc(32);
    if (kept == NULL) bench_fail("out of memory");
  }
  for (; pairs > 0; pairs--) {
    void *volatile block = malloc(32);
    free(block);
  }
  return 0;
}
