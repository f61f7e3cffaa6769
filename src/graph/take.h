// graph/take.h -- the graph of a process or a core file.
// SPDX-License-Identifier: MIT
//
//   walk/: blocks, samples, edges, roots --+-- sites.c: who allocated each block
//                                          +-- owners.c: what a root's words belong to
//                                          +-- frames.c: whose part of a stack that is
#ifndef MID_GRAPH_TAKE_H
#define MID_GRAPH_TAKE_H

#include "graph/graph.h"
#include "walk/reach.h"
#include "walk/target.h"

// All of the graph but its end: mid_graph_finish, which needs the target no more.
// symbols  to name with, kept open by the caller; NULL: ones of its own
// returns  NULL, or a sentence that says why there is none; then *out is empty.  `no_stacks` is set
// to NULL, or to a sentence that says why no block's stack is known. cost  reads the live heap
// once; linear, about 100 bytes a block
const char *mid_graph_take(const struct mid_target *target, struct mid_symbols *symbols,
                           struct mid_graph *out, const char **no_stacks);

// ---- within graph/ ------------------------------------------------------------------------------

// What all parts need of the target.
struct mid_graph_taking {
  const struct mid_target *target;
  struct mid_blocks blocks;
  struct mid_profile profile;
  bool has_profile;
  struct mid_roots roots;
  struct mid_reach reach;
  struct mid_symbols *symbols;
  uint32_t *rank;  // live blocks before the first one of each word of blocks.live
};

static inline uint32_t mid_graph_rank(const struct mid_graph_taking *t, uint32_t block) {
  uint64_t before = t->blocks.live[block / 64] & (((uint64_t)1 << block % 64) - 1);
  return t->rank[block / 64] + (uint32_t)__builtin_popcountll(before);
}

// Fill in g->site and g->born, addresses and sizes being there.
void mid_graph_take_sites(struct mid_graph_taking *t, struct mid_graph *g);
// Add the owners and their rows.
void mid_graph_take_owners(struct mid_graph_taking *t, struct mid_graph *g);

// A frame of a thread: what it has of the stack begins at `sp` and ends where the next one begins.
struct mid_graph_frame {
  uint64_t sp, pc;
};
enum { MID_GRAPH_FRAMES = 256 };
struct mid_graph_unwinder *mid_graph_unwinder_open(const struct mid_graph_taking *t);
// The frames of thread number `thread`, the innermost first, by the unwind tables of its modules:
// how many of `most`.
size_t mid_graph_frames(struct mid_graph_unwinder *u, size_t thread, struct mid_graph_frame *out,
                        size_t most);
void mid_graph_unwinder_close(struct mid_graph_unwinder *u);

#endif
