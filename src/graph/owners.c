// graph/owners.c -- the owners of a graph, out of the roots of a target: see take.h.
// SPDX-License-Identifier: MIT
//
// A root is a range of words, such as all variables of a module.  Its edges stand in the order of
// their addresses, so those of one variable, or of one frame of a stack, stand together: a stretch,
// which becomes an owner.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/take.h"

enum { NAME = 256 };

struct owners {
  struct mid_graph_taking *t;
  struct mid_graph *g;
  const struct mid_root *root;
  uint64_t first, end;  // its edges
  struct mid_graph_frame frame[MID_GRAPH_FRAMES];
  size_t frames;
};

static enum mid_owner_kind kind_of(enum mid_root_kind kind) {
  switch (kind) {
    case MID_ROOT_GLOBAL:
      return MID_OWNER_GLOBAL;
    case MID_ROOT_TLS:
      return MID_OWNER_TLS;
    case MID_ROOT_STACK:
      return MID_OWNER_STACK;
    case MID_ROOT_REGISTER:
      return MID_OWNER_REGISTER;
    case MID_ROOT_KERNEL:
      return MID_OWNER_KERNEL;
    case MID_ROOT_MAPPING:
      return MID_OWNER_MAPPING;
    case MID_ROOT_FILE:
    case MID_ROOT_FINISHED:
      break;
  }
  return MID_OWNER_REMAINS;
}

static uint64_t address_of(const struct owners *o, uint64_t edge) {
  const struct mid_reach *r = &o->t->reach;
  return r->at[edge - r->first[r->blocks]];
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

// ---- names of one word --------------------------------------------------------------------------

static void name_global(const struct owners *o, uint64_t address, char *room) {
  uint64_t into;
  const char *object = mid_modules_object(&o->t->roots.modules, o->t->symbols, address, &into);
  snprintf(room, NAME, object == NULL ? "data%s of %s" : "%s in %s", object == NULL ? "" : object,
           base_name(o->root->path));
}

static void name_root(const struct owners *o, uint64_t address, char *room) {
  mid_root_name(&o->t->roots, o->t->target, o->root, address, o->t->symbols, room, NAME);
}

static void name_frame(const struct owners *o, uint64_t address, char *room) {
  const struct mid_walk_module *module;
  const struct mid_target_mapping *mapping;
  struct mid_symbol symbol;
  char thread[NAME];
  size_t i = o->frames;
  while (i > 0 && o->frame[i - 1].sp > address) i--;
  name_root(o, address, thread);
  snprintf(room, NAME, "%s", thread);
  if (i == 0 || i == o->frames) return;  // below the stack, or behind the outermost frame
  uint64_t pc = o->frame[i - 1].pc;
  module = mid_modules_at(&o->t->roots.modules, pc);
  mapping = mid_target_mapping_at(o->t->target, pc);
  if (module == NULL || mapping == NULL) return;
  if (mid_symbols_find(o->t->symbols, module->path, module->id, module->id_bytes,
                       mapping->offset + pc - mapping->start, &symbol, 1) == 0)
    return;
  snprintf(room, NAME, "%.150s, in %.80s", symbol.function, thread);
}

static void name_word(const struct owners *o, uint64_t edge, char *room) {
  uint64_t address = address_of(o, edge);
  if (o->root->kind == MID_ROOT_GLOBAL)
    name_global(o, address, room);
  else if (o->root->kind == MID_ROOT_STACK)
    name_frame(o, address, room);
  else
    name_root(o, address, room);
  if (o->root->kind == MID_ROOT_MAPPING && o->root->path[0] == 0)
    snprintf(room, NAME, "memory mapped at 0x%" PRIx64, o->root->start);
}

// ---- stretches ----------------------------------------------------------------------------------

static void add_edge(const struct owners *o, uint64_t edge) {
  uint32_t target = o->t->reach.target[edge];
  mid_edges_add(&o->g->edges, mid_edge(mid_graph_rank(o->t, target & ~MID_REACH_WEAK),
                                       (target & MID_REACH_WEAK) != 0));
}

// The first edge behind `first` that has another name, found by halves: names cost a search in the
// symbols, and a table may have a million words.
static uint64_t stretch_end(const struct owners *o, uint64_t first, const char *name) {
  char other[NAME];
  uint64_t step = 1, low = first, high;
  for (;; step *= 2) {  // all up to `low` have the name
    high = low + step < o->end ? low + step : o->end;
    if (high == o->end) break;
    name_word(o, high, other);
    if (strcmp(other, name) != 0) break;
    low = high;
  }
  while (low + 1 < high) {
    uint64_t middle = low + (high - low) / 2;
    name_word(o, middle, other);
    if (strcmp(other, name) == 0)
      low = middle;
    else
      high = middle;
  }
  return low + 1;
}

static void add_stretches(struct owners *o) {
  char name[NAME];
  bool whole = o->root->kind != MID_ROOT_GLOBAL && o->root->kind != MID_ROOT_STACK;
  for (uint64_t at = o->first, end; at < o->end; at = end) {
    name_word(o, at, name);
    end = whole ? o->end : stretch_end(o, at, name);
    mid_graph_add_owner(o->g, kind_of(o->root->kind), name);
    for (uint64_t i = at; i < end; i++) add_edge(o, i);
    mid_edges_end_row(&o->g->edges);
  }
}

void mid_graph_take_owners(struct mid_graph_taking *t, struct mid_graph *g) {
  struct owners *o = mid_graph_kept(calloc(1, sizeof *o));
  struct mid_graph_unwinder *unwinder = mid_graph_unwinder_open(t);
  const struct mid_reach *r = &t->reach;
  o->t = t;
  o->g = g;
  for (uint32_t i = 0; i < r->roots; i++) {
    o->root = &t->roots.root[i];
    o->first = r->first[r->blocks + i];
    o->end = r->first[r->blocks + i + 1];
    o->frames = 0;
    if (o->root->kind == MID_ROOT_STACK && o->root->thread != MID_ROOT_NO_THREAD &&
        o->first < o->end)
      o->frames = mid_graph_frames(unwinder, o->root->thread, o->frame, MID_GRAPH_FRAMES);
    add_stretches(o);
  }
  mid_graph_unwinder_close(unwinder);
  free(o);
}
