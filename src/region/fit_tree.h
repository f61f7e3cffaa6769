// region/fit_tree.h -- holes in a tree, by address or by size, each node knowing the largest under
// it.
// SPDX-License-Identifier: MIT
//
// A treap: a search tree by key, a heap by a priority that is a hash of the hole's place.  So its
// shape depends on the holes alone, not on the order in which they came, and its depth is about
// twice the logarithm of their number.
//
// Source: C. R. Aragon, R. G. Seidel, "Randomized Search Trees", FOCS 1989.
#ifndef MID_REGION_FIT_TREE_H
#define MID_REGION_FIT_TREE_H

#include "region/fit.h"

// What fit->state of a policy that uses a tree begins with.
struct mid_tree {
  uint32_t root;
  bool by_size;  // key: size, then address; else address
};

// For struct mid_fit_policy as they are.  An open tree is sorted by address.
void mid_tree_open(midden_fit *fit);
void mid_tree_insert(midden_fit *fit, uint32_t hole);
void mid_tree_remove(midden_fit *fit, uint32_t hole);
const char *mid_tree_broken(const midden_fit *fit, size_t holes);

// The largest size in the tree, 0 when it is empty.
uint32_t mid_tree_most(const midden_fit *fit);
// By address: the lowest hole from granule `from` on that has `granules` or more.
uint32_t mid_tree_lowest(const midden_fit *fit, uint32_t from, uint32_t granules);
// By size: the smallest hole that has `granules` or more, the lowest of those.
uint32_t mid_tree_smallest(const midden_fit *fit, uint32_t granules);

#endif
