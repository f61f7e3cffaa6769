// tests/misuse/attacks/read_after_free_large.c -- a freed large block is read.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  large_program();
  char *p = malloc(LARGE), *neighbour = malloc(LARGE);
  memset(p, 'S', LARGE);
  free(p);
  stage("at once");
  bool harm = any(p, LARGE, 'S');
  free(neighbour);
  finish(harm);
}
