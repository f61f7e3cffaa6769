// expect-ok
// options: hardened=1
// tests/misuse/hardened_reads_zero_after_free.c -- a read after free sees zeros, in every size, not
// what was there.
// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

int main(void) {
  static const size_t sizes[] = {32, 100, 1000, 20000, 60000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    unsigned char *volatile p = malloc(sizes[i]);
    memset(p, 's', sizes[i]);
    free(p);
    // The first two words are the heap's own.
    for (size_t k = 16; k < sizes[i]; k++)
      if (p[k] != 0) return 3;
  }
  return 0;
}
