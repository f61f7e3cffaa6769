// tests/findings/crash_null_field.c -- a field is read through a pointer that is NULL.
// SPDX-License-Identifier: MIT
//
// expect: crash SIGSEGV null|NULL
// run: --diagnose-crash
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct user {
  char name[24];
  long age;
};

static struct user *users[10];

PLANT long age_of(int i) {
#ifdef MENDED
  if (users[i] == NULL) return 0;
#endif
  return users[i]->age;  // HERE
}

int main(void) {
  long sum = 0;
  for (int i = 0; i < 9; i++) users[i] = calloc(1, sizeof **users);
  for (int i = 0; i < 10; i++) sum += age_of(i);
  for (int i = 0; i < 9; i++) free(users[i]);
  return (int)sum;
}
