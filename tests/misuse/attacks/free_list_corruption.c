// tests/misuse/attacks/free_list_corruption.c -- every word of a freed block is made to lead to a
// place that the attacker wants from malloc.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  static _Alignas(64) size_t wanted[64];
  size_t **p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 6; i++) free(p[i]);
  for (int i = 0; i < 8; i++) ((size_t *volatile *)p[5])[i] = wanted;
  stage("at reuse");
  bool harm = comes_back(wanted, 64);
  if (!harm) given_twice(64);
  finish(harm);
}
