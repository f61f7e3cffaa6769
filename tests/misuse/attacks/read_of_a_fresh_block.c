// tests/misuse/attacks/read_of_a_fresh_block.c -- a block is read that was not written since malloc
// gave it.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  enum { COUNT = 64 };
  char *p[COUNT];
  for (int i = 0; i < COUNT; i++) memset(p[i] = malloc(64), 'S', 64);
  for (int i = 0; i < COUNT; i++) free(p[i]);
  stage("at once");
  bool harm = false;
  for (int i = 0; i < MANY; i++) harm |= any(malloc(64), 64, 'S');
  finish(harm);
}
