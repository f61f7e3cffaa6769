// tests/misuse/attacks/overflow_into_a_free_block.c -- a byte is written past the usable end of
// blocks, in front of free ones.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 32 };
  char *p[COUNT];
  size_t n = usable(64);
  for (int i = 0; i < COUNT; i++) p[i] = malloc(n);
  for (int i = 1; i < COUNT; i += 2) free(p[i]);
  stage("at once");
  for (int i = 0; i < COUNT; i += 2) ((volatile char *)p[i])[n] = (char)0xa1;
  stage("at reuse");
  bool harm = given_twice(n);
  stage("at free");
  for (int i = 0; i < COUNT; i += 2) free(p[i]);
  finish(harm);
}
