// graph/groups.c -- see groups.h.
// SPDX-License-Identifier: MIT
#include "graph/groups.h"

#include <stdlib.h>
#include <string.h>

// Two sites that hold each other in turns would make a group of each block: below this depth they
// stay in the group above.
enum { DEEPEST = 48 };

// Groups by the one above and the site; a place holds the number of a group, 0: none.
struct index {
  uint32_t *place;
  size_t places;  // a power of two, at least twice the groups
};

static size_t home(const struct index *x, uint32_t above, uint64_t key) {
  uint64_t mixed = (above * 0x9e3779b97f4a7c15u) ^ (key * 0xc2b2ae3d27d4eb4fu);
  return (size_t)(mixed ^ mixed >> 29) & (x->places - 1);
}

// Owners are numbered behind the sites.
static uint64_t key_of(const struct mid_graph *g, uint32_t node) {
  return node < g->edges.blocks ? g->site[node] : (uint64_t)g->site_count + node;
}

static uint32_t *find(const struct mid_graph *g, const struct mid_groups *groups,
                      const struct index *x, uint32_t above, uint64_t key) {
  size_t i = home(x, above, key);
  for (;; i = (i + 1) & (x->places - 1)) {
    const struct mid_group *at = &groups->at[x->place[i]];
    if (x->place[i] == 0 || (at->above == above && key_of(g, at->node) == key)) return &x->place[i];
  }
}

static void index_grow(const struct mid_graph *g, const struct mid_groups *groups,
                       struct index *x) {
  if (2 * ((size_t)groups->count + 1) < x->places) return;
  x->places = x->places == 0 ? 256 : 2 * x->places;
  free(x->place);
  x->place = mid_graph_kept(calloc(x->places, sizeof *x->place));
  for (uint32_t i = 1; i < groups->count; i++)
    *find(g, groups, x, groups->at[i].above, key_of(g, groups->at[i].node)) = i;
}

static uint32_t groups_add(struct mid_groups *groups, struct mid_group group) {
  groups->at = mid_graph_grown(groups->at, groups->count, sizeof *groups->at);
  groups->at[groups->count] = group;
  return groups->count++;
}

// The group of `node`, which `above` dominates.
static uint32_t group_of(const struct mid_graph *g, struct mid_groups *groups, struct index *x,
                         uint32_t above, uint32_t node) {
  const struct mid_group *up = &groups->at[above];
  bool block = node < g->edges.blocks;
  if (block && (g->site[node] == up->site || up->depth == DEEPEST)) return above;
  index_grow(g, groups, x);
  uint32_t *place = find(g, groups, x, above, key_of(g, node));
  if (*place == 0) {
    struct mid_group group = {.above = above, .node = node, .depth = up->depth + 1};
    group.site = block ? g->site[node] : MID_GRAPH_NONE;
    *place = groups_add(groups, group);
  }
  return *place;
}

void mid_groups_make(const struct mid_graph *g, struct mid_groups *out) {
  uint32_t nodes = mid_edges_nodes(&g->edges);
  struct mid_array room = mid_array_open((size_t)nodes * sizeof(uint32_t));
  uint32_t *group = room.at;  // by node
  struct index x = {0};
  *out = (struct mid_groups){0};
  groups_add(out,
             (struct mid_group){.site = MID_GRAPH_NONE, .node = nodes - 1, .retained = g->bytes});
  for (uint32_t i = 1; i < nodes; i++) {
    uint32_t node = g->tree.order[i], above = group[g->tree.above[node]];
    uint32_t mine = group[node] = group_of(g, out, &x, above, node);
    if (mine != above) out->at[mine].retained += g->tree.retained[node];
    out->at[mine].own += mid_graph_own(g, node);
    out->at[mine].blocks += node < g->edges.blocks;
  }
  free(x.place);
  mid_array_close(&room);
}

void mid_groups_close(struct mid_groups *groups) {
  free(groups->at);
  *groups = (struct mid_groups){0};
}

static bool is_below_its_site(const struct mid_groups *groups, const struct mid_group *group) {
  for (uint32_t i = group->above; i != 0; i = groups->at[i].above)
    if (groups->at[i].site == group->site) return true;
  return false;
}

static int by_own(const void *a, const void *b) {
  const struct mid_site_total *x = a, *y = b;
  if (x->own != y->own) return x->own < y->own ? 1 : -1;
  return x->site < y->site ? -1 : x->site > y->site;
}

struct mid_site_total *mid_groups_by_site(const struct mid_graph *g,
                                          const struct mid_groups *groups) {
  struct mid_site_total *total = mid_graph_kept(calloc((size_t)g->site_count + 1, sizeof *total));
  for (uint32_t s = 0; s < g->site_count; s++) total[s].site = s;
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    total[g->site[b]].own += g->size[b];
    total[g->site[b]].blocks++;
  }
  for (uint32_t i = 1; i < groups->count; i++) {
    const struct mid_group *group = &groups->at[i];
    if (group->site != MID_GRAPH_NONE && !is_below_its_site(groups, group))
      total[group->site].retained += group->retained;
  }
  qsort(total, g->site_count, sizeof *total, by_own);
  return total;
}
