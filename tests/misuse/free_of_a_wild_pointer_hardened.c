// expect: midden: wild pointer at 0x
// options: hardened=1
// tests/misuse/free_of_a_wild_pointer_hardened.c -- a local variable is freed; hardened.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  long here[8] = {0};
  free(here);
  return 0;
}
