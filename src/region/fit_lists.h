// region/fit_lists.h -- lists of holes through their tags, for policies that sort them into bins.
// SPDX-License-Identifier: MIT
#ifndef MID_REGION_FIT_LISTS_H
#define MID_REGION_FIT_LISTS_H

#include "region/fit.h"

// `left` is the hole before this one in its list, `right` the one behind; last in, first out.

static inline void mid_holes_push(const midden_fit *fit, uint32_t *first, uint32_t hole) {
  struct mid_tag *tag = mid_fit_tag(fit, hole);
  tag->left = MID_FIT_NONE;
  tag->right = *first;
  if (*first != MID_FIT_NONE) mid_fit_tag(fit, *first)->left = hole;
  *first = hole;
}

static inline void mid_holes_drop(const midden_fit *fit, uint32_t *first, uint32_t hole) {
  const struct mid_tag *tag = mid_fit_tag(fit, hole);
  if (tag->right != MID_FIT_NONE) mid_fit_tag(fit, tag->right)->left = tag->left;
  if (tag->left != MID_FIT_NONE)
    mid_fit_tag(fit, tag->left)->right = tag->right;
  else
    *first = tag->right;
}

// How many holes the list has; MID_FIT_NONE when it is broken, or one is not for this list.
uint32_t mid_holes_count(const midden_fit *fit, uint32_t first,
                         bool (*belongs)(uint32_t size, unsigned list), unsigned list);

#endif
