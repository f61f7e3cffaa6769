// region/fit/best.c -- best fit: the smallest hole that is large enough, the lowest of those.
// SPDX-License-Identifier: MIT
#include "region/fit_tree.h"

static void best_open(midden_fit *fit) {
  mid_tree_open(fit);
  ((struct mid_tree *)fit->state)->by_size = true;
}

static uint32_t best_find(midden_fit *fit, uint32_t granules) {
  return mid_tree_smallest(fit, granules);
}

const struct mid_fit_policy mid_fit_best = {
    .name = "best-fit",
    .source = "D. E. Knuth, The Art of Computer Programming, vol. 1, 1968",
    .state_bytes = sizeof(struct mid_tree),
    .open = best_open,
    .insert = mid_tree_insert,
    .remove = mid_tree_remove,
    .find = best_find,
    .broken = mid_tree_broken,
};
