// tests/findings/clean_shared_mapping.c -- blocks that only memory from mmap holds.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCKS = 200, BYTES = BLOCKS * sizeof(char *) };

static char **map(int how) {
  return mmap(NULL, BYTES, PROT_READ | PROT_WRITE, how | MAP_ANONYMOUS, -1, 0);
}

int main(void) {
  char **own = map(MAP_PRIVATE), **shared = map(MAP_SHARED);
  for (int i = 0; i < BLOCKS; i++) {
    own[i] = malloc(300);
    shared[i] = malloc(400);
    memset(own[i], i, 300);
    memset(shared[i], i, 400);
  }
  return own[3][5] + shared[4][6] != 7;  // all of it is held still
}
