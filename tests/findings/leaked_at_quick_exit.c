// tests/findings/leaked_at_quick_exit.c -- a program that ends by _exit has lost its entries.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely look_up
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plant.h"

PLANT size_t look_up(int key) {
  char *answer = malloc(64);  // HERE
  snprintf(answer, 64, "the answer to %d", key);
  size_t length = strlen(answer);
#ifdef MENDED
  free(answer);
#endif
  return length;
}

int main(void) {
  size_t length = 0;
  for (int i = 0; i < 150; i++) length += look_up(i);
  _exit(length > 0 ? 0 : 1);
}
