// expect: midden: corrupted free list at 0x
// tests/misuse/write_over_a_freed_blocks_mark.c -- the first word of a freed block is written over.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

// Enough to come to every free block of the class.
static void take_many(size_t bytes) {
  for (int i = 0; i < 100000; i++) (void)!malloc(bytes);
}

int main(void) {
  long *p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 8; i++) free(p[i]);
  p[3][0] = 42;
  take_many(64);
  return 0;
}
