// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_neighbour_never_taken.c -- a place for a block is freed that malloc never
// handed out.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
  // The first block of a size that nothing else here asks for: its span is fresh.
  char *p = malloc(3500);
  size_t step = malloc_usable_size(p);
  for (size_t i = 1; i <= 10; i++) free(p + i * step);
  free(p);
  return 0;
}
