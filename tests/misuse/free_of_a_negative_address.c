// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_negative_address.c -- -1 is freed, as MAP_FAILED taken for a pointer.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)-1);
  return 0;
}
