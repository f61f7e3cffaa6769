// tests/findings/leaked_before_abort.c -- a program aborts after it has lost blocks.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely load_page
// ends: SIGABRT
#include <stdlib.h>
#include <string.h>

#include "plant.h"

PLANT int load_page(int number) {
  unsigned char *page = malloc(2000);  // HERE
  memset(page, number, 2000);
  int sum = page[number] + page[1999];
#ifdef MENDED
  free(page);
#endif
  return sum;
}

int main(void) {
  int sum = 0;
  for (int i = 0; i < 100; i++) sum += load_page(i);
  if (sum > 0) abort();
  return 0;
}
