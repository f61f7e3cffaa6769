// expect: midden: corrupted free list at 0x
// tests/misuse/overrun_into_a_freed_neighbour.c -- a live block is written past its end into a free
// one.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

// Enough to come to every free block of the class.
static void take_many(size_t bytes) {
  for (int i = 0; i < 100000; i++) (void)!malloc(bytes);
}

int main(void) {
  char *p[64];
  for (int i = 0; i < 64; i++) p[i] = malloc(48);
  for (int i = 1; i < 64; i += 2) free(p[i]);
  for (int i = 0; i < 64; i += 2) memset(p[i], 'B', 64);
  take_many(48);
  return 0;
}
