// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_of_a_calloc.c -- one byte past the end of calloc's block is
// written.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *volatile p = calloc(7, 15);
  p[7 * 15] = 2;  // even, as no byte of a tail is
  free(p);
  return 0;
}
