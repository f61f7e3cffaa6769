// expect: midden: corrupted free list at 0x
// tests/misuse/write_over_a_freed_blocks_link.c -- the second word of a freed block is written
// over.
// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdlib.h>

// Enough to come to every free block of the class.
static void take_many(size_t bytes) {
  for (int i = 0; i < 100000; i++) (void)!malloc(bytes);
}

int main(void) {
  uintptr_t *p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 8; i++) free(p[i]);
  p[3][1] = (uintptr_t)p;
  take_many(64);
  return 0;
}
