// expect: midden: wild pointer at 0x
// tests/misuse/free_of_mapped_memory.c -- a page of the program's own mmap is freed.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/mman.h>

int main(void) {
  char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 1;
  free(p);
  return 0;
}
