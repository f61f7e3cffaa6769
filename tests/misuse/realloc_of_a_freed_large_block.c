// expect: midden: double free at 0x
// tests/misuse/realloc_of_a_freed_large_block.c -- a freed block with a span of its own is resized.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(3000000);
  free(p);
  p = realloc(p, 6000000);
  free(p);
  return 0;
}
