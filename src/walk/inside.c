// walk/inside.c -- see inside.h.
// SPDX-License-Identifier: MIT
//
// Of each block it is kept whether something points at its start, else how far into it the lowest
// pointer leads, and whether all do.  That is enough: places that are as good as starts come first.
#include "walk/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "heap/class.h"

#define INSIDE_NOTHING UINT32_MAX
#define INSIDE_MANY ((uint32_t)1 << 31)      // more than one place is pointed at
#define INSIDE_IS_START ((uint32_t)1 << 30)  // after learning: the place counts as the start
#define INSIDE_PLACE (INSIDE_IS_START - 1)

enum {
  INSIDE_FEWEST = 5,  // blocks from which a place is learned
  INSIDE_SHARE = 90,  // percent of them that have it
  INSIDE_HEAD = 40,   // bytes that are looked at
};
_Static_assert(MID_INSIDE_MOST - 1 <= INSIDE_PLACE, "every place fits");

// Blocks that are alike, and the place that most of them are held by, if one is; after R. S. Boyer,
// J. S. Moore, "MJRTY: A Fast Majority Vote Algorithm", 1981.
struct inside_group {
  uint64_t blocks, held;  // live; of these, by `place` alone
  uint64_t votes;
  uint32_t place;
  uint64_t
      taught;  // of a size: places below 64, a bit each, that sites have learned of such blocks
};

struct mid_inside {
  const struct mid_target *target;
  const struct mid_blocks *blocks;
  const struct mid_profile *profile;
  uint32_t *met;               // by block
  struct inside_group *group;  // size classes, then sites
};

struct mid_inside *mid_inside_open(const struct mid_target *target, const struct mid_blocks *blocks,
                                   const struct mid_profile *profile) {
  struct mid_inside *in = calloc(1, sizeof *in);
  size_t sites = profile == NULL ? 0 : profile->sites;
  if (in == NULL) abort();
  in->target = target;
  in->blocks = blocks;
  in->profile = profile;
  in->met = malloc(((size_t)blocks->blocks + 1) * sizeof *in->met);
  in->group = calloc(MID_CLASSES + sites, sizeof *in->group);
  if (in->met == NULL || in->group == NULL) abort();
  memset(in->met, 0xff, ((size_t)blocks->blocks + 1) * sizeof *in->met);
  return in;
}

void mid_inside_close(struct mid_inside *in) {
  free(in->met);
  free(in->group);
  free(in);
}

// The lower of two places; but what may be a tag comes last.
static uint32_t inside_lower(uint32_t a, uint32_t b) {
  if ((a < 8) != (b < 8)) return a < 8 ? b : a;
  return a < b ? a : b;
}

void mid_inside_met(struct mid_inside *in, uint32_t block, uint32_t offset) {
  uint32_t *met = &in->met[block], place = *met & INSIDE_PLACE;
  if (*met == INSIDE_NOTHING)
    *met = offset;
  else if (*met != 0 && place != offset)
    *met = offset == 0 ? 0 : inside_lower(place, offset) | INSIDE_MANY;
}

// ---- places that are known ----

static bool known_read(const struct mid_target *t, uint64_t address, uint64_t *out) {
  return mid_target_read(t, address, out, sizeof *out);
}

// Whether a program may have asked for `bytes` to get a block of `usable`: at most a third is more
// where a coarser class lent it (mid_class_coarse).
static bool known_fits(uint64_t bytes, uint64_t usable) {
  return bytes <= usable && usable - bytes <= usable / 3 + 15;
}

// `count` elements behind their number, which stands just before them.
static bool known_is_array(uint64_t count, uint64_t offset, uint64_t usable) {
  if (count == 0 || count > usable - offset) return false;
  return known_fits((usable - offset) / count * count + offset, usable);
}

// A table of a virtual class says how far before it its object begins.
static bool known_is_base(const struct mid_target *t, const uint64_t *head, uint64_t address,
                          uint32_t offset) {
  uint64_t table, far = 1, whole = 1;
  if (offset % 8 != 0 || !known_read(t, address + offset, &table)) return false;
  const struct mid_target_mapping *m = mid_target_mapping_at(t, table);
  if (m == NULL || m->write || table % 8 != 0 || head[0] % 8 != 0 || head[0] < 16) return false;
  return known_read(t, table - 16, &far) && far == -(uint64_t)offset &&
         known_read(t, head[0] - 16, &whole) && whole == 0;
}

// A list that links both ways comes back.
static bool known_is_collected(const struct mid_target *t, const uint64_t *head, uint64_t address) {
  uint64_t back;
  return known_read(t, head[0] + 8, &back) && (back & ~(uint64_t)7) == address;
}

static bool known_place(const struct mid_inside *in, const struct mid_blocks_span *span,
                        uint64_t address, uint32_t offset) {
  uint64_t head[INSIDE_HEAD / 8] = {0}, usable = span->block_bytes;
  if (offset % 8 != 0) return false;
  mid_target_read(in->target, address, head, mid_min(usable, sizeof head));
  if (span->asked != 0) usable = span->asked;
  if ((offset == 8 || offset == 16 || offset == 32) &&
      known_is_array(head[offset / 8 - 1], offset, usable))
    return true;
  if (offset == 16 && known_is_collected(in->target, head, address)) return true;
  if (head[0] < usable) {
    if (offset == 8 && known_fits(head[0] + 8, usable)) return true;          // SQLite
    if (offset == 16 && known_fits((head[0] + 2) * 16, usable)) return true;  // glibc's dtv
    if (offset == 24 && head[0] <= head[1] && head[1] < usable && known_fits(head[1] + 25, usable))
      return true;  // a string
  }
  return known_is_base(in->target, head, address, offset);
}

