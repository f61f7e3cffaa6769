// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_non_canonical_address.c -- an address that the machine cannot have is
// freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)0x5a5a5a5a5a5a5a50u);
  return 0;
}
