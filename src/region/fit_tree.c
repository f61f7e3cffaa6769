// region/fit_tree.c -- a treap of holes through their tags.
// SPDX-License-Identifier: MIT
#include "region/fit_tree.h"

#include "base/bits.h"

static struct mid_tree *tree_of(const midden_fit *fit) { return fit->state; }

static bool tree_before(const midden_fit *fit, uint32_t a, uint32_t b) {
  uint32_t size_a = mid_fit_tag(fit, a)->size, size_b = mid_fit_tag(fit, b)->size;
  return tree_of(fit)->by_size && size_a != size_b ? size_a < size_b : a < b;
}

// A bijection of 32 bits, so that no two holes tie.
static uint32_t tree_priority(uint32_t hole) {
  hole = (hole ^ hole >> 16) * 0x7feb352du;
  hole = (hole ^ hole >> 15) * 0x846ca68bu;
  return hole ^ hole >> 16;
}

static uint32_t tree_most(const midden_fit *fit, uint32_t node) {
  return node == MID_FIT_NONE ? 0 : mid_fit_tag(fit, node)->most;
}

static void tree_measure(const midden_fit *fit, struct mid_tag *tag) {
  size_t under = mid_max(tree_most(fit, tag->left), tree_most(fit, tag->right));
  tag->most = (uint32_t)mid_max(tag->size, under);
}

// One tree of two, where all of `a` comes before all of `b`.
static uint32_t tree_join(const midden_fit *fit, uint32_t a, uint32_t b) {
  if (a == MID_FIT_NONE) return b;
  if (b == MID_FIT_NONE) return a;
  bool a_above = tree_priority(a) > tree_priority(b);
  uint32_t top = a_above ? a : b;
  struct mid_tag *tag = mid_fit_tag(fit, top);
  if (a_above)
    tag->right = tree_join(fit, tag->right, b);
  else
    tag->left = tree_join(fit, a, tag->left);
  tree_measure(fit, tag);
  return top;
}

// Cut the tree under `node` in two: what comes before `hole`, and the rest.
static void tree_part(const midden_fit *fit, uint32_t node, uint32_t hole, uint32_t *low,
                      uint32_t *high) {
  if (node == MID_FIT_NONE) {
    *low = *high = MID_FIT_NONE;
    return;
  }
  struct mid_tag *tag = mid_fit_tag(fit, node);
  if (tree_before(fit, node, hole)) {
    *low = node;
    tree_part(fit, tag->right, hole, &tag->right, high);
  } else {
    *high = node;
    tree_part(fit, tag->left, hole, low, &tag->left);
  }
  tree_measure(fit, tag);
}

void mid_tree_open(midden_fit *fit) { *tree_of(fit) = (struct mid_tree){.root = MID_FIT_NONE}; }

void mid_tree_insert(midden_fit *fit, uint32_t hole) {
  uint32_t *root = &tree_of(fit)->root;
  struct mid_tag *tag = mid_fit_tag(fit, hole);
  uint32_t low, high;
  tree_part(fit, *root, hole, &low, &high);
  tag->left = tag->right = MID_FIT_NONE;
  tag->most = tag->size;
  *root = tree_join(fit, tree_join(fit, low, hole), high);
}

static uint32_t tree_without(const midden_fit *fit, uint32_t node, uint32_t hole) {
  struct mid_tag *tag = mid_fit_tag(fit, node);
  if (node == hole) return tree_join(fit, tag->left, tag->right);
  uint32_t *side = tree_before(fit, hole, node) ? &tag->left : &tag->right;
  *side = tree_without(fit, *side, hole);
  tree_measure(fit, tag);
  return node;
}

void mid_tree_remove(midden_fit *fit, uint32_t hole) {
  uint32_t *root = &tree_of(fit)->root;
  *root = tree_without(fit, *root, hole);
}

uint32_t mid_tree_most(const midden_fit *fit) { return tree_most(fit, tree_of(fit)->root); }

static uint32_t tree_lowest(const midden_fit *fit, uint32_t node, uint32_t from,
                            uint32_t granules) {
  if (tree_most(fit, node) < granules) return MID_FIT_NONE;
  const struct mid_tag *tag = mid_fit_tag(fit, node);
  if (node >= from) {
    uint32_t lower = tree_lowest(fit, tag->left, from, granules);
    if (lower != MID_FIT_NONE) return lower;
    if (tag->size >= granules) return node;
  }
  return tree_lowest(fit, tag->right, from, granules);
}

uint32_t mid_tree_lowest(const midden_fit *fit, uint32_t from, uint32_t granules) {
  return tree_lowest(fit, tree_of(fit)->root, from, granules);
}

uint32_t mid_tree_smallest(const midden_fit *fit, uint32_t granules) {
  uint32_t found = MID_FIT_NONE;
  for (uint32_t node = tree_of(fit)->root; node != MID_FIT_NONE;) {
    const struct mid_tag *tag = mid_fit_tag(fit, node);
    if (tag->size >= granules) found = node;
    node = tag->size >= granules ? tag->left : tag->right;
  }
  return found;
}

static const char *tree_node_broken(const midden_fit *fit, uint32_t node, size_t *seen) {
  if (node == MID_FIT_NONE) return NULL;
  struct mid_tag *tag = mid_fit_tag(fit, node), copy = *tag;
  if (++*seen > fit->granules || tag->used) return "the tree of holes has a node that is no hole";
  tree_measure(fit, &copy);
  if (copy.most != tag->most) return "a node of the tree does not know the largest hole under it";
  const uint32_t side[] = {tag->left, tag->right};
  for (int i = 0; i < 2; i++) {
    if (side[i] == MID_FIT_NONE) continue;
    if (tree_before(fit, side[i], node) != (i == 0)) return "the tree of holes is unsorted";
    if (tree_priority(side[i]) > tree_priority(node)) return "the tree of holes is no heap";
  }
  const char *broken = tree_node_broken(fit, tag->left, seen);
  return broken != NULL ? broken : tree_node_broken(fit, tag->right, seen);
}

const char *mid_tree_broken(const midden_fit *fit, size_t holes) {
  size_t seen = 0;
  const char *broken = tree_node_broken(fit, tree_of(fit)->root, &seen);
  if (broken != NULL) return broken;
  return seen == holes ? NULL : "the tree does not have every hole";
}
