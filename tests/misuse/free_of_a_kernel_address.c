// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_kernel_address.c -- an address of the upper half is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)0xffff888000001000u);
  return 0;
}
