// expect: midden: double free at 0x
// tests/misuse/double_free_written_between.c -- the freed block is written to before its second
// free.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

int main(void) {
  char *p = malloc(100), *neighbour = malloc(100);
  free(p);
  memset(p + 32, 'x', 60);
  free(p);
  free(neighbour);
  return 0;
}
