// tests/misuse/attacks/double_free_among_others.c -- a block is freed twice, others of its size
// before and in between.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  void *p[20];
  for (int i = 0; i < 20; i++) p[i] = malloc(64);
  for (int i = 0; i < 10; i++) free(p[i]);
  free(p[10]);
  free(p[11]);
  stage("at once");
  free(p[10]);
  stage("at reuse");
  finish(given_twice(64));
}
