// expect: midden: double free at 0x
// tests/misuse/double_free_alone.c -- the only block of its span is freed twice, so the span is
// free too.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

int main(void) {
  void *p = malloc(5000);
  free(p);
  free(p);
  return 0;
}
