// region/fit/worst.c -- worst fit: the largest hole, the lowest of those.
// SPDX-License-Identifier: MIT
#include "base/bits.h"
#include "region/fit_tree.h"

static uint32_t worst_find(midden_fit *fit, uint32_t granules) {
  return mid_tree_lowest(fit, 0, (uint32_t)mid_max(mid_tree_most(fit), granules));
}

const struct mid_fit_policy mid_fit_worst = {
    .name = "worst-fit",
    .source =
        "P. R. Wilson et al., Dynamic Storage Allocation: A Survey and Critical Review, IWMM 1995",
    .state_bytes = sizeof(struct mid_tree),
    .open = mid_tree_open,
    .insert = mid_tree_insert,
    .remove = mid_tree_remove,
    .find = worst_find,
    .broken = mid_tree_broken,
};
