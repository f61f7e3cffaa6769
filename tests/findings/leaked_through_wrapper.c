// tests/findings/leaked_through_wrapper.c -- not the wrapper of malloc is to blame.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely join_path
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plant.h"

__attribute__((noinline)) void *xmalloc(size_t bytes) {
  void *block = malloc(bytes);
  if (block == NULL) {
    fputs("out of memory\n", stderr);
    exit(1);
  }
  return block;
}

PLANT size_t join_path(const char *folder, const char *file) {
  size_t bytes = strlen(folder) + strlen(file) + 2;
  char *path = xmalloc(bytes);  // HERE
  snprintf(path, bytes, "%s/%s", folder, file);
  size_t length = strlen(path);
#ifdef MENDED
  free(path);
#endif
  return length;
}

int main(void) {
  char file[32];
  size_t length = 0;
  char *kept = xmalloc(500);
  memset(kept, 1, 500);
  for (int i = 0; i < 120; i++) {
    snprintf(file, sizeof file, "file%d", i);
    length += join_path("/some/where", file);
  }
  free(kept);
  return length == 0;
}
