// expect: midden: double free at 0x
// tests/misuse/double_free_of_one_in_a_page_given_back.c -- as its neighbour, but a single block is
// freed again.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

enum { COUNT = 100000, KEPT_IN = 200 };
static void *p[COUNT];

int main(void) {
  for (int i = 0; i < COUNT; i++) p[i] = malloc(200);
  for (int i = 0; i < COUNT; i++)
    if (i % KEPT_IN != 0) free(p[i]);
  free(p[COUNT / 2 + KEPT_IN / 2]);
  for (int i = 0; i < COUNT; i++) p[i] = malloc(200);
  return 0;
}
