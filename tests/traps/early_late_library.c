// tests/traps/early_late_library.c -- a library that allocates in its first constructor, and frees
// in its last destructor.  Other objects leave blocks with it.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "check.h"

enum { ROOM = 1000 };
static void *kept[ROOM];
static int count;

void keep(void *p) {
  CHECK(p != NULL && count < ROOM);
  kept[count++] = p;
}

__attribute__((constructor(101))) static void begin(void) {
  for (size_t i = 0; i < 50; i++) keep(memset(malloc(i * 700), 1, i * 700));
  free(malloc(3000000));
  setenv("EARLY", "a value that setenv puts on the heap", 1);
}

__attribute__((destructor(101))) static void end(void) {
  while (count > 0) free(kept[--count]);
  free(realloc(malloc(10), 100000));
  unsetenv("EARLY");
}
