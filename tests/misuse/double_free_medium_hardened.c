// expect: midden: double free at 0x
// options: hardened=1
// tests/misuse/double_free_medium_hardened.c -- a medium block is freed twice; hardened.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(20000), *neighbour = malloc(20000);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
