// expect: midden: double free at 0x
// options: hardened=1
// tests/misuse/double_free_in_quarantine.c -- many blocks are taken between the two frees: the
// quarantine kept it from reuse.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(64);
  free(p);
  for (int i = 0; i < 1000; i++) {
    void *other = malloc(64);
    if (other == p) return 3;
    free(other);
  }
  free(p);
  return 0;
}
