// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_global.c -- the address of a global is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

static long room[64];

int main(void) {
  free(room);
  return 0;
}
