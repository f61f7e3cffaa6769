// graph/suspects.c -- see suspects.h.
// SPDX-License-Identifier: MIT
#include "graph/suspects.h"

#include <stdlib.h>
#include <string.h>

static void suspects_add(struct mid_suspects *s, struct mid_suspect suspect) {
  s->at = mid_graph_grown(s->at, s->count, sizeof *s->at);
  s->at[s->count++] = suspect;
}

static bool is_large(const struct mid_graph *g, uint64_t bytes) {
  return (double)bytes > MID_SUSPECT_SHARE * (double)g->bytes;
}

// The child of each node that weighs most, by the tree that `above` is.
static struct mid_array heaviest(uint32_t nodes, const uint32_t *above, const uint64_t *weight) {
  struct mid_array room = mid_array_open((size_t)nodes * sizeof(uint32_t));
  uint32_t *child = room.at;
  for (uint32_t n = 0; n < nodes; n++) child[n] = MID_GRAPH_NONE;
  for (uint32_t n = 0; n < nodes; n++) {
    uint32_t up = above[n];
    if (up == n) continue;
    if (child[up] == MID_GRAPH_NONE || weight[n] > weight[child[up]]) child[up] = n;
  }
  return room;
}

// ---- one that holds much ------------------------------------------------------------------------

// Down the largest child while it has most of its parent.  On a list or in a tree each node has
// nearly all of the one above: the point is where the stretch of blocks of one site begins.
static uint32_t find_point(const struct mid_graph *g, const uint32_t *child, uint32_t node) {
  uint32_t begin = node;
  for (int depth = 0; depth < MID_SUSPECT_DEEPEST && child[node] != MID_GRAPH_NONE; depth++) {
    uint32_t next = child[node];
    double share = (double)g->tree.retained[next] / (double)g->tree.retained[node];
    if (share < MID_SUSPECT_DROP) break;
    bool same = node < g->edges.blocks && g->site[node] == g->site[next];
    if (!same) begin = next;
    node = next;
  }
  return begin;
}

// The site that has most bytes of what `point` dominates, and itself.
static void find_most(const struct mid_graph *g, uint32_t point, struct mid_suspect *s) {
  struct mid_site_total *by = mid_graph_kept(calloc((size_t)g->site_count + 1, sizeof *by));
  uint32_t nodes = mid_edges_nodes(&g->edges);
  struct mid_array room = mid_array_open(nodes);
  bool *under = room.at;
  under[point] = true;
  for (uint32_t i = 1; i < nodes; i++) {
    uint32_t n = g->tree.order[i];
    under[n] = n == point || under[g->tree.above[n]];
    if (!under[n] || n >= g->edges.blocks) continue;
    struct mid_site_total *at = &by[g->site[n]];
    at->blocks++;
    at->own += g->size[n];
    if (at->own < s->most_bytes) continue;
    s->most_site = g->site[n];
    s->most_blocks = at->blocks;
    s->most_bytes = at->own;
  }
  mid_array_close(&room);
  free(by);
}

static struct mid_suspect suspect_of_node(const struct mid_graph *g, const uint32_t *child,
                                          uint32_t node) {
  uint32_t point = find_point(g, child, node);
  struct mid_suspect s = {.node = node,
                          .site = MID_GRAPH_NONE,
                          .blocks = g->tree.count[node],
                          .retained = g->tree.retained[node],
                          .point = point,
                          .point_retained = g->tree.retained[point],
                          .most_site = MID_GRAPH_NONE,
                          .holder = {MID_GRAPH_NONE, MID_GRAPH_NONE}};
  find_most(g, point, &s);
  return s;
}

// ---- many of one site ---------------------------------------------------------------------------

// Whether the root holds the block directly, and so more than one owner does.
static bool is_shared(const struct mid_graph *g, uint32_t block) {
  return g->tree.above[block] == mid_edges_root(&g->edges);
}

static bool is_of(const struct mid_graph *g, const struct mid_suspect *s, uint32_t block) {
  if (s->site == MID_GRAPH_NONE) return block == s->node;
  return g->site[block] == s->site && is_shared(g, block);
}

// How many of the ways to blocks of the group pass each node, and how much of it they lead to.
struct ways {
  uint32_t *count;
  uint64_t *bytes;
  uint32_t all;
  struct mid_array counts, byteses;
};

