// expect: midden: not a block's start at 0x
// tests/misuse/free_inside_an_aligned_block.c -- a pointer into an over-aligned block is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = aligned_alloc(65536, 200000);
  free(p + 65536);
  free(p);
  return 0;
}
