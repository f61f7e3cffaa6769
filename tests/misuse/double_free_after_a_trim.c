// expect: midden: double free at 0x
// tests/misuse/double_free_after_a_trim.c -- free memory went back to the system between the two
// frees.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdlib.h>

int main(void) {
  void *p[100];
  for (int i = 0; i < 100; i++) p[i] = malloc(1000);
  for (int i = 0; i < 99; i++) free(p[i]);
  malloc_trim(0);
  free(p[50]);
  return 0;
}
