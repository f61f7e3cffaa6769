// tests/misuse/attacks/free_of_the_stack.c -- a local variable is freed.
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  _Alignas(64) long here[64] = {0};
  free(malloc(64));
  stage("at once");
  free(here + 8);
  stage("at reuse");
  finish(given_twice(64));
}
