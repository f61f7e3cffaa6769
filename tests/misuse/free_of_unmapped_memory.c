// expect: midden: wild pointer at 0x
// tests/misuse/free_of_unmapped_memory.c -- an address where nothing is mapped is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/mman.h>

int main(void) {
  char *p = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(p, 1 << 20);
  free(p);
  return 0;
}
