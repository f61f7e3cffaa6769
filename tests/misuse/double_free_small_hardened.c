// expect: midden: double free at 0x
// options: hardened=1
// tests/misuse/double_free_small_hardened.c -- a small block is freed twice; hardened.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(100), *neighbour = malloc(100);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
