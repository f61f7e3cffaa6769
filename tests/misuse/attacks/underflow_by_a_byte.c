// tests/misuse/attacks/underflow_by_a_byte.c -- a byte is written before the start of a block,
// behind others.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 512 };
  static char *p[COUNT];
  size_t n = usable(64);
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(n), 'L', n);
  int at = 100;
  while ((uintptr_t)p[at] % 4096 < n) at++;  // not the first of a run of blocks
  stage("at once");
  ((volatile char *)p[at])[-1] = 'A';
  stage("at free");
  free(p[at]);
  stage("later");
  bool harm = false;
  for (int i = 0; i < COUNT; i++)
    if (i != at) harm |= !all(p[i], n, 'L'), free(p[i]);
  harm |= given_twice(n);
  finish(harm);
}
