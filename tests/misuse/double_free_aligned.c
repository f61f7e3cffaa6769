// expect: midden: double free at 0x
// tests/misuse/double_free_aligned.c -- an over-aligned block is freed twice.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = aligned_alloc(4096, 8192), *neighbour = aligned_alloc(4096, 8192);
  free(p);
  free(p);
  free(neighbour);
  return 0;
}
