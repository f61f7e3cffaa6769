// tests/misuse/attacks/read_of_a_fresh_large_block.c -- a large block is read that was not written
// since malloc gave it.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  large_program();
  enum { COUNT = 4 };
  char *p[COUNT];
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(LARGE), 'S', LARGE);
  for (int i = 0; i < COUNT; i++) free(p[i]);
  stage("at once");
  bool harm = false;
  for (int i = 0; i < COUNT; i++) harm |= any(malloc(LARGE), LARGE, 'S');
  finish(harm);
}
