// expect: midden: double free at 0x
// tests/misuse/realloc_of_a_freed_block.c -- a freed block is resized.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(100), *neighbour = malloc(100);
  free(p);
  p = realloc(p, 5000);
  free(neighbour);
  free(p);
  return 0;
}
