// graph/take.c -- see take.h.
// SPDX-License-Identifier: MIT
#include "graph/take.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "walk/samples.h"

// What no root reaches in a collected heap is gone with its next collection.
static void drop_garbage(struct mid_graph_taking *t) {
  struct mid_blocks *b = &t->blocks;
  if (b->kept == NULL) return;
  t->reach.kept = NULL;
  struct mid_reach_marks marks = mid_reach_mark(&t->reach, &t->roots);
  for (size_t i = 0; i < b->spans; i++) {
    const struct mid_blocks_span *span = &b->span[i];
    for (uint32_t k = 0; span->cells != 0 && k < span->count; k++) {
      uint32_t block = span->first + k;
      if (mid_reach_bit(marks.held, block) || mid_reach_bit(marks.possible, block)) continue;
      b->live[block / 64] &= ~((uint64_t)1 << block % 64);
      b->live_blocks--;
      b->live_bytes -= mid_blocks_size(b, span, k);
    }
  }
  mid_reach_marks_close(&marks);
}

static void rank_live(struct mid_graph_taking *t) {
  size_t words = (size_t)t->blocks.blocks / 64 + 1;
  uint32_t live = 0;
  t->rank = mid_graph_kept(calloc(words, sizeof *t->rank));
  for (size_t i = 0; i * 64 < t->blocks.blocks; i++) {
    t->rank[i] = live;
    live += (uint32_t)__builtin_popcountll(t->blocks.live[i]);
  }
}

static void take_blocks(const struct mid_graph_taking *t, struct mid_graph *g) {
  uint32_t n = 0;
  for (size_t i = 0; i < t->blocks.spans; i++) {
    const struct mid_blocks_span *span = &t->blocks.span[i];
    for (uint32_t k = 0; k < span->count; k++) {
      if (!mid_blocks_is_live(&t->blocks, span->first + k)) continue;
      g->address[n] = mid_blocks_place(&t->blocks, span, k);
      g->size[n++] = mid_blocks_size(&t->blocks, span, k);
    }
  }
}

static void take_edges(const struct mid_graph_taking *t, struct mid_graph *g) {
  const struct mid_reach *r = &t->reach;
  for (uint32_t b = 0; b < t->blocks.blocks; b++) {
    if (!mid_blocks_is_live(&t->blocks, b)) continue;
    for (uint64_t i = r->first[b]; i < r->first[b + 1]; i++)
      if (mid_blocks_is_live(&t->blocks, r->target[i] & ~MID_REACH_WEAK))
        mid_edges_add(&g->edges, mid_edge(mid_graph_rank(t, r->target[i] & ~MID_REACH_WEAK),
                                          (r->target[i] & MID_REACH_WEAK) != 0));
    mid_edges_end_row(&g->edges);
  }
}

// As the kernel has it, else by the first module.
static void name_program(const struct mid_graph_taking *t, struct mid_graph *g) {
  char path[64], comm[64];
  const char *name = t->roots.modules.count > 0 ? t->roots.modules.at[0].path : "";
  snprintf(path, sizeof path, "/proc/%d/comm", (int)t->target->pid);
  FILE *in = t->target->live ? fopen(path, "re") : NULL;
  if (in != NULL && fgets(comm, sizeof comm, in) != NULL) {
    comm[strcspn(comm, "\n")] = 0;
    name = comm;
  }
  if (in != NULL) fclose(in);
  const char *slash = name == comm ? NULL : strrchr(name, '/');
  mid_graph_name(g, slash != NULL ? slash + 1 : name);
}

static void take(struct mid_graph_taking *t, struct mid_graph *g) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  drop_garbage(t);
  rank_live(t);
  mid_graph_open(g, (uint32_t)t->blocks.live_blocks);
  name_program(t, g);
  g->pid = (uint64_t)t->target->pid;
  g->taken_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  take_blocks(t, g);
  mid_graph_take_sites(t, g);
  take_edges(t, g);
  mid_graph_take_owners(t, g);
  free(t->rank);
}

const char *mid_graph_take(const struct mid_target *target, struct mid_symbols *symbols,
                           struct mid_graph *out, const char **no_stacks) {
  struct mid_graph_taking t = {.target = target};
  *out = (struct mid_graph){0};
  const char *wrong = mid_blocks_read(target, &t.blocks);
  if (wrong != NULL) return wrong;
  *no_stacks = mid_target_profile(target, &t.profile);
  t.has_profile = *no_stacks == NULL;
  t.symbols = symbols != NULL ? symbols : mid_symbols_open();
  mid_roots_find(target, &t.blocks, &t.roots);
  wrong = mid_reach_read(target, &t.blocks, &t.roots, t.has_profile ? &t.profile : NULL, &t.reach);
  if (wrong == NULL) take(&t, out);
  mid_reach_close(&t.reach);
  mid_roots_close(&t.roots);
  mid_blocks_close(&t.blocks);
  if (symbols == NULL) mid_symbols_close(t.symbols);
  if (t.has_profile) mid_profile_close(&t.profile);
  return wrong;
}
