// expect: midden: not a block's start at 0x
// tests/misuse/free_inside_a_medium_block.c -- a pointer into a medium block is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(20000);
  free(p + 4096);
  free(p);
  return 0;
}
