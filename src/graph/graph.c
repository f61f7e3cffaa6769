// graph/graph.c -- see graph.h.
// SPDX-License-Identifier: MIT
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const KIND_NAMES[] = {"global", "TLS",      "kernel",  "mapping",
                                         "stack",  "register", "remains", "unheld"};
_Static_assert(sizeof KIND_NAMES / sizeof *KIND_NAMES == MID_OWNER_KINDS, "a name for each");

const char *mid_owner_kind_name(enum mid_owner_kind kind) { return KIND_NAMES[kind]; }

// How many bytes the character at `c` has; 0: it is no UTF-8, or would command a terminal.
static size_t character(const unsigned char *c) {
  size_t bytes = c[0] < 0x80 ? 1 : c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
  if (c[0] < ' ' || c[0] == 0x7f || (c[0] >= 0x80 && c[0] < 0xc2) || c[0] > 0xf4) return 0;
  for (size_t i = 1; i < bytes; i++)
    if ((c[i] & 0xc0) != 0x80) return 0;
  // Too long for what it says, half of a pair, or beyond the last; and C1's controls.
  if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f)) return 0;
  if ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f)) return 0;
  return c[0] == 0xc2 && c[1] < 0xa0 ? 0 : bytes;
}

// Names come from programs, and go to terminals and into JSON.
static char *plain(char *words) {
  for (char *at = words; *at != 0;) {
    size_t bytes = character((const unsigned char *)at);
    if (bytes == 0) *at = '?';
    at += bytes == 0 ? 1 : bytes;
  }
  return words;
}

static char *copy(const char *words) { return plain(mid_graph_kept(strdup(words))); }

void mid_graph_name(struct mid_graph *g, const char *program) {
  free(g->program);
  g->program = copy(program);
}

void mid_graph_open(struct mid_graph *g, uint32_t blocks) {
  *g = (struct mid_graph){.program = copy("")};
  mid_edges_open(&g->edges, blocks);
  g->addresses = mid_array_open((size_t)blocks * sizeof *g->address);
  g->sizes = mid_array_open((size_t)blocks * sizeof *g->size);
  g->block_sites = mid_array_open((size_t)blocks * sizeof *g->site);
  g->births = mid_array_open((size_t)blocks * sizeof *g->born);
  g->address = g->addresses.at;
  g->size = g->sizes.at;
  g->site = g->block_sites.at;
  g->born = g->births.at;
}

static bool is_site(const struct mid_graph_site *s, const char *name, const char *file,
                    uint32_t line) {
  return s->line == line && strcmp(s->name, name) == 0 && strcmp(s->file, file) == 0;
}

