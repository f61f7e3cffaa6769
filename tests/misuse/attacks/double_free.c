// tests/misuse/attacks/double_free.c -- a block is freed twice, nothing in between.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  void *p = malloc(64), *neighbour = malloc(64);
  free(p);
  stage("at once");
  free(p);
  stage("at reuse");
  bool twice = given_twice(64);
  free(neighbour);
  finish(twice);
}
