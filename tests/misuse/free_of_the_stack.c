// expect: midden: wild pointer at 0x
// tests/misuse/free_of_the_stack.c -- the address of a local variable is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  long here[8] = {0};
  free(here);
  return 0;
}
