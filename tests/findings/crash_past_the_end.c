// tests/findings/crash_past_the_end.c -- a loop writes on and on past the end of its block.
// SPDX-License-Identifier: MIT
//
// expect: crash SIGSEGV past its end
// run: --diagnose-crash
#include <stdlib.h>
#include <string.h>

#include "plant.h"

enum { BYTES = 3 << 20 };

PLANT void fill(char *block, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) block[i] = 1;  // HERE
  block[0] = 2;
}

int main(void) {
  static char *block;
  block = malloc(BYTES);
  USED(&block);
#ifdef MENDED
  fill(block, BYTES);
#else
  fill(block, (size_t)BYTES << 30);
#endif
  USED(block);
  free(block);
  return 0;
}
