// tests/misuse/attacks/type_confusion.c -- a freed object's memory is sought for an object of
// another type.
//
// SPDX-License-Identifier: MIT
#include "attack.h"

int main(void) {
  void *p = malloc(64), *neighbour = malloc(64);
  free(p);
  stage("at once");
  bool harm = comes_back(p, 64);
  free(neighbour);
  finish(harm);
}
