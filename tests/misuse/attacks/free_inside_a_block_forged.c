// tests/misuse/attacks/free_inside_a_block_forged.c -- the same, where the block's contents were
// made to look like blocks.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  size_t *p = malloc(512);
  for (int i = 1; i < 64; i += 2) p[i] = 80 | 1;  // a block of 64 and a header, in use
  stage("at once");
  free(p + 8);
  stage("at reuse");
  finish(comes_back(p + 8, 64));
}
