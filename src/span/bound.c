// span/bound.c -- see bound.h.
// SPDX-License-Identifier: MIT
#include "span/bound.h"

#include "base/bits.h"
#include "base/options.h"

// Less than this is not worth a system call each time a span empties.
#define FLOOR_BYTES ((size_t)2 << 20)

static size_t boost, peak;
static size_t work;   // bytes taken that boost and peak have not felt yet
static size_t frees;  // bytes given since the last take, none for more than a step

// One step of calm: a 256th of the peak is a large block.
static size_t calm_step(void) { return peak / 256 + 1; }

static size_t lift_now(size_t used) {
  size_t most = peak + peak / 4;
  size_t lift = mid_min(boost, mid_min(most > used ? most - used : 0, 16 * used));
  size_t calm = frees / calm_step();
  return calm <= 1 ? lift : calm > 63 ? 0 : lift >> (calm - 1);
}

size_t mid_bound_now(size_t used) {
  size_t least = mid_max(FLOOR_BYTES, used / 100 * mid_options.dirty_share);
  return boost <= least ? least : mid_max(least, lift_now(used));
}

size_t mid_bound_room(size_t used) { return mid_max(FLOOR_BYTES, peak > used ? peak - used : 0); }

// Eight peaks of work bring boost and peak down by a factor of e, a 64th for each eighth of a peak.
// Of a small heap there is nothing to save by looking more often.
static size_t work_step(void) { return mid_max(peak / 8, FLOOR_BYTES); }

static void wear(size_t used) {
  size_t step = work_step(), low = mid_min(peak, used);
  for (int most = 2048; work >= step && most > 0; most--, work -= step) {
    boost -= (boost + 63) / 64;
    peak -= (peak - low + 63) / 64;
  }
  work %= step;
}

void mid_bound_used(size_t used) { peak = mid_max(peak, used); }

void mid_bound_work(size_t taken, size_t retouched, size_t used) {
  work += taken;
  if (work >= work_step()) wear(used);
  mid_bound_used(used);
  boost = mid_min(boost + 2 * retouched, peak);
  frees -= mid_min(frees, 16 * taken);
}

void mid_bound_rest(size_t given) { frees += mid_min(given, calm_step()); }

void mid_bound_reset(void) { boost = 0; }

size_t mid_bound_peak(void) { return peak; }
