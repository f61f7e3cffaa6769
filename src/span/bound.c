// span/bound.c -- see bound.h.
// SPDX-License-Identifier: MIT
#include "span/bound.h"

#include "base/bits.h"
#include "base/options.h"

// Less than this is not worth a system call each time a span empties.
#define FLOOR_BYTES ((size_t)512 << 10)

static size_t boost, peak;

size_t mid_bound_now(size_t used) {
  size_t share = used / 100 * mid_options.dirty_share;
  size_t lift = mid_min(boost, mid_max(peak, used) / 4);
  return mid_max(mid_max(FLOOR_BYTES, share), lift);
}

// Eight peaks of work bring boost and peak down by a factor of e.
static size_t fall(size_t value, size_t taken) {
  unsigned __int128 part = (unsigned __int128)value * taken / (8 * peak + 1) + 1;
  return part < value ? value - (size_t)part : 0;
}

void mid_bound_work(size_t taken, size_t retouched, size_t used) {
  if (peak > used) peak = mid_max(used, used + fall(peak - used, taken));
  peak = mid_max(peak, used);
  boost = mid_min(fall(boost, taken) + retouched, peak / 4);
}

void mid_bound_reset(void) { boost = 0; }
