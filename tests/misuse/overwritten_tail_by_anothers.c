// expect: midden: overwritten tail at 0x
// options: hardened=1
// tests/misuse/overwritten_tail_by_anothers.c -- an overflow that writes the tail of another block.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

int main(void) {
  char *volatile p = malloc(40), *volatile other = malloc(40);
  memcpy(p + 40, other + 40, 8);
  free(p);
  return 0;
}
