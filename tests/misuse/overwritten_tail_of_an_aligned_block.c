// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_of_an_aligned_block.c -- one byte past the end of an over-aligned
// block is written.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *volatile p = aligned_alloc(256, 1000);
  p[1000] = 2;  // even, as no byte of a tail is
  free(p);
  return 0;
}
