// expect: midden: double free at 0x
// tests/misuse/double_free_after_others.c -- other blocks of the class are freed between the two
// frees.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p[100];
  for (int i = 0; i < 100; i++) p[i] = malloc(64);
  for (int i = 0; i < 99; i++) free(p[i]);
  free(p[50]);
  return 0;
}
