// tests/misuse/attacks/free_of_a_wild_pointer.c -- an address where nothing is mapped is freed.
// SPDX-License-Identifier: MIT
#include "attack.h"

#include <sys/mman.h>

int main(void) {
  free(malloc(64));
  size_t bytes = 64 << 20;
  char *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(p, bytes);
  stage("at once");
  free(p + bytes / 2 + 64);
  stage("at reuse");
  finish(given_twice(64));
}
