// region/fit_lists.c -- lists of holes: are they sound?
// SPDX-License-Identifier: MIT
#include "region/fit_lists.h"

uint32_t mid_holes_count(const midden_fit *fit, uint32_t first,
                         bool (*belongs)(uint32_t size, unsigned list), unsigned list) {
  uint32_t count = 0, before = MID_FIT_NONE;
  for (uint32_t hole = first; hole != MID_FIT_NONE; hole = mid_fit_tag(fit, hole)->right) {
    const struct mid_tag *tag = mid_fit_tag(fit, hole);
    if (tag->used || tag->left != before || !belongs(tag->size, list)) return MID_FIT_NONE;
    before = hole;
    if (++count > fit->granules) return MID_FIT_NONE;
  }
  return count;
}
