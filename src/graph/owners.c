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

enum { NAME = 256, INLINES = 32 };

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

// The frame that `address` lies in, or MID_GRAPH_FRAMES.  What is behind the outermost one belongs
// to the root as a whole.
static size_t frame_at(const struct owners *o, uint64_t address) {
  size_t i = 0;
  while (i < o->frames && o->frame[i].sp <= address) i++;
  return i == 0 || i == o->frames ? MID_GRAPH_FRAMES : i - 1;
}

static void name_frame(const struct owners *o, size_t frame, char *room) {
  uint64_t pc = o->frame[frame].pc;
  const struct mid_walk_module *module = mid_modules_at(&o->t->roots.modules, pc);
  const struct mid_target_mapping *mapping = mid_target_mapping_at(o->t->target, pc);
  const struct mid_target_thread *thread = &o->t->target->thread[o->root->thread];
  struct mid_symbol symbol[INLINES];  // of which the last has the frame, the others are within it
  char words[32] = "the main thread";
  size_t known = 0;
  if (module != NULL && mapping != NULL)
    known = mid_symbols_find(o->t->symbols, module->path, module->id, module->id_bytes,
                             mapping->offset + pc - mapping->start, symbol, INLINES);
  if (thread->tid != o->t->target->pid) snprintf(words, sizeof words, "thread %d", thread->tid);
  if (known > 0)
    snprintf(room, NAME, "%.180s, in the stack of %s", symbol[known - 1].function, words);
  else
    snprintf(room, NAME, "the stack of %s", words);
}

static void name_word(const struct owners *o, uint64_t edge, char *room) {
  uint64_t address = address_of(o, edge);
  size_t frame = frame_at(o, address);
  if (frame < MID_GRAPH_FRAMES)
    name_frame(o, frame, room);
  else if (o->root->kind == MID_ROOT_GLOBAL)
    name_global(o, address, room);
  else if (o->root->kind == MID_ROOT_MAPPING && o->root->path[0] == 0)
    snprintf(room, NAME, "memory mapped at 0x%" PRIx64, o->root->start);
  else
    mid_root_name(&o->t->roots, o->t->target, o->root, address, o->t->symbols, room, NAME);
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
  bool whole = o->root->kind != MID_ROOT_GLOBAL && o->frames == 0;
  for (uint64_t at = o->first, end; at < o->end; at = end) {
    name_word(o, at, name);
    end = whole ? o->end : stretch_end(o, at, name);
    bool frame = frame_at(o, address_of(o, at)) < MID_GRAPH_FRAMES;
    mid_graph_add_owner(o->g, frame ? MID_OWNER_STACK : kind_of(o->root->kind), name);
    for (uint64_t i = at; i < end; i++) add_edge(o, i);
    mid_edges_end_row(&o->g->edges);
  }
}

// Where a thread's own storage begins above its stack is not known to the byte.
static bool has_frames(const struct owners *o) {
  bool stack = o->root->kind == MID_ROOT_STACK || o->root->kind == MID_ROOT_TLS;
  return stack && o->root->word == NULL && o->root->thread != MID_ROOT_NO_THREAD &&
         o->first < o->end;
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
    if (has_frames(o))
      o->frames = mid_graph_frames(unwinder, o->root->thread, o->frame, MID_GRAPH_FRAMES);
    add_stretches(o);
  }
  mid_graph_unwinder_close(unwinder);
  free(o);
}
