// heap/class.h -- the size classes: 16 to 128 bytes by 16, then four a doubling up to 64 KiB.
// SPDX-License-Identifier: MIT
//
// So a block wastes at most 15 bytes or 20 % of itself, as with every peer; eight a doubling would
// halve that and nearly double the half-empty spans.
#ifndef MID_HEAP_CLASS_H
#define MID_HEAP_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "feed/format.h"
#include "span/span.h"

enum {
  MID_CLASSES = 44,
  MID_BLOCK_ALIGN = 16,
  MID_SMALL_MOST = 65536,     // larger blocks have a span of their own
  MID_ONE_SLICE_MOST = 8192,  // larger classes have spans of MID_MEDIUM_SLICES
  MID_MEDIUM_SLICES = 8,
};
_Static_assert(MID_CLASSES <= MID_FEED_CLASSES, "the feed has room for every class");

static inline size_t mid_class_bytes(unsigned klass) {
  if (klass < 8) return 16 * ((size_t)klass + 1);
  return (size_t)(5 + (klass & 3)) << ((klass - 8) / 4 + 5);
}

// bytes <= MID_SMALL_MOST.
static inline unsigned mid_class_of(size_t bytes) {
  if (bytes <= 128) return bytes == 0 ? 0 : (unsigned)(bytes - 1) / 16;
  unsigned log = mid_log2(bytes - 1);
  return 8 + (log - 7) * 4 + (unsigned)(((bytes - 1) >> (log - 2)) & 3);
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
