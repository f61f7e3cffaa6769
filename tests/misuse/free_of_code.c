// expect: midden: wild pointer at 0x
// tests/misuse/free_of_code.c -- the address of a function is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)main);
  return 0;
}