// ---- places that are learned ----

static struct inside_group *group_of(const struct mid_inside *in,
                                     const struct mid_blocks_span *span) {
  return span->large || span->cells != 0 ? NULL : &in->group[span->klass];
}

static void group_vote(struct inside_group *g, uint32_t met) {
  bool one = met != INSIDE_NOTHING && (met & INSIDE_MANY) == 0 && met != 0;
  uint32_t place = one ? met & INSIDE_PLACE : 0;
  g->blocks++;
  if (g->votes == 0) g->place = place;
  if (g->place == place)
    g->votes++;
  else
    g->votes--;
}

static void group_count(struct inside_group *g, uint32_t met) {
  g->held += met != INSIDE_NOTHING && (met & INSIDE_MANY) == 0 && (met & INSIDE_PLACE) == g->place;
}

static bool group_learned(const struct inside_group *g) {
  return g != NULL && g->place != 0 && g->blocks >= INSIDE_FEWEST &&
         g->held * 100 >= g->blocks * INSIDE_SHARE;
}

// Do `each` for every group that a live block is in.
static void groups_visit(const struct mid_inside *in,
                         void (*each)(struct inside_group *, uint32_t)) {
  uint64_t offset;
  for (size_t i = 0; i < in->blocks->spans; i++) {
    const struct mid_blocks_span *span = &in->blocks->span[i];
    struct inside_group *g = group_of(in, span);
    for (uint32_t k = span->first; g != NULL && k < span->first + span->count; k++)
      if (mid_blocks_is_live(in->blocks, k)) each(g, in->met[k]);
  }
  for (size_t i = 0; in->profile != NULL && i < in->profile->samples; i++) {
    const struct mid_profile_sample *sample = &in->profile->sample[i];
    uint32_t block = mid_blocks_find(in->blocks, sample->block, &offset);
    if (block != MID_BLOCK_NONE && offset == 0 && mid_blocks_is_live(in->blocks, block) &&
        sample->site < in->profile->sites)
      each(&in->group[MID_CLASSES + sample->site], in->met[block]);
  }
}

static const struct mid_profile_sample *sample_of(const struct mid_inside *in, uint64_t address) {
  const struct mid_profile_sample *sample =
      in->profile == NULL ? NULL : mid_profile_block(in->profile, address);
  return sample != NULL && sample->site < in->profile->sites ? sample : NULL;
}

// What sites have learned holds for blocks of the same size of which the site is not known.
static void sites_teach(struct mid_inside *in) {
  uint64_t offset;
  for (size_t i = 0; in->profile != NULL && i < in->profile->samples; i++) {
    const struct mid_profile_sample *sample = &in->profile->sample[i];
    uint32_t block = mid_blocks_find(in->blocks, sample->block, &offset);
    if (sample->site >= in->profile->sites || block == MID_BLOCK_NONE) continue;
    const struct inside_group *g = &in->group[MID_CLASSES + sample->site];
    if (!group_learned(g)) continue;
    struct inside_group *of_size = group_of(in, mid_blocks_span_of(in->blocks, block));
    if (of_size != NULL && g->place < 64) of_size->taught |= (uint64_t)1 << g->place;
  }
}

// Whether `place` is learned for the site of a block where that is known by enough blocks, else for
// its size.
static bool place_learned(const struct mid_inside *in, const struct mid_blocks_span *span,
                          uint64_t address, uint32_t place) {
  const struct mid_profile_sample *sample = sample_of(in, address);
  const struct inside_group *g = sample == NULL ? NULL : &in->group[MID_CLASSES + sample->site];
  if (g != NULL && g->blocks >= INSIDE_FEWEST) return group_learned(g) && g->place == place;
  g = group_of(in, span);
  if (g == NULL) return false;
  return (group_learned(g) && g->place == place) || (place < 64 && (g->taught >> place & 1) != 0);
}

void mid_inside_learn(struct mid_inside *in) {
  groups_visit(in, group_vote);
  groups_visit(in, group_count);
  sites_teach(in);
  for (size_t i = 0; i < in->blocks->spans; i++) {
    const struct mid_blocks_span *span = &in->blocks->span[i];
    for (uint32_t k = 0; k < span->count; k++) {
      uint32_t *met = &in->met[span->first + k], place = *met & INSIDE_PLACE;
      if (*met == INSIDE_NOTHING || *met == 0) continue;
      uint64_t address = mid_blocks_place(in->blocks, span, k);
      // Their type tells what refers to a collected object: none does so to its inside.
      if (span->cells != 0) continue;
      if (place_learned(in, span, address, place) || known_place(in, span, address, place))
        *met |= INSIDE_IS_START;
    }
  }
}

bool mid_inside_is_start(const struct mid_inside *in, uint32_t block, uint32_t offset) {
  uint32_t met = in->met[block];
  return met != INSIDE_NOTHING && (met & INSIDE_IS_START) != 0 && (met & INSIDE_PLACE) == offset;
}
