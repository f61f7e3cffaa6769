// tests/misuse/attacks/free_of_a_forged_block.c -- a global is freed that was made to look like a
// block: before it and behind it stand words that could be sizes.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  static _Alignas(64) size_t fake[64];
  for (int i = 1; i < 64; i += 10) fake[i] = 80 | 1;  // a block of 64 and a header, in use
  free(malloc(64));
  stage("at once");
  free(fake + 2);
  stage("at reuse");
  finish(comes_back(fake + 2, 64));
}
