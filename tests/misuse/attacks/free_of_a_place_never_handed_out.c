// tests/misuse/attacks/free_of_a_place_never_handed_out.c -- where malloc would put a block one
// day, none is; that is freed.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  // The first blocks of a size that nothing else here asks for.
  char *p = malloc(3500), *q = malloc(3500);
  size_t step = malloc_usable_size(p);
  char *high = p > q ? p : q;
  stage("at once");
  free(high + 3 * step);
  stage("at reuse");
  bool twice = given_twice(3500);
  finish(twice);
}
