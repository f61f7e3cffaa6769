// graph/paths.c -- see paths.h.
// SPDX-License-Identifier: MIT
#include "graph/paths.h"

#include <stdlib.h>

static void reach(struct mid_paths *p, uint32_t node, uint32_t from) {
  p->from[node] = from;
  p->owner[node] = p->owner[from];
  p->order[p->count++] = node;
}

// From the nodes order[at] up to order[end], to what is not reached yet.
static void reach_from_level(const struct mid_graph *g, struct mid_paths *p, uint32_t at,
                             uint32_t end, bool interior) {
  const struct mid_edges *e = &g->edges;
  for (; at < end; at++) {
    uint32_t from = p->order[at];
    if (at + 8 < end) __builtin_prefetch(&e->offset[p->order[at + 8]]);
    if (at + 4 < end) __builtin_prefetch(&e->target[e->offset[p->order[at + 4]]]);
    for (size_t i = e->offset[from]; i < e->offset[from + 1]; i++) {
      uint32_t to = mid_edge_to(e->target[i]);
      if (mid_edge_interior(e->target[i]) == interior && p->from[to] == MID_GRAPH_NONE)
        reach(p, to, from);
    }
  }
}

static void reach_by_kind(const struct mid_graph *g, struct mid_paths *p,
                          enum mid_owner_kind kind) {
  uint32_t at = p->count, root = mid_edges_root(&g->edges);
  for (uint32_t i = 0; i < g->owner_count; i++) {
    if (g->owner[i].kind != kind) continue;
    reach(p, g->edges.blocks + i, root);
    p->owner[g->edges.blocks + i] = i;
  }
  while (at < p->count) {
    uint32_t end = p->count;
    reach_from_level(g, p, at, end, false);
    reach_from_level(g, p, at, end, true);
    at = end;
  }
}

void mid_paths_make(const struct mid_graph *g, struct mid_paths *out) {
  uint32_t nodes = mid_edges_nodes(&g->edges), root = mid_edges_root(&g->edges);
  *out = (struct mid_paths){.from_ = mid_array_open((size_t)nodes * sizeof *out->from),
                            .order_ = mid_array_open((size_t)nodes * sizeof *out->order),
                            .owner_ = mid_array_open((size_t)nodes * sizeof *out->owner)};
  out->from = out->from_.at;
  out->order = out->order_.at;
  out->owner = out->owner_.at;
  for (uint32_t n = 0; n < nodes; n++) out->from[n] = MID_GRAPH_NONE;
  out->owner[root] = MID_GRAPH_NONE;
  reach(out, root, root);
  for (int kind = 0; kind < MID_OWNER_KINDS; kind++)
    reach_by_kind(g, out, (enum mid_owner_kind)kind);
}

void mid_paths_close(struct mid_paths *p) {
  mid_array_close(&p->from_);
  mid_array_close(&p->order_);
  mid_array_close(&p->owner_);
  *p = (struct mid_paths){0};
}

// The site of a block; each owner counts as one of its own.
static uint32_t site_of(const struct mid_graph *g, uint32_t node) {
  return node < g->edges.blocks ? g->site[node] : g->site_count + node;
}

size_t mid_paths_to(const struct mid_graph *g, const struct mid_paths *p, uint32_t node,
                    struct mid_path_step **steps) {
  uint32_t root = mid_edges_root(&g->edges);
  size_t count = 0;
  for (uint32_t n = node, last = MID_GRAPH_NONE; n != root; last = n, n = p->from[n])
    count += last == MID_GRAPH_NONE || site_of(g, n) != site_of(g, last);
  *steps = mid_graph_kept(calloc(count + 1, sizeof **steps));
  size_t at = count;
  for (uint32_t n = node, last = MID_GRAPH_NONE; n != root; last = n, n = p->from[n]) {
    if (last == MID_GRAPH_NONE || site_of(g, n) != site_of(g, last)) at--;
    (*steps)[at].node = n;
    (*steps)[at].count++;
  }
  return count;
}

uint32_t mid_paths_of_site(const struct mid_graph *g, const struct mid_paths *p, uint32_t site,
                           uint32_t *blocks) {
  uint32_t *have = mid_graph_kept(calloc(g->owner_count, sizeof *have)), most = 0;
  for (uint32_t b = 0; b < g->edges.blocks; b++)
    if (g->site[b] == site) have[p->owner[b]]++;
  for (uint32_t i = 0; i < g->owner_count; i++)
    if (have[i] > have[most]) most = i;
  *blocks = have[most];
  free(have);
  for (uint32_t i = 0; *blocks > 0 && i < p->count; i++) {
    uint32_t n = p->order[i];
    if (n < g->edges.blocks && g->site[n] == site && p->owner[n] == most) return n;
  }
  return MID_GRAPH_NONE;
}
