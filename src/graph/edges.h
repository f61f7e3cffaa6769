// graph/edges.h -- what points at what: compressed sparse rows over blocks and owners.
// SPDX-License-Identifier: MIT
//
// Nodes are numbered: the blocks, then the owners (a global variable, a thread's frame, ...), then
// the root, which points at every owner.
//
//   node:    0 .. blocks-1      blocks .. blocks+owners-1      blocks+owners
//            a block            an owner                       the root
//
//   offset:  | 0 | 2 | 2 | 5 | ..          of a node's first edge; one more at the end
//   target:  | a b | c d e | ..            edges: the block's number, and how it is pointed at
//
// Rows are added in the order of the nodes.  The last owner is no real one: what no owner reaches
// hangs from it, so that every node is reached from the root; dominators.h fills it.
#ifndef MID_GRAPH_EDGES_H
#define MID_GRAPH_EDGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/array.h"

enum { MID_GRAPH_MOST = 0x7ffffff0 };  // nodes: an edge keeps a bit for itself

// An edge leads to the start of a block or into the middle of it.
static inline uint32_t mid_edge(uint32_t block, bool interior) { return block << 1 | interior; }
static inline uint32_t mid_edge_to(uint32_t edge) { return edge >> 1; }
static inline bool mid_edge_interior(uint32_t edge) { return edge & 1; }

struct mid_edges {
  uint32_t blocks, owners;
  uint32_t *offset, *target;
  size_t count;  // of edges

  uint32_t rows;  // that are whole
  struct mid_array offsets, targets;
};

// Edges of `blocks` blocks to come.
void mid_edges_open(struct mid_edges *e, uint32_t blocks);
// One more edge of the node whose row is being made.
void mid_edges_add(struct mid_edges *e, uint32_t edge);
// The row is whole: edges from a block to itself and those that are there twice are dropped, and
// of one to the start and one to the middle of the same block the first stays.
void mid_edges_end_row(struct mid_edges *e);
// Behind the rows of all blocks and owners: adds the last owner, without edges as yet.
void mid_edges_finish(struct mid_edges *e);
void mid_edges_close(struct mid_edges *e);

static inline uint32_t mid_edges_root(const struct mid_edges *e) { return e->blocks + e->owners; }
static inline uint32_t mid_edges_nodes(const struct mid_edges *e) { return mid_edges_root(e) + 1; }
// The last owner: that of what no other reaches.
static inline uint32_t mid_edges_unheld(const struct mid_edges *e) { return mid_edges_root(e) - 1; }

// NULL, or the first thing that is wrong with them.
const char *mid_edges_broken(const struct mid_edges *e);

#endif
