// expect: midden: not a block's start at 0x
// tests/misuse/free_one_byte_in.c -- a pointer one byte past the start is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *p = malloc(1000);
  free(p + 1);
  free(p);
  return 0;
}
