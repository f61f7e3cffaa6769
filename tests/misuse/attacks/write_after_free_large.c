// tests/misuse/attacks/write_after_free_large.c -- a freed large block is written to, and blocks of
// its size are taken.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  large_program();
  char *p = malloc(LARGE), *neighbour = malloc(LARGE);
  memset(p, 'L', LARGE);
  free(p);
  stage("at once");
  memset(p + LARGE / 2, 'A', 64);
  stage("at reuse");
  bool harm = false;
  for (int i = 0; i < 16; i++) harm |= any(malloc(LARGE), LARGE, 'A');
  free(neighbour);
  finish(harm);
}
