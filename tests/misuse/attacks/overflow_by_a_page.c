// tests/misuse/attacks/overflow_by_a_page.c -- a page is written past the usable end of a small
// block, over live ones.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 512, AT = 100 };
  static char *p[COUNT];
  size_t n = usable(64);
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(n), 'L', n);
  stage("at once");
  memset(p[AT] + n, 'A', 4096);
  stage("at free");
  free(p[AT]);
  stage("later");
  bool harm = false;
  for (int i = 0; i < COUNT; i++)
    if (i != AT) harm |= !all(p[i], n, 'L'), free(p[i]);
  finish(harm);
}
