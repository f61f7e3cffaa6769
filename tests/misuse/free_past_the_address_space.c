// expect: midden: wild pointer at 0x
// tests/misuse/free_past_the_address_space.c -- the first address past the user half is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)0x800000000000u);
  return 0;
}
