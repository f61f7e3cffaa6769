// tests/misuse/attacks/double_free_after_reuse.c -- a freed block is handed out again, then its
// first owner frees it again.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  void *p = malloc(64), *neighbour = malloc(64);
  free(p);
  bool reused = comes_back(p, 64);
  void *q = p;
  stage("at once");
  free(p);
  if (reused) {
    stage("at the owner's free");
    free(q);
  }
  stage("at reuse");
  bool twice = given_twice(64);
  free(neighbour);
  finish(twice);
}
