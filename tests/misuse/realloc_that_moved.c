// expect: midden: double free at 0x
// tests/misuse/realloc_that_moved.c -- the old pointer is freed after realloc moved the block.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(100), *neighbour = malloc(100);
  void *q = realloc(p, 50000);
  free(p);
  free(neighbour);
  free(q);
  return 0;
}
