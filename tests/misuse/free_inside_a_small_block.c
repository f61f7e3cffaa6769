// expect: midden: not a block's start at 0x
// tests/misuse/free_inside_a_small_block.c -- a pointer into a small block is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(100);
  free(p + 16);
  free(p);
  return 0;
}
