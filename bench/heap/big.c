// bench/heap/big.c -- big blocks, 64 KiB to 64 MiB, that come and go.
//
// Stands for buffers of images, files and matrices in a program that then waits for work: each
// block is written once.  Giving every block back at once costs a page fault for each page of the
// next; keeping them all costs memory that the idle program still holds at the end.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { SLOTS = 8, BLOCKS = 200, SMALLEST = 64 << 10, LARGEST = 64 << 20 };

int main(int argc, char **argv) {
  void *slots[SLOTS] = {NULL};
  uint64_t seed = 1;
  size_t sum = 0, last = 0;
  bench_begin(argc, argv);
  for (size_t left = bench_steps(BLOCKS); left > 0; left--) {
    void **slot = &slots[bench_below(&seed, SLOTS)];
    free(*slot);
    last = bench_size(&seed, SMALLEST, LARGEST);
    *slot = bench_take(last);
    sum += last;
  }
  for (size_t i = 0; i < SLOTS; i++) free(slots[i]);
  printf("%zu\n", sum);
  bench_over(0);
  return 0;
}
