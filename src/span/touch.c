// span/touch.c -- see touch.h.
// SPDX-License-Identifier: MIT
#include "span/touch.h"

#include "base/bits.h"

static size_t known, trust;

enum mid_touch mid_touch_expect(size_t bytes, size_t fresh) {
  if (bytes > 2 * known || trust == 0) return MID_TOUCH_NONE;
  trust -= mid_min(trust, fresh);
  return trust < known ? MID_TOUCH_MOST : MID_TOUCH_ALL;
}

void mid_touch_learn(size_t bytes, size_t fresh, size_t touched) {
  if (touched >= fresh - fresh / 8) {
    known = mid_max(bytes, known - known / 16);
    trust = mid_min(trust + 64 * fresh, 2 * known);
  } else {
    trust -= mid_min(trust, 8 * (fresh - touched));
  }
}
