// tests/findings/crash_double_free.c -- two owners free the same block.
// SPDX-License-Identifier: MIT
//
// expect: crash SIGABRT double free
// run: --diagnose-crash
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct owner {
  char *shared;
};

PLANT void drop(struct owner *owner) {
  free(owner->shared);  // HERE
  owner->shared = NULL;
}

int main(void) {
  struct owner first = {malloc(100)}, second = {malloc(100)};
  memset(first.shared, 1, 100);
  memset(second.shared, 2, 100);
#ifndef MENDED
  free(second.shared);
  second.shared = first.shared;
#endif
  USED(&first);
  USED(&second);
  drop(&first);
  drop(&second);
  return 0;
}
