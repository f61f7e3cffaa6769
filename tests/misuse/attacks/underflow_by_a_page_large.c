// tests/misuse/attacks/underflow_by_a_page_large.c -- the page before a large block is written.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 4 };
  char *p[COUNT];
  size_t n = usable(LARGE);
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(n), 'L', n);
  stage("at once");
  memset(p[1] - 4096, 'A', 4096);
  memset(p[2] - 4096, 'A', 4096);
  stage("at free");
  free(p[1]);
  free(p[2]);
  finish(!all(p[0], n, 'L') || !all(p[3], n, 'L'));
}
