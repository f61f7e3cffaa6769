// graph/suspects.h -- what holds a large part of the heap, and where it gathers.
// SPDX-License-Identifier: MIT
//
// The rules and numbers are those of Eclipse MAT's leak suspects (FindLeaksQuery), with sites for
// classes and owners as what the root holds.
#ifndef MID_GRAPH_SUSPECTS_H
#define MID_GRAPH_SUSPECTS_H

#include "graph/groups.h"
#include "graph/paths.h"

#define MID_SUSPECT_SHARE 0.2   // of the heap, that one must hold
#define MID_SUSPECT_DROP 0.7    // of what it holds must be held by one below, to look further there
#define MID_SUSPECT_COMMON 0.8  // of the ways to a group must have a node in common
enum { MID_SUSPECT_DEEPEST = 1000, MID_SUSPECT_WAYS = 10000 };

struct mid_suspect {
  // What the root holds directly: an owner, a block that several owners share, or, where `site` is
  // not MID_GRAPH_NONE, all such blocks of a site.
  uint32_t node, site;
  uint32_t blocks;    // of the site, or that the node dominates
  uint64_t retained;  // bytes
  // Where it gathers: the last node on the way down that still has most of it; MID_GRAPH_NONE for a
  // group whose ways have nothing in common.
  uint32_t point;
  uint64_t point_retained;  // a group's point: bytes of the group that hang from it
  // Of a node: what is most of what the point dominates, by site.
  uint32_t most_site, most_blocks;
  uint64_t most_bytes;
  uint32_t holder[2];  // owners that share it, the one with most pointers first; MID_GRAPH_NONE
};

struct mid_suspects {
  struct mid_suspect *at;  // the worst first
  size_t count;
};

void mid_suspects_find(const struct mid_graph *g, const struct mid_paths *p,
                       struct mid_suspects *out);
void mid_suspects_close(struct mid_suspects *s);

#endif
