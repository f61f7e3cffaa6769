// expect: midden: not a block's start at 0x
// tests/misuse/realloc_inside_a_block.c -- a pointer into a block is resized.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(1000);
  free(realloc(p + 16, 5000));
  free(p);
  return 0;
}
