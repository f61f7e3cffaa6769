// tests/misuse/attacks/free_list_corruption_with_a_leak.c -- the same by an attacker who reads
// freed blocks first, and forges from what is there.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

// A first word that two free blocks share is a mark: it is kept, and copied with the end of the
// list to where malloc shall be led.  One that differs is a link, and that of the block freed first
// is how the end of a list is written.
int main(void) {
  static _Alignas(64) size_t wanted[64];
  volatile size_t *p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 2; i++) free((void *)p[i]);
  if (p[0][0] == p[1][0]) {
    wanted[0] = p[0][0];
    wanted[1] = p[0][1];
    p[1][1] = (size_t)wanted;
  } else {
    p[1][0] = p[0][0] ^ (size_t)wanted;
  }
  stage("at reuse");
  bool harm = comes_back(wanted, 64);
  if (!harm) given_twice(64);
  finish(harm);
}
