// expect: midden: corrupted free list at 0x
// options: hardened=1
// tests/misuse/write_into_a_freed_block_hardened.c -- a freed block is written over; hardened.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

int main(void) {
  char *p[8];
  for (int i = 0; i < 8; i++) p[i] = malloc(64);
  for (int i = 0; i < 8; i++) free(p[i]);
  memset(p[3], 'A', 64);
  for (int i = 0; i < 100000; i++) free(malloc(64));  // through the quarantine
  return 0;
}
