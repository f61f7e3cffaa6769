// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_low_address.c -- a small number is freed, as an error code taken for a
// pointer.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)16);
  return 0;
}
