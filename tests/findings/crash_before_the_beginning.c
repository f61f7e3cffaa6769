// tests/findings/crash_before_the_beginning.c -- a loop runs down through a block, and on.
// SPDX-License-Identifier: MIT
//
// expect: crash SIGSEGV before its beginning
// run: --diagnose-crash
#include <stdlib.h>

#include "plant.h"

enum { BYTES = 8 << 20 };

PLANT void fill_down(char *block) {
  char *end = block + BYTES;
#ifdef MENDED
  while (end > block) *(end -= 512) = 1;
#else
  for (;;) *(end -= 512) = 1;
#endif
  USED(block);
}

static char *block;  // not lost, whatever the loop keeps of it

int main(void) {
  block = malloc(BYTES);
  USED(block);
  fill_down(block);
  free(block);
  return 0;
}
