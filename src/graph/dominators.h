// graph/dominators.h -- which node every path from the root to a node passes, and so what would be
// freed if that one went.
// SPDX-License-Identifier: MIT
//
// Semi-NCA: semidominators as by T. Lengauer and R. Tarjan, "A Fast Algorithm for Finding
// Dominators in a Flowgraph", TOPLAS 1, 1979, with path compression, then for each node the nearest
// ancestor in the tree of dominators that is not below its semidominator (L. Georgiadis, "Linear-
// Time Algorithms for Dominators and Related Problems", Princeton 2005; L. Georgiadis, R. Tarjan,
// R. Werneck, "Finding Dominators in Practice", JGAA 10, 2006).
//
// That last climb takes a step for each ancestor, and so squares with a list whose items are held
// by a table as well.  Here it goes by jump pointers (E. Myers, "An Applicative Random-Access
// Stack", IPL 17, 1983) in a number of steps that grows as the logarithm of the depth.
#ifndef MID_GRAPH_DOMINATORS_H
#define MID_GRAPH_DOMINATORS_H

#include <stdint.h>

#include "graph/edges.h"

// Arrays by node.  What no owner reaches hangs from the last owner, and each node of it that
// nothing points at, and one of each ring of it, hangs there directly.
struct mid_dominators {
  uint32_t *above;     // the immediate dominator; the root's is itself
  uint32_t *order;     // the nodes in an order in which each comes behind its dominator
  uint64_t *retained;  // bytes of the node and of all that it dominates
  uint32_t *count;     // blocks among these
  uint32_t unheld;     // blocks that no owner reaches

  struct mid_array above_, order_, retained_, count_;
};

// Of `e`, whose last owner gets its edges here; `size` has the bytes of each block.  `rank`, where
// it is not NULL, has a number below MID_RANKS for each owner: what is reached from an owner of a
// lower one is not held by those of a higher one too, so their edges to it are dropped from `e`.
// cost: nearly linear in edges; 100 bytes a block at most where a block has two pointers
enum { MID_RANKS = 4 };
void mid_dominators_make(struct mid_edges *e, const uint64_t *size, const uint8_t *rank,
                         struct mid_dominators *out);
void mid_dominators_close(struct mid_dominators *d);

#endif
