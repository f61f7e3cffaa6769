// graph/sites.c -- who allocated each block: see take.h.
// SPDX-License-Identifier: MIT
//
// A block that was sampled has a stack.  Of the others those that look alike (walk/shapes.h) have
// the site of the sampled ones where nearly all of these have one; else they are named by their
// C++ class, else by their size.
#include <stdlib.h>

#include "graph/take.h"
#include "observe/words.h"
#include "walk/shapes.h"
#include "walk/types.h"

static const double SITE_SHARE = 0.9;  // of the sampled blocks of a shape, that one site must have

enum { PIECE = 1 << 16 };  // bytes that are read at once

struct reader {
  const struct mid_target *target;
  uint64_t start, end;
  uint64_t word[PIECE / 8];
};

// The first word of the block at `address`; blocks come in their order.
static uint64_t first_word(struct reader *r, uint64_t address, uint64_t bytes) {
  uint64_t word = 0;
  if (bytes > PIECE / 8) {
    mid_target_read(r->target, address, &word, sizeof word);
    return word;
  }
  if (address < r->start || address + 8 > r->end) {
    r->start = address;
    r->end = address + PIECE;
    mid_target_read(r->target, address, r->word, PIECE);
  }
  return r->word[(address - r->start) / 8];
}

// NULL: the block there is not of a collected heap.
static const struct mid_blocks_type *collected_type(const struct mid_graph_taking *t,
                                                    uint64_t address) {
  const struct mid_blocks_span *span =
      t->blocks.types > 0 ? mid_blocks_span_at(&t->blocks, address) : NULL;
  uint64_t offset;
  if (span == NULL || span->cells == 0) return NULL;
  return mid_blocks_type(&t->blocks, span,
                         mid_blocks_find(&t->blocks, address, &offset) - span->first);
}

static const char *collected_name(const struct mid_graph_taking *t, uint64_t type) {
  for (size_t i = 0; i < t->blocks.types; i++)
    if (t->blocks.type[i].address == type) return t->blocks.type[i].name;
  return "object";
}

static struct mid_shapes take_shapes(const struct mid_graph_taking *t, struct mid_graph *g) {
  struct mid_shapes shapes = {0};
  struct reader *r = mid_graph_kept(calloc(1, sizeof *r));
  r->target = t->target;
  for (uint32_t b = 0; b < g->edges.blocks; b++) {
    const struct mid_blocks_type *type = collected_type(t, g->address[b]);
    if (type != NULL) {  // no other block has no bytes
      g->site[b] = mid_shapes_find(&shapes, 0, type->address);
      continue;
    }
    uint64_t word = first_word(r, g->address[b], g->size[b]);
    if (word != 0 && mid_modules_at(&t->roots.modules, word) == NULL) word = 0;
    g->site[b] = mid_shapes_find(&shapes, g->size[b], word);
  }
  free(r);
  return shapes;
}

// ---- sampled blocks -----------------------------------------------------------------------------

static uint32_t site_of_stack(struct mid_graph_taking *t, struct mid_graph *g, size_t number) {
  struct mid_profile_site *site = &t->profile.site[number];
  if (site->frame == NULL) mid_profile_name(&t->profile, site, t->symbols);
  const struct mid_profile_frame *place = mid_profile_place(site);
  return mid_graph_add_site(g, place->function, place->file, place->line, true);
}

// Calls `use` for each sampled block that is live, with its sample.
static void each_sample(struct mid_graph_taking *t, struct mid_graph *g,
                        void (*use)(void *self, uint32_t block, const struct mid_profile_sample *),
                        void *self) {
  for (size_t i = 0; t->has_profile && i < t->profile.samples; i++) {
    const struct mid_profile_sample *sample = &t->profile.sample[i];
    uint32_t block = mid_graph_find(g, sample->block);
    if (block != MID_GRAPH_NONE && g->address[block] == sample->block) use(self, block, sample);
  }
}

