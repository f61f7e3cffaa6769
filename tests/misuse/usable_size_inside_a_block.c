// expect: midden: not a block's start at 0x
// tests/misuse/usable_size_inside_a_block.c -- the size of a pointer into a block is asked for.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
  char *p = malloc(1000);
  if (malloc_usable_size(p + 16) > 1000) return 3;
  free(p);
  return 0;
}
