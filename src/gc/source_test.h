// gc/source_test.h -- a source of memory for tests: it counts what is out, and refuses on demand.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_SOURCE_TEST_H
#define MID_GC_SOURCE_TEST_H

#include <errno.h>
#include <stdatomic.h>

#include "midden/allocator.h"
#include "midden/malloc.h"

static struct source {
  midden_allocator allocator;
  _Atomic size_t blocks;  // out just now
  size_t until_refusal;   // the calls that are still served; 0: all
  size_t refused;
} source;

static void *source_alloc(midden_allocator *self, size_t bytes, size_t align) {
  (void)self;
  if (source.until_refusal > 0 && --source.until_refusal == 0) {
    source.refused++;
    return errno = ENOMEM, NULL;
  }
  source.blocks++;
  return midden_aligned_alloc(align == 0 ? 16 : align, bytes);
}

static void source_free(midden_allocator *self, void *p, size_t bytes) {
  (void)self, (void)bytes;
  if (p != NULL) source.blocks--;
  midden_free(p);
}

// Nothing is out, and nothing is refused.
static midden_allocator *source_open(void) {
  source.allocator =
      (midden_allocator){.name = "source", .alloc = source_alloc, .free = source_free};
  source.blocks = source.until_refusal = source.refused = 0;
  return &source.allocator;
}

#endif
