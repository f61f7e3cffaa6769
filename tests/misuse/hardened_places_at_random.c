// expect-ok
// options: hardened=1
// tests/misuse/hardened_places_at_random.c -- blocks taken one after another do not lie one after
// another.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  char *last = malloc(64);
  int in_order = 0;
  for (int i = 0; i < 200; i++) {
    char *p = malloc(64);
    in_order += p - last == 64 || p - last == 80;
    last = p;
  }
  if (in_order > 100) return 3;
  return 0;
}
