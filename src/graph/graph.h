// graph/graph.h -- the blocks of a heap at a moment, what points at them, and who holds what.
// SPDX-License-Identifier: MIT
//
//   take.h (a process, a core) --+                        +--> paths, groups, suspects --> text.h
//                                +--> graph, dominators --+--> snapshot.h --> diff.h
//   snapshot.h (a file) ---------+                        +--> hprof.h, v8.h, json.h
//
// A graph is made in this order: open; the facts of each block; sites; then for each block a row of
// edges, for each owner its name and its row; finish.
#ifndef MID_GRAPH_GRAPH_H
#define MID_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/dominators.h"
#include "graph/edges.h"

#define MID_GRAPH_NONE UINT32_MAX

// In the order in which they are believed: what a global holds is not explained by a word that an
// old frame left on a stack, nor is it shared with that frame.
enum mid_owner_kind {
  MID_OWNER_GLOBAL,
  MID_OWNER_TLS,
  MID_OWNER_KERNEL,   // what the kernel was given to keep, as by epoll
  MID_OWNER_MAPPING,  // other memory that the program mapped
  MID_OWNER_STACK,    // a frame of a thread
  MID_OWNER_REGISTER,
  MID_OWNER_REMAINS,  // of threads that ended; files that others see too
  MID_OWNER_UNHELD,   // none: what nothing above reaches
  MID_OWNER_KINDS
};
const char *mid_owner_kind_name(enum mid_owner_kind kind);

struct mid_graph_owner {
  enum mid_owner_kind kind;
  char *name;  // "cache in server", "handle of thread 4711"
};

// Where blocks were allocated; where no stack was sampled, what else they have in common.
struct mid_graph_site {
  char *name;  // of a function; or a C++ class, or "64 B, without a stack"
  char *file;  // "" when not known
  uint32_t line;
  bool known;  // by a stack
};

struct mid_graph {
  char *program;
  uint64_t pid, taken_ms;  // since 1970
  struct mid_edges edges;
  uint64_t *address, *size;  // by block, the addresses rising
  uint32_t *site;
  uint32_t *born;  // milliseconds since the process began, and one; 0: not known
  struct mid_graph_site *sites;
  uint32_t site_count;
  uint32_t *site_place;           // private: a site and one, by hash
  size_t site_places;             // a power of two, at least twice the sites
  struct mid_graph_owner *owner;  // edges.owners, the last one of MID_OWNER_UNHELD
  uint32_t owner_count;
  struct mid_dominators tree;  // after finish
  uint64_t bytes;              // of all blocks

  struct mid_array addresses, sizes, block_sites, births;
};

void mid_graph_open(struct mid_graph *g, uint32_t blocks);
// Names are copied; what is no UTF-8 or would command a terminal becomes '?'.
void mid_graph_name(struct mid_graph *g, const char *program);
// The number of the site of this name, file and line: a new one, or the one that is there.
uint32_t mid_graph_add_site(struct mid_graph *g, const char *name, const char *file, uint32_t line,
                            bool known);
// Its row of edges is made next, or before the next owner.
void mid_graph_add_owner(struct mid_graph *g, enum mid_owner_kind kind, const char *name);
// Adds the last owner, finds the dominators.
void mid_graph_finish(struct mid_graph *g);
void mid_graph_close(struct mid_graph *g);

static inline uint64_t mid_graph_own(const struct mid_graph *g, uint32_t node) {
  return node < g->edges.blocks ? g->size[node] : 0;
}
static inline bool mid_graph_is_owner(const struct mid_graph *g, uint32_t node) {
  return node >= g->edges.blocks && node < mid_edges_root(&g->edges);
}
// Its owner, of a node that is one.
static inline const struct mid_graph_owner *mid_graph_owner(const struct mid_graph *g,
                                                            uint32_t node) {
  return &g->owner[node - g->edges.blocks];
}

// The site that has the name, file and line of another graph's; MID_GRAPH_NONE.
uint32_t mid_graph_find_site(const struct mid_graph *g, const struct mid_graph_site *like);
// The block at `address`, or that it lies in; MID_GRAPH_NONE.
uint32_t mid_graph_find(const struct mid_graph *g, uint64_t address);

// What a node is, in words: "table_new (table.c:40)", "global cache in server".
struct mid_graph_words {
  char at[256];
};
const char *mid_graph_site_words(const struct mid_graph *g, uint32_t site,
                                 struct mid_graph_words *room);
const char *mid_graph_owner_words(const struct mid_graph *g, uint32_t owner,
                                  struct mid_graph_words *room);
const char *mid_graph_node_words(const struct mid_graph *g, uint32_t node,
                                 struct mid_graph_words *room);

// NULL, or the first thing that is wrong with a finished graph.
const char *mid_graph_broken(const struct mid_graph *g);

#endif
