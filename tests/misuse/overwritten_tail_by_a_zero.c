// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_by_a_zero.c -- a string's closing NUL falls one byte past its
// block.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

int main(void) {
  char *p = malloc(100);
  memset(p, 's', 100);
  char *volatile end = p + 100;
  *end = 0;
  free(p);
  return 0;
}
