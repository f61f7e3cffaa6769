// expect: midden: wild pointer at 0x
// tests/misuse/realloc_of_a_low_address.c -- a small number is resized.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free(realloc((void *)4096, 1000));
  return 0;
}
