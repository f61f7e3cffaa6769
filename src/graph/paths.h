// graph/paths.h -- the shortest ways from an owner to each block.
// SPDX-License-Identifier: MIT
//
// Breadth first, from the owners that are believed most: what a global reaches is explained by a
// global, even where a stack has a shorter way.  Of ways of one length those that lead to the start
// of a block are taken before those into its middle.
#ifndef MID_GRAPH_PATHS_H
#define MID_GRAPH_PATHS_H

#include "graph/graph.h"

struct mid_paths {
  uint32_t *from;   // by node: the one before it on the way; of an owner the root
  uint32_t *order;  // the nodes, each behind the one it comes from
  uint32_t *owner;  // by node: the owner, as a number of an owner, at the beginning of its way
  uint32_t count;   // of nodes in `order`

  struct mid_array from_, order_, owner_;
};

void mid_paths_make(const struct mid_graph *g, struct mid_paths *out);
void mid_paths_close(struct mid_paths *p);

// A stretch of a way: `count` blocks of one site, each of which points to the next; or an owner.
struct mid_path_step {
  uint32_t node, count;  // the first of them
};

// The way to `node`, from its owner on, in `*steps`, to be freed.
size_t mid_paths_to(const struct mid_graph *g, const struct mid_paths *p, uint32_t node,
                    struct mid_path_step **steps);

// The block of `site` that stands for them: the one with the shortest way from the owner that has
// most of them, of which it says how many; MID_GRAPH_NONE when there is none.
uint32_t mid_paths_of_site(const struct mid_graph *g, const struct mid_paths *p, uint32_t site,
                           uint32_t *blocks);

#endif
