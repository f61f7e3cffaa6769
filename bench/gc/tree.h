// bench/gc/tree.h -- binary trees of two references a node, for the workloads that build them.
// SPDX-License-Identifier: MIT
#ifndef TREE_H
#define TREE_H

#include "memory.h"

struct node {
  REF(struct node) left;
  REF(struct node) right;
};

static memory_type node_type = MEMORY_TYPE(struct node, 2);

static struct node *tree_build(memory *m, unsigned depth) {
  ROOTS(m, r, 2);
  if (depth > 0) {
    ROOT_SET(r, 0, tree_build(m, depth - 1));
    ROOT_SET(r, 1, tree_build(m, depth - 1));
  }
  struct node *node = memory_new(m, &node_type);
  INIT(m, node, left, ROOT(r, 0));
  INIT(m, node, right, ROOT(r, 1));
  ROOTS_END(m, r);
  return node;
}

// How many nodes it has.
static uint32_t tree_count(memory *m, struct node *node) {
  struct node *left = GET(m, node, left);
  if (left == NULL) return 1;
  return 1 + tree_count(m, left) + tree_count(m, GET(m, node, right));
}

static void tree_free(memory *m, struct node *node) {
  if (!MEMORY_FREES || node == NULL) return;
  tree_free(m, GET(m, node, left));
  tree_free(m, GET(m, node, right));
  memory_free(m, node);
}

#endif
