// graph/json.c -- the story of a graph as JSON; docs/graph.md tells each key.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "graph/story.h"
#include "midden/version.h"

enum { TREE_ROWS = 1000 };  // the groups that retain most

static json_t *count_json(uint64_t n) { return json_integer((json_int_t)n); }

// Names in a graph are UTF-8 (mid_graph_add_site).
static json_t *site_json(const struct mid_graph *g, uint32_t site) {
  const struct mid_graph_site *s = &g->sites[site];
  return json_pack("{s:s, s:s, s:I, s:b}", "function", s->name, "file", s->file, "line",
                   (json_int_t)s->line, "known", s->known);
}

static json_t *owner_json(const struct mid_graph *g, uint32_t owner) {
  if (owner == MID_GRAPH_NONE) return json_null();
  return json_pack("{s:s, s:s}", "kind", mid_owner_kind_name(g->owner[owner].kind), "name",
                   g->owner[owner].name);
}

// An owner or a block.
static json_t *node_json(const struct mid_graph *g, uint32_t node) {
  if (node == MID_GRAPH_NONE) return json_null();
  if (mid_graph_is_owner(g, node))
    return json_pack("{s:o, s:o}", "owner", owner_json(g, node - g->edges.blocks), "retained",
                     count_json(g->tree.retained[node]));
  char address[24];
  snprintf(address, sizeof address, "0x%" PRIx64, g->address[node]);
  return json_pack("{s:s, s:o, s:o, s:o, s:o}", "address", address, "site",
                   site_json(g, g->site[node]), "bytes", count_json(g->size[node]), "retained",
                   count_json(g->tree.retained[node]), "blocks", count_json(g->tree.count[node]));
}

static json_t *suspect_json(const struct mid_graph *g, const struct mid_suspect *s) {
  json_t *holders = json_array();
  for (int i = 0; i < 2; i++)
    if (s->holder[i] != MID_GRAPH_NONE) json_array_append_new(holders, owner_json(g, s->holder[i]));
  bool group = s->site != MID_GRAPH_NONE, most = s->most_site != MID_GRAPH_NONE;
  json_t *point = s->point >= mid_edges_root(&g->edges) ? json_null() : node_json(g, s->point);
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "held_by",
                   group ? json_null() : node_json(g, s->node), "site",
                   group ? site_json(g, s->site) : json_null(), "retained", count_json(s->retained),
                   "blocks", count_json(s->blocks), "point", point, "shared_by", holders, "most",
                   most ? json_pack("{s:o, s:o, s:o}", "site", site_json(g, s->most_site), "blocks",
                                    count_json(s->most_blocks), "bytes", count_json(s->most_bytes))
                        : json_null());
}

static json_t *suspects_json(const struct mid_graph_story *s) {
  json_t *list = json_array();
  for (size_t i = 0; i < s->suspects.count; i++)
    json_array_append_new(list, suspect_json(s->graph, &s->suspects.at[i]));
  return list;
}

// The groups in an order in which each comes behind the one above it, which `above` names by its
// place in the list.
static json_t *groups_json(const struct mid_graph_story *s) {
  const struct mid_graph *g = s->graph;
  json_t *list = json_array();
  uint32_t *place = mid_graph_kept(calloc(s->groups.count, sizeof *place)), places = 0;
  double least = (double)g->bytes / TREE_ROWS;
  for (uint32_t i = 1; i < s->groups.count; i++) {
    const struct mid_group *group = &s->groups.at[i];
    if ((double)group->retained < least) continue;
    bool owner = group->site == MID_GRAPH_NONE;
    json_array_append_new(
        list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "above",
                        group->above == 0 ? json_null() : count_json(place[group->above]), "owner",
                        owner ? owner_json(g, group->node - g->edges.blocks) : json_null(), "site",
                        owner ? json_null() : site_json(g, group->site), "blocks",
                        count_json(group->blocks), "own", count_json(group->own), "retained",
                        count_json(group->retained)));
    place[i] = places++;
  }
  free(place);
  return list;
}

static json_t *sites_json(const struct mid_graph_story *s) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < s->graph->site_count && s->site[i].blocks > 0; i++) {
    const struct mid_site_total *t = &s->site[i];
    json_t *j = site_json(s->graph, t->site);
    json_object_set_new(j, "blocks", count_json(t->blocks));
    json_object_set_new(j, "own", count_json(t->own));
    json_object_set_new(j, "retained", count_json(t->retained));
    json_array_append_new(list, j);
  }
  return list;
}

static json_t *way_json(const struct mid_graph_story *s, uint32_t node) {
  struct mid_path_step *step;
  size_t steps = mid_paths_to(s->graph, &s->paths, node, &step);
  json_t *list = json_array();
  for (size_t i = 0; i < steps; i++) {
    json_t *j = node_json(s->graph, step[i].node);
    json_object_set_new(j, "steps", count_json(step[i].count));
    json_array_append_new(list, j);
  }
  free(step);
  return list;
}

static json_t *ways_json(const struct mid_graph_story *s) {
  json_t *list = json_array();
  for (size_t i = 0; i < s->asks; i++) {
    uint32_t blocks;
    json_array_append_new(list, way_json(s, mid_paths_of_site(s->graph, &s->paths,
                                                              s->site[s->asked[i]].site, &blocks)));
  }
  if (s->to != MID_GRAPH_NONE) json_array_append_new(list, way_json(s, s->to));
  return list;
}

static json_t *sum_json(struct mid_graph_sum sum) {
  return json_pack("{s:o, s:o}", "blocks", count_json(sum.blocks), "bytes", count_json(sum.bytes));
}

static json_t *diff_json(const struct mid_graph_story *s) {
  const struct mid_graph_diff *d = s->diff;
  if (d == NULL) return json_null();
  json_t *sites = json_array();
  for (size_t i = 0; i < d->sites; i++) {
    const struct mid_diff_site *at = &d->site[i];
    if (at->before.blocks == 0 && at->after.blocks == 0) continue;
    json_t *j = site_json(s->graph, at->site);
    json_object_set_new(j, "before", sum_json(at->before));
    json_object_set_new(j, "after", sum_json(at->after));
    json_object_set_new(j, "born", sum_json(at->born));
    json_object_set_new(j, "gone", sum_json(at->gone));
    if (d->final != NULL) json_object_set_new(j, "stayed", sum_json(at->stayed));
    json_array_append_new(sites, j);
  }
  return json_pack("{s:o, s:o, s:o, s:o}", "born", sum_json(d->born), "gone", sum_json(d->gone),
                   "stayed", d->final != NULL ? sum_json(d->stayed) : json_null(), "sites", sites);
}

bool mid_graph_json(const void *story, FILE *out) {
  const struct mid_graph_story *s = story;
  const struct mid_graph *g = s->graph;
  json_t *j = json_pack(
      "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "midden", MIDDEN_VERSION,
      "program", g->program, "pid", count_json(g->pid), "taken_ms", count_json(g->taken_ms),
      "bytes", count_json(g->bytes), "blocks", count_json(g->edges.blocks), "unheld_blocks",
      count_json(g->tree.unheld), "suspects", suspects_json(s), "groups", groups_json(s), "sites",
      sites_json(s), "ways", ways_json(s), "diff", diff_json(s));
  bool ok = j != NULL && json_dumpf(j, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
  json_decref(j);
  return ok;
}
