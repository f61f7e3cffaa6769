// tests/findings/leaked_strdup.c -- strings that strdup made are replaced in a table.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely set_name
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

static char *names[16];

PLANT void set_name(int slot, const char *name) {
#ifdef MENDED
  free(names[slot]);
#endif
  names[slot] = strdup(name);  // HERE
  USED(names);
}

int main(void) {
  char name[40];
  for (int i = 0; i < 400; i++) {
    snprintf(name, sizeof name, "the name with number %d", i);
    set_name(i % 16, name);
  }
  return 0;
}
