// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_after_a_resize.c -- one byte past the new end of a resized block is
// written.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *volatile p = malloc(100);
  p = realloc(p, 90);
  p[90] = 2;  // even, as no byte of a tail is
  free(p);
  return 0;
}
