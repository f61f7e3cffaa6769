// expect: midden: wild pointer at 0x
// tests/misuse/free_of_a_literal.c -- a string literal is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)"a string of the program, in its read-only data");
  return 0;
}
