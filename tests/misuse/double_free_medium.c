// expect: midden: double free at 0x
// tests/misuse/double_free_medium.c -- a medium block is freed twice.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(20000), *neighbour = malloc(20000);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
