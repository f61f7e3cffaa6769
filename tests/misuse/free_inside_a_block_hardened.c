// expect: midden: not a block's start at 0x
// options: hardened=1
// tests/misuse/free_inside_a_block_hardened.c -- a pointer into a block is freed; hardened.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(1000);
  free(p + 16);
  free(p);
  return 0;
}
