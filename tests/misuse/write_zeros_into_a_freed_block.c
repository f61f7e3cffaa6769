// expect: midden: corrupted free list at 0x
// tests/misuse/write_zeros_into_a_freed_block.c -- a freed block is cleared, whole, and its class
// is used again.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

// Enough to come to every free block of the class.
static void take_many(size_t bytes) {
  for (int i = 0; i < 100000; i++) (void)!malloc(bytes);
}

int main(void) {
  char *p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 8; i++) free(p[i]);
  memset(p[3], 0, 64);
  take_many(64);
  return 0;
}
