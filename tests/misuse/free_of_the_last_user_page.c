// expect: midden: wild pointer at 0x
// tests/misuse/free_of_the_last_user_page.c -- an address in the last page of the user half is
// freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  free((void *)0x7fffffffe000u);
  return 0;
}
