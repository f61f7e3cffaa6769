// expect: midden: not a block's start at 0x
// tests/misuse/free_inside_a_large_block.c -- a pointer into a large block is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(3000000);
  free(p + 65536);
  free(p);
  return 0;
}
