// bench/heap/start.c -- a program that starts, allocates little and ends.
//
// Stands for the small commands that scripts run by the thousand: what the allocator costs before
// it has done anything.  The runner starts it many times over.
// SPDX-License-Identifier: MIT
#include "bench.h"

int main(int argc, char **argv) {
  bench_begin(argc, argv);
  void *block = bench_take(32);
  bench_over(32);
  free(block);
  return 0;
}
