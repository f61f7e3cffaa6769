// tests/packaging/consumer/consumer.c -- a C program as a user of the library writes it.
// SPDX-License-Identifier: MIT
#if __has_include("midden.h")
#include "midden.h"
#else
#include <midden/midden.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Stays away from malloc's names where the library was built without them.
static int check_malloc(void) {
#ifndef MIDDEN_NO_STANDARD_NAMES
  midden_allocator *all = midden_allocator_malloc();
  char *words = strdup("allocated inside libc");
  if (!all->owns(all, words)) return puts("malloc is not Midden's"), 1;
  free(words);
#endif
  void *p = midden_malloc(100);
  if (midden_malloc_usable_size(p) < 100) return puts("midden_malloc gave too little"), 1;
  midden_free(p);
  return 0;
}

int main(void) {
  midden_heap *heap;
  if (midden_heap_open(&heap) != MIDDEN_OK) return puts("no heap"), 1;
  char *p = midden_heap_alloc(heap, 1000);
  if (p == NULL) return puts("no block"), 1;
  memset(p, 1, 1000);
  midden_heap_close(heap);
  if (strcmp(midden_version(), MIDDEN_VERSION) != 0) return puts("header and library differ"), 1;
  return check_malloc();
}
