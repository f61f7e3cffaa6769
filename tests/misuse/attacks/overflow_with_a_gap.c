// tests/misuse/attacks/overflow_with_a_gap.c -- a byte is written 32 bytes past the usable end of a
// block, inside a live one: an index that is too large.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 512 };
  static char *p[COUNT];
  size_t n = usable(64);
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(n), 'L', n);
  int at = 100;
  while (((volatile char *)p[at])[n + 32] != 'L') at++;
  stage("at once");
  ((volatile char *)p[at])[n + 32] = 'A';
  stage("at free");
  free(p[at]);
  stage("later");
  bool harm = false;
  for (int i = 0; i < COUNT; i++)
    if (i != at) harm |= !all(p[i], n, 'L'), free(p[i]);
  harm |= given_twice(n);
  finish(harm);
}
