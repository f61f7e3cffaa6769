// region/fit/first.c -- first fit: the lowest hole that is large enough.
// SPDX-License-Identifier: MIT
#include "region/fit_tree.h"

static uint32_t first_find(midden_fit *fit, uint32_t granules) {
  return mid_tree_lowest(fit, 0, granules);
}

const struct mid_fit_policy mid_fit_first = {
    .name = "first-fit",
    .source = "D. E. Knuth, The Art of Computer Programming, vol. 1, 1968",
    .state_bytes = sizeof(struct mid_tree),
    .open = mid_tree_open,
    .insert = mid_tree_insert,
    .remove = mid_tree_remove,
    .find = first_find,
    .broken = mid_tree_broken,
};
