// expect: midden: double free at 0x
// tests/misuse/double_free_large.c -- a block with a span of its own is freed twice.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(3000000), *neighbour = malloc(3000000);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
