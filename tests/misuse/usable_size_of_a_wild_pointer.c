// expect: midden: wild pointer at 0x
// tests/misuse/usable_size_of_a_wild_pointer.c -- the size of a global is asked for.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdlib.h>

static long room[64];

int main(void) {
  if (malloc_usable_size(room) != 0) return 3;
  return 0;
}
