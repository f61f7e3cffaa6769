// tests/misuse/attacks/free_inside_a_large_block.c -- an address 64 KiB inside a large block is
// freed.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  char *p = calloc(1, LARGE);
  stage("at once");
  free(p + 65536);
  stage("at reuse");
  finish(given_twice(64));
}
