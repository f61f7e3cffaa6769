// tests/misuse/attacks/write_after_free.c -- a freed block is written over, whole.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  char *p = malloc(64), *neighbour = malloc(64);
  free(p);
  stage("at once");
  memset(p, 'A', 64);
  stage("at reuse");
  given_twice(64);
  free(neighbour);
  finish(true);
}
