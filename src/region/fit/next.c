// region/fit/next.c -- next fit: the first hole from where the last block ended, and round.
// SPDX-License-Identifier: MIT
#include "region/fit_tree.h"

struct next {
  struct mid_tree tree;
  uint32_t from;  // the search begins at holes that begin here or above
};

static void next_insert(midden_fit *fit, uint32_t hole) {
  struct next *next = fit->state;
  if (hole < next->from && next->from < hole + mid_fit_tag(fit, hole)->size) next->from = hole;
  mid_tree_insert(fit, hole);
}

static uint32_t next_find(midden_fit *fit, uint32_t granules) {
  struct next *next = fit->state;
  uint32_t hole = mid_tree_lowest(fit, next->from, granules);
  if (hole == MID_FIT_NONE) hole = mid_tree_lowest(fit, 0, granules);
  if (hole != MID_FIT_NONE) next->from = hole + granules;
  return hole;
}

const struct mid_fit_policy mid_fit_next = {
    .name = "next-fit",
    .source = "D. E. Knuth, The Art of Computer Programming, vol. 1, 1968",
    .state_bytes = sizeof(struct next),
    .open = mid_tree_open,
    .insert = next_insert,
    .remove = mid_tree_remove,
    .find = next_find,
    .broken = mid_tree_broken,
};
