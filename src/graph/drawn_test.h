// graph/drawn_test.h -- graphs for tests, drawn by hand.
// SPDX-License-Identifier: MIT
//
//   static const struct drawn_block blocks[] = {
//       {"table", 64, {2, 3}}, {"entry", 32, {-3}}, {"entry", 32, {0}}};
//
// A row is a site, bytes, and what the block points at: blocks counted from 1, below 0 where it is
// into the middle.
#ifndef MID_GRAPH_DRAWN_TEST_H
#define MID_GRAPH_DRAWN_TEST_H

#include "graph/graph.h"

enum { DRAWN_MOST = 8 };

struct drawn_block {
  const char *site;
  uint64_t bytes;
  int64_t to[DRAWN_MOST];
};
struct drawn_owner {
  enum mid_owner_kind kind;
  const char *name;
  int64_t to[DRAWN_MOST];
};

static void drawn_row(struct mid_edges *e, const int64_t *to) {
  for (int i = 0; i < DRAWN_MOST && to[i] != 0; i++)
    mid_edges_add(e, mid_edge((uint32_t)(to[i] < 0 ? -to[i] : to[i]) - 1, to[i] < 0));
  mid_edges_end_row(e);
}

__attribute__((unused)) static struct mid_graph drawn(const struct drawn_block *block,
                                                      size_t blocks,
                                                      const struct drawn_owner *owner,
                                                      size_t owners) {
  struct mid_graph g;
  mid_graph_open(&g, (uint32_t)blocks);
  uint64_t address = 0x7f0000000000;
  for (uint32_t b = 0; b < blocks; b++) {
    g.address[b] = address;
    g.size[b] = block[b].bytes;
    g.site[b] = mid_graph_add_site(&g, block[b].site, "drawn.c", 1, true);
    address += (block[b].bytes + 15) / 16 * 16;
  }
  for (uint32_t b = 0; b < blocks; b++) drawn_row(&g.edges, block[b].to);
  for (size_t o = 0; o < owners; o++) {
    mid_graph_add_owner(&g, owner[o].kind, owner[o].name);
    drawn_row(&g.edges, owner[o].to);
  }
  mid_graph_finish(&g);
  return g;
}

#define DRAWN(blocks, owners) \
  drawn(blocks, sizeof(blocks) / sizeof *(blocks), owners, sizeof(owners) / sizeof *(owners))

#endif
