// tests/misuse/attacks/free_inside_a_block.c -- an address 64 bytes inside a block is freed.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  char *p = calloc(1, 256);
  stage("at once");
  free(p + 64);
  stage("at reuse");
  finish(given_twice(64));
}
