// tests/misuse/attacks/read_after_free.c -- a freed block is read.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  char *p = malloc(64), *neighbour = malloc(64);
  memset(p, 'S', 64);
  free(p);
  stage("at once");
  bool harm = any(p, 64, 'S');
  free(neighbour);
  finish(harm);
}