// The sampled blocks of a shape: the site that may have the majority, and whether it has.
// source  R. Boyer, J. Moore, "MJRTY: A Fast Majority Vote Algorithm", 1981
struct vote {
  uint32_t site;
  double lead, have, all;  // in blocks that the samples stand for
};

struct naming {
  struct mid_graph_taking *t;
  struct mid_graph *g;
  struct mid_shapes shapes;
  struct vote *vote;  // by shape
  uint32_t *site_of;  // by the profile's number of a site: the graph's, and one
};

static uint32_t named(struct naming *n, size_t site) {
  if (n->site_of[site] == 0) n->site_of[site] = site_of_stack(n->t, n->g, site) + 1;
  return n->site_of[site] - 1;
}

static double stands_for(const struct mid_profile_sample *sample) {
  return sample->chance > 0 ? 1 / sample->chance : 1;
}

// By the graph's sites, since several stacks may share one.
static void vote_for(void *self, uint32_t block, const struct mid_profile_sample *sample) {
  struct naming *n = self;
  struct vote *vote = &n->vote[n->g->site[block]];
  double weight = stands_for(sample);
  uint32_t site = named(n, sample->site);
  vote->lead += site == vote->site ? weight : -weight;
  if (vote->lead > 0) return;
  vote->site = site;
  vote->lead = -vote->lead;
}

static void count_votes(void *self, uint32_t block, const struct mid_profile_sample *sample) {
  struct naming *n = self;
  struct vote *vote = &n->vote[n->g->site[block]];
  vote->all += stands_for(sample);
  if (named(n, sample->site) == vote->site) vote->have += stands_for(sample);
}

static void use_sample(void *self, uint32_t block, const struct mid_profile_sample *sample) {
  struct naming *n = self;
  n->g->site[block] = named(n, sample->site);
  double born = sample->born * 1000 + 1;
  n->g->born[block] = born < 1 ? 1 : born < UINT32_MAX ? (uint32_t)born : UINT32_MAX;
}

// ---- the others ---------------------------------------------------------------------------------

static uint32_t site_of_shape(const struct naming *n, size_t number) {
  const struct mid_shape *shape = &n->shapes.shape[number];
  const struct vote *vote = &n->vote[number];
  char words[256];
  struct mid_words size;
  if (shape->bytes == 0)
    return mid_graph_add_site(n->g, collected_name(n->t, shape->word), "", 0, false);
  if (vote->have > 0 && vote->have >= SITE_SHARE * vote->all) return vote->site;
  if (shape->word != 0 && mid_type_name(n->t->target, &n->t->roots.modules, n->t->symbols,
                                        shape->word, words, sizeof words))
    return mid_graph_add_site(n->g, words, "", 0, false);
  snprintf(words, sizeof words, "%s, without a stack", mid_words_size(shape->bytes, &size));
  return mid_graph_add_site(n->g, words, "", 0, false);
}

void mid_graph_take_sites(struct mid_graph_taking *t, struct mid_graph *g) {
  struct naming n = {.t = t, .g = g, .shapes = take_shapes(t, g)};
  size_t sites = t->has_profile ? t->profile.sites : 0;
  n.site_of = mid_graph_kept(calloc(sites + 1, sizeof *n.site_of));
  n.vote = mid_graph_kept(calloc(n.shapes.count + 1, sizeof *n.vote));
  each_sample(t, g, vote_for, &n);
  each_sample(t, g, count_votes, &n);
  uint32_t *of = mid_graph_kept(calloc(n.shapes.count + 1, sizeof *of));
  for (size_t i = 0; i < n.shapes.count; i++) of[i] = site_of_shape(&n, i);
  for (uint32_t b = 0; b < g->edges.blocks; b++) g->site[b] = of[g->site[b]];
  each_sample(t, g, use_sample, &n);
  free(of);
  free(n.vote);
  free(n.site_of);
  mid_shapes_close(&n.shapes);
}
