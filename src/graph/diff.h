// graph/diff.h -- what changed between two snapshots of a process, or three.
// SPDX-License-Identifier: MIT
//
//   baseline ----- target                born: in the target alone; gone: in the baseline alone
//   baseline ----- target ----- final    stayed: born between the first two, and still there after
//
// The three are memlab's: before an action, behind it, and after what it needed should be gone.  A
// block is the same where address and size are, and, as far as they are known, site and birth:
// addresses are used again.
#ifndef MID_GRAPH_DIFF_H
#define MID_GRAPH_DIFF_H

#include "graph/graph.h"

#define MID_DIFF_SHARE 0.02  // of the heap: smaller changes are not worth a line

struct mid_graph_sum {
  uint32_t blocks;
  uint64_t bytes;
};

// Of a site, by its number in the target.
struct mid_diff_site {
  uint32_t site;
  struct mid_graph_sum before, after, born, gone;
  struct mid_graph_sum stayed;  // of three: born, and in the final one too
};

// What an owner retains; owners are the same by their names.
struct mid_diff_owner {
  uint32_t owner;  // in the target
  uint64_t before, after;
};

struct mid_graph_diff {
  const struct mid_graph *baseline, *target, *final;  // final: NULL of two
  struct mid_diff_site *site;  // the most grown, or stayed, first; those that are gone are left out
  size_t sites;
  struct mid_diff_owner *owner;  // the most grown first
  size_t owners;
  struct mid_graph_sum born, gone, stayed;
};

void mid_graph_diff_make(const struct mid_graph *baseline, const struct mid_graph *target,
                         const struct mid_graph *final, struct mid_graph_diff *out);
void mid_graph_diff_close(struct mid_graph_diff *d);

#endif
