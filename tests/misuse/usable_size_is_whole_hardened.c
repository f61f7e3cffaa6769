// expect-ok
// options: hardened=1
// tests/misuse/usable_size_is_whole_hardened.c -- what malloc_usable_size tells may be written to;
// hardened too.
// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  for (size_t bytes = 0; bytes < 100000; bytes += 1 + bytes / 20) {
    unsigned char *p = malloc(bytes);
    memset(p, 0xff, malloc_usable_size(p));
    p = realloc(p, bytes + 1);
    memset(p, 0xff, malloc_usable_size(p));
    free(p);
  }
  return 0;
}
