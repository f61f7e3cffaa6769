// tests/traps/guard.c -- touches what lies around a large block; or makes more of them than the
// kernel has mappings for, each with two guards.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"
#include "support.h"

static void make_many(void) {
  enum { COUNT = 100000 };
  static unsigned char *p[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    CHECK((p[i] = malloc(70000)) != NULL);
    test_fill(p[i], 16, i);
  }
  // The program's own mappings must still be possible.
  for (int i = 0; i < 100; i++) {
    void *own = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own != MAP_FAILED && mprotect(own, 4096, PROT_NONE) == 0);
  }
  for (size_t i = 0; i < COUNT; i++) {
    CHECK(test_filled(p[i], 16, i));
    free(p[i]);
  }
}

int main(int count, char **argument) {
  CHECK(count == 2);
  if (strcmp(argument[1], "many") == 0) return make_many(), 0;
  size_t bytes = 1000000;
  volatile char *p = malloc(bytes), *end = p + malloc_usable_size((void *)p);
  p[0] = end[-1] = 1;
  uintptr_t page = ((uintptr_t)end + 4095) & ~(uintptr_t)4095;
  if (strcmp(argument[1], "after") == 0) *(volatile char *)page = 1;
  if (strcmp(argument[1], "before") == 0)
    *(volatile char *)(((uintptr_t)p & ~(uintptr_t)4095) - 1) = 1;
  return 0;
}
