// tests/misuse/attacks/overflow_by_a_zero_byte.c -- a zero is written past the usable end of
// blocks: a string one too long.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 32 };
  char *p[COUNT];
  size_t n = usable(64);
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(n), 'L', n);
  stage("at once");
  for (int i = 0; i < COUNT; i += 2) ((volatile char *)p[i])[n] = 0;
  stage("at free");
  for (int i = 0; i < COUNT; i += 2) free(p[i]);
  stage("at reuse");
  bool harm = given_twice(144);
  for (int i = 1; i < COUNT; i += 2) harm |= !all(p[i], n, 'L');
  finish(harm);
}
