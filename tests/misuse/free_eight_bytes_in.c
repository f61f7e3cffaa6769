// expect: midden: not a block's start at 0x
// tests/misuse/free_eight_bytes_in.c -- a pointer eight bytes past the start is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(64);
  free(p + 8);
  free(p);
  return 0;
}
