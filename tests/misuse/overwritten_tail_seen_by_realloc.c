// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_seen_by_realloc.c -- realloc looks at the tail as free does.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *volatile p = malloc(100);
  p[100] = 2;  // even, as no byte of a tail is
  free(realloc(p, 50000));
  return 0;
}
