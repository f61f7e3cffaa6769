// expect: midden: double free at 0x
// tests/misuse/double_free_small.c -- a small block is freed twice.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(100), *neighbour = malloc(100);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
