// tests/misuse/attacks/write_after_free_of_a_word.c -- one word of a freed block of 64 bytes is
// written, any of the eight.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

#include <sys/random.h>

int main(void) {
  unsigned char which = 0;
  (void)!getrandom(&which, 1, 0);
  volatile size_t *p = malloc(64);
  void *neighbour = malloc(64);
  free((void *)p);
  stage("at once");
  p[which % 8] = 0x4141414141414140;
  stage("at reuse");
  given_twice(64);
  free(neighbour);
  finish(true);
}
