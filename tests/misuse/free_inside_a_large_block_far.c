// expect: midden: not a block's start at 0x
// tests/misuse/free_inside_a_large_block_far.c -- a pointer far into a large block is freed, where
// other spans could begin.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(50 << 20);
  free(p + (32 << 20));
  free(p);
  return 0;
}
