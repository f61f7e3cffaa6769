// heap/class.h -- the size classes: 16 to 256 bytes by 16, eight a doubling up to 1 KiB, then
// sixteen up to 64 KiB.
//
// SPDX-License-Identifier: MIT
//
// So a block wastes at most 15 bytes or a ninth of itself; docs/decisions/0008 says what that
// costs.
#ifndef MID_HEAP_CLASS_H
#define MID_HEAP_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "feed/format.h"
#include "span/span.h"

enum {
  MID_CLASSES = 128,
  MID_BLOCK_ALIGN = 16,
  MID_SMALL_MOST = 65536,     // larger blocks have a span of their own
  MID_ONE_SLICE_MOST = 8192,  // larger classes have spans of MID_MEDIUM_SLICES
  MID_MEDIUM_SLICES = 8,
};
_Static_assert(MID_CLASSES <= MID_FEED_CLASSES, "the feed has room for every class");

static inline size_t mid_class_bytes(unsigned klass) {
  if (klass < 16) return 16 * ((size_t)klass + 1);
  if (klass < 32) return (size_t)(9 + (klass & 7)) << ((klass - 16) / 8 + 5);
  return (size_t)(17 + (klass & 15)) << ((klass - 32) / 16 + 6);
}

// bytes <= MID_SMALL_MOST.
static inline unsigned mid_class_of(size_t bytes) {
  if (bytes <= 256) return bytes == 0 ? 0 : (unsigned)(bytes - 1) / 16;
  unsigned log = mid_log2(bytes - 1);
  if (bytes <= 1024) return 16 + (log - 8) * 8 + (unsigned)(((bytes - 1) >> (log - 3)) & 7);
  return 32 + (log - 10) * 16 + (unsigned)(((bytes - 1) >> (log - 4)) & 15);
}

// A class that is no smaller, out of two for each doubling.
static inline unsigned mid_class_coarse(unsigned klass) {
  size_t bytes = mid_class_bytes(klass);
  if (bytes <= 32) return mid_class_of(32);
  unsigned log = mid_log2(bytes - 1);
  size_t half = (size_t)3 << (log - 1);
  return mid_class_of(bytes <= half ? half : (size_t)2 << log);
}

static inline size_t mid_class_slices(unsigned klass) {
  return mid_class_bytes(klass) <= MID_ONE_SLICE_MOST ? 1 : MID_MEDIUM_SLICES;
}

// The smallest class whose blocks all lie on multiples of `align`, a power of two: spans start on
// a multiple of 64 KiB, so the block size must be one too.  MID_CLASSES: none.
static inline unsigned mid_class_aligned(size_t bytes, size_t align) {
  if (bytes > MID_SMALL_MOST || align > MID_SMALL_MOST) return MID_CLASSES;
  unsigned klass = mid_class_of(mid_max(bytes, align));
  while (klass < MID_CLASSES && (mid_class_bytes(klass) & (align - 1)) != 0) klass++;
  return klass;
}

#endif