static uint32_t *site_find(const struct mid_graph *g, const char *name, const char *file,
                           uint32_t line) {
  uint64_t hash = line;
  for (const char *c = name; *c != 0; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
  for (const char *c = file; *c != 0; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
  for (size_t i = (size_t)(hash ^ hash >> 32);; i++) {
    uint32_t *place = &g->site_place[i & (g->site_places - 1)];
    if (*place == 0 || is_site(&g->sites[*place - 1], name, file, line)) return place;
  }
}

static void site_room(struct mid_graph *g) {
  if (2 * ((size_t)g->site_count + 1) < g->site_places) return;
  g->site_places = g->site_places == 0 ? 64 : 2 * g->site_places;
  free(g->site_place);
  g->site_place = mid_graph_kept(calloc(g->site_places, sizeof *g->site_place));
  for (uint32_t i = 0; i < g->site_count; i++) {
    const struct mid_graph_site *s = &g->sites[i];
    *site_find(g, s->name, s->file, s->line) = i + 1;
  }
}

uint32_t mid_graph_find_site(const struct mid_graph *g, const struct mid_graph_site *like) {
  if (g->site_count == 0) return MID_GRAPH_NONE;
  uint32_t place = *site_find(g, like->name, like->file, like->line);
  return place == 0 ? MID_GRAPH_NONE : place - 1;
}

uint32_t mid_graph_add_site(struct mid_graph *g, const char *name, const char *file, uint32_t line,
                            bool known) {
  site_room(g);
  uint32_t *place = site_find(g, name, file, line);
  if (*place != 0) return *place - 1;
  g->sites = mid_graph_grown(g->sites, g->site_count, sizeof *g->sites);
  g->sites[g->site_count] = (struct mid_graph_site){copy(name), copy(file), line, known};
  *place = ++g->site_count;
  return g->site_count - 1;
}

void mid_graph_add_owner(struct mid_graph *g, enum mid_owner_kind kind, const char *name) {
  g->owner = mid_graph_grown(g->owner, g->owner_count, sizeof *g->owner);
  g->owner[g->owner_count++] = (struct mid_graph_owner){kind, copy(name)};
}

// Frames and registers come and go: what they point to beside a global does not keep it.
static uint8_t rank_of(enum mid_owner_kind kind) {
  return kind < MID_OWNER_STACK ? 0 : (uint8_t)(kind - MID_OWNER_STACK + 1);
}
_Static_assert(MID_OWNER_REMAINS - MID_OWNER_STACK + 1 < MID_RANKS, "each has a rank");

void mid_graph_finish(struct mid_graph *g) {
  mid_graph_add_owner(g, MID_OWNER_UNHELD, "nothing");
  mid_edges_finish(&g->edges);
  uint8_t *rank = mid_graph_kept(calloc(g->owner_count, sizeof *rank));
  for (uint32_t i = 0; i + 1 < g->owner_count; i++) rank[i] = rank_of(g->owner[i].kind);
  mid_dominators_make(&g->edges, g->size, rank, &g->tree);
  free(rank);
  g->bytes = g->tree.retained[mid_edges_root(&g->edges)];
}

void mid_graph_close(struct mid_graph *g) {
  for (uint32_t i = 0; i < g->site_count; i++) free(g->sites[i].name), free(g->sites[i].file);
  for (uint32_t i = 0; i < g->owner_count; i++) free(g->owner[i].name);
  free(g->sites);
  free(g->site_place);
  free(g->owner);
  free(g->program);
  mid_dominators_close(&g->tree);
  mid_edges_close(&g->edges);
  mid_array_close(&g->addresses);
  mid_array_close(&g->sizes);
  mid_array_close(&g->block_sites);
  mid_array_close(&g->births);
  *g = (struct mid_graph){0};
}

uint32_t mid_graph_find(const struct mid_graph *g, uint64_t address) {
  uint32_t low = 0, high = g->edges.blocks;
  while (low < high) {  // the first block behind `address`
    uint32_t middle = low + (high - low) / 2;
    if (g->address[middle] <= address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0 || address - g->address[low - 1] >= g->size[low - 1]) return MID_GRAPH_NONE;
  return low - 1;
}

const char *mid_graph_site_words(const struct mid_graph *g, uint32_t site,
                                 struct mid_graph_words *room) {
  const struct mid_graph_site *s = &g->sites[site];
  const char *slash = strrchr(s->file, '/'), *file = slash != NULL ? slash + 1 : s->file;
  if (file[0] == 0)
    snprintf(room->at, sizeof room->at, "%s", s->name);
  else
    snprintf(room->at, sizeof room->at, "%s (%s:%u)", s->name, file, s->line);
  return plain(room->at);  // it may be cut within a character
}

const char *mid_graph_owner_words(const struct mid_graph *g, uint32_t owner,
                                  struct mid_graph_words *room) {
  const struct mid_graph_owner *o = &g->owner[owner];
  bool prefix = o->kind == MID_OWNER_GLOBAL;
  if (o->kind == MID_OWNER_UNHELD)
    snprintf(room->at, sizeof room->at, "nothing (leaked)");
  else
    snprintf(room->at, sizeof room->at, "%s%s%s", prefix ? KIND_NAMES[o->kind] : "",
             prefix ? " " : "", o->name);
  return plain(room->at);
}

const char *mid_graph_node_words(const struct mid_graph *g, uint32_t node,
                                 struct mid_graph_words *room) {
  if (node < g->edges.blocks) return mid_graph_site_words(g, g->site[node], room);
  if (mid_graph_is_owner(g, node)) return mid_graph_owner_words(g, node - g->edges.blocks, room);
  snprintf(room->at, sizeof room->at, "the whole heap");
  return room->at;
}

const char *mid_graph_broken(const struct mid_graph *g) {
  const char *broken = mid_edges_broken(&g->edges);
  uint64_t bytes = 0;
  if (broken != NULL) return broken;
  if (g->owner_count != g->edges.owners) return "owners and their rows do not agree";
  if (g->owner[g->owner_count - 1].kind != MID_OWNER_UNHELD) return "the last owner is a real one";
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    if (g->site[b] >= g->site_count) return "a block has no site";
    if (b > 0 && g->address[b] < g->address[b - 1] + g->size[b - 1]) return "blocks overlap";
    bytes += g->size[b];
  }
  return bytes == g->bytes ? NULL : "the root does not retain all blocks";
}
