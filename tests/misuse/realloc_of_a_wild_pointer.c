// expect: midden: wild pointer at 0x
// tests/misuse/realloc_of_a_wild_pointer.c -- the address of a global is resized.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

static long room[64];

int main(void) {
  free(realloc(room, 1000));
  return 0;
}
