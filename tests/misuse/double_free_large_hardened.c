// expect: midden: double free at 0x
// options: hardened=1
// tests/misuse/double_free_large_hardened.c -- a block with a span of its own is freed twice;
// hardened.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(3000000), *neighbour = malloc(3000000);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
