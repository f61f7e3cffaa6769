// bench/heap/big.c -- big blocks, 64 KiB to 64 MiB, that come and go.
//
// Stands for buffers of images, files and matrices in a program that then waits for work: every
// page of each is written, by a byte, since what a program computes in them is not the allocator's.
// Giving every block back at once costs a page fault for each page of the next; keeping them all
// costs memory that the idle program still holds at the end.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { SLOTS = 8, BLOCKS = 200, SMALLEST = 64 << 10, LARGEST = 64 << 20 };

int main(int argc, char **argv) {
  void *slots[SLOTS] = {NULL};
  uint64_t seed = 1;
  size_t sum = 0;
  bench_begin(argc, argv);
  for (size_t left = bench_steps(BLOCKS); left > 0; left--) {
    void **slot = &slots[bench_below(&seed, SLOTS)];
    free(*slot);
    size_t bytes = bench_size(&seed, SMALLEST, LARGEST);
    *slot = bench_take(bytes);
    sum += bytes;
  }
  for (size_t i = 0; i < SLOTS; i++) free(slots[i]);
  printf("%zu\n", sum);
  bench_over(0);
  return 0;
}
