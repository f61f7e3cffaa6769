// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_large.c -- one byte past the end of a large block is written.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *volatile p = malloc(3000001);
  p[3000001] = 2;  // even, as no byte of a tail is
  free(p);
  return 0;
}
