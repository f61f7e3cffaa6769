// graph/groups.h -- the tree of dominators with blocks of one site taken together.
// SPDX-License-Identifier: MIT
//
// Retained sizes do not add up over a list, each node of which retains the rest.  So the blocks of
// a site that the same group dominates become one group, and with it those that they dominate of
// the same site:
//
//   global cache               a group for each owner
//     table_new  1 block       what it alone holds, by site
//       entry_new  12 000      what these hold, ...
//   entry_new  50              beside the owners: held by more than one of them
#ifndef MID_GRAPH_GROUPS_H
#define MID_GRAPH_GROUPS_H

#include "graph/graph.h"

struct mid_group {
  uint32_t above;  // the group that dominates it; the first, the whole heap, has itself
  uint32_t site;   // or MID_GRAPH_NONE: the whole heap or an owner
  uint32_t node;   // one of them; an owner where `site` is none
  uint32_t depth;
  uint32_t blocks;         // in it
  uint64_t own, retained;  // bytes: theirs, and with all that they dominate
};

struct mid_groups {
  struct mid_group *at;  // each behind the one above it
  uint32_t count;
};

void mid_groups_make(const struct mid_graph *g, struct mid_groups *out);
void mid_groups_close(struct mid_groups *groups);

// What a site has, and what would be freed if all its blocks went.
struct mid_site_total {
  uint32_t site, blocks;
  uint64_t own, retained;
};
// Of every site, the most bytes of its own first; to be freed.
struct mid_site_total *mid_groups_by_site(const struct mid_graph *g,
                                          const struct mid_groups *groups);

#endif
