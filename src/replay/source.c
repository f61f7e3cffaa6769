// replay/source.c -- what region/ needs of the layers under it, without Midden's own heap: the
// replayer runs on whatever malloc it was started with.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "heap/ledger.h"
#include "midden/allocator.h"

static void *source_alloc(midden_allocator *self, size_t bytes, size_t align) {
  void *p;
  (void)self;
  if (align <= 16) return malloc(bytes);
  int error = posix_memalign(&p, align, bytes);
  return error == 0 ? p : (errno = error, NULL);
}

static void *source_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                           size_t align) {
  (void)self;
  (void)old_bytes;
  (void)align;  // region/ asks for none here
  return realloc(p, bytes);
}

static void source_free(midden_allocator *self, void *p, size_t bytes) {
  (void)self;
  (void)bytes;
  free(p);
}

static bool source_owns(midden_allocator *self, const void *p) {
  (void)self;
  (void)p;
  return false;
}

static midden_stats source_stats(midden_allocator *self) {
  (void)self;
  return (midden_stats){0};
}

midden_allocator *midden_allocator_malloc(void) {
  static midden_allocator source = {"malloc",    source_alloc, source_resize,
                                    source_free, source_owns,  source_stats};
  return &source;
}

// Nothing here is compiled with MIDDEN_DEBUG.
void mid_ledger_close(const void *handle) { (void)handle; }
