// tests/findings/mapped_arena.c -- an arena that takes its memory from mmap, and gives none back.
// SPDX-License-Identifier: MIT
//
// expect: mapped possible -
// variants: plain inlined
#include <string.h>
#include <sys/mman.h>

#include "plant.h"

enum { STEPS = 300, BYTES = 256 << 10 };

PLANT char *take_chunk(int step) {
  char *chunk = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(chunk, step, BYTES);
  return chunk;
}

int main(void) {
  int sum = 0;
  for (int i = 0; i < STEPS; i++) {
    char *chunk = take_chunk(i);
    sum += chunk[1];
    plant_sleep_us(10000);
#ifdef MENDED
    munmap(chunk, BYTES);
#endif
  }
  return sum == 1;
}