static struct ways count_ways(const struct mid_graph *g, const struct mid_paths *p,
                              const struct mid_suspect *s) {
  uint32_t nodes = mid_edges_nodes(&g->edges), each = s->blocks / MID_SUSPECT_WAYS + 1, seen = 0;
  struct ways w = {.counts = mid_array_open((size_t)nodes * sizeof *w.count),
                   .byteses = mid_array_open((size_t)nodes * sizeof *w.bytes)};
  w.count = w.counts.at;
  w.bytes = w.byteses.at;
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    if (!is_of(g, s, b) || seen++ % each != 0) continue;
    w.count[b]++, w.all++;
    w.bytes[b] += g->tree.retained[b];
  }
  for (uint32_t i = p->count; i-- > 1;) {
    uint32_t n = p->order[i], from = p->from[n];
    w.count[from] += w.count[n];
    w.bytes[from] += w.bytes[n];
  }
  return w;
}

static void find_common(const struct mid_graph *g, const struct mid_paths *p,
                        struct mid_suspect *s) {
  struct ways w = count_ways(g, p, s);
  uint32_t nodes = mid_edges_nodes(&g->edges), node = mid_edges_root(&g->edges);
  struct mid_array children = heaviest(nodes, p->from, w.bytes);
  const uint32_t *child = children.at;
  for (;;) {
    uint32_t next = child[node];
    if (next == MID_GRAPH_NONE || w.count[next] <= MID_SUSPECT_COMMON * w.all) break;
    if ((double)w.bytes[next] < MID_SUSPECT_DROP * (double)w.bytes[node]) break;
    if (next < g->edges.blocks && is_of(g, s, next)) break;
    node = next;
  }
  if (node != nodes - 1) {
    s->point = node;
    s->point_retained =
        (uint64_t)((double)s->retained * (double)w.bytes[node] / (double)w.bytes[nodes - 1]);
  }
  mid_array_close(&children);
  mid_array_close(&w.counts);
  mid_array_close(&w.byteses);
}

// The two owners whose blocks have most of the pointers to what is shared.
static void find_holders(const struct mid_graph *g, const struct mid_paths *p,
                         struct mid_suspect *s) {
  uint32_t *have = mid_graph_kept(calloc(g->owner_count, sizeof *have));
  const struct mid_edges *e = &g->edges;
  for (uint32_t n = 0; n < e->rows; n++)
    for (size_t i = e->offset[n]; i < e->offset[n + 1]; i++)
      have[p->owner[n]] += is_of(g, s, mid_edge_to(e->target[i]));
  for (int h = 0; h < 2; h++) {
    uint32_t most = 0;
    for (uint32_t o = 0; o < g->owner_count; o++)
      if (have[o] > have[most]) most = o;
    s->holder[h] = have[most] > 0 ? most : MID_GRAPH_NONE;
    have[most] = 0;
  }
  free(have);
}

// What is shared and no suspect by itself, summed by site.
static void find_groups(const struct mid_graph *g, const struct mid_paths *p,
                        struct mid_suspects *out) {
  struct mid_site_total *by = mid_graph_kept(calloc((size_t)g->site_count + 1, sizeof *by));
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    if (!is_shared(g, b) || is_large(g, g->tree.retained[b])) continue;
    by[g->site[b]].blocks++;
    by[g->site[b]].retained += g->tree.retained[b];
  }
  for (uint32_t site = 0; site < g->site_count; site++) {
    if (!is_large(g, by[site].retained)) continue;
    struct mid_suspect s = {.node = MID_GRAPH_NONE,
                            .site = site,
                            .blocks = by[site].blocks,
                            .retained = by[site].retained,
                            .point = MID_GRAPH_NONE,
                            .most_site = MID_GRAPH_NONE};
    find_common(g, p, &s);
    find_holders(g, p, &s);
    suspects_add(out, s);
  }
  free(by);
}

static int by_retained(const void *a, const void *b) {
  const struct mid_suspect *x = a, *y = b;
  return x->retained < y->retained ? 1 : x->retained > y->retained ? -1 : 0;
}

void mid_suspects_find(const struct mid_graph *g, const struct mid_paths *p,
                       struct mid_suspects *out) {
  uint32_t nodes = mid_edges_nodes(&g->edges), root = mid_edges_root(&g->edges);
  struct mid_array children = heaviest(nodes, g->tree.above, g->tree.retained);
  *out = (struct mid_suspects){0};
  for (uint32_t n = 0; n < root; n++) {
    if (g->tree.above[n] != root || !is_large(g, g->tree.retained[n])) continue;
    struct mid_suspect s = suspect_of_node(g, children.at, n);
    if (n < g->edges.blocks) find_holders(g, p, &s);
    suspects_add(out, s);
  }
  mid_array_close(&children);
  find_groups(g, p, out);
  if (out->count > 1) qsort(out->at, out->count, sizeof *out->at, by_retained);
}

void mid_suspects_close(struct mid_suspects *s) {
  free(s->at);
  *s = (struct mid_suspects){0};
}
