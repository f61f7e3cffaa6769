// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_by_a_guess.c -- an overflow that writes what a tail once held.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

int main(void) {
  char *volatile p = malloc(40);
  memset(p + 40, 0xa5, 8);
  free(p);
  return 0;
}
