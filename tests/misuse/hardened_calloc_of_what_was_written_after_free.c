// expect-ok
// options: hardened=1
// tests/misuse/hardened_calloc_of_what_was_written_after_free.c -- a freed large block is written
// to, and calloc hands its memory out.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

enum { LARGE = 300000 };

int main(void) {
  char *volatile p = malloc(LARGE);
  free(p);
  memset(p, 'A', LARGE);
  for (int i = 0; i < 8; i++) {
    char *q = calloc(1, LARGE);
    for (int k = 0; k < LARGE; k++)
      if (q[k] != 0) return 3;
  }
  return 0;
}
