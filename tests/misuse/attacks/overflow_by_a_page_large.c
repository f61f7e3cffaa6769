// tests/misuse/attacks/overflow_by_a_page_large.c -- a page is written past the usable end of a
// large block.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 4 };
  char *p[COUNT];
  size_t n = usable(LARGE);
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(n), 'L', n);
  stage("at once");
  memset(p[1] + n, 'A', 4096);
  memset(p[2] + n, 'A', 4096);
  stage("at free");
  free(p[1]);
  free(p[2]);
  finish(!all(p[0], n, 'L') || !all(p[3], n, 'L'));
}
