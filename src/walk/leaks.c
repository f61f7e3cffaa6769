// walk/leaks.c -- see leaks.h.
// SPDX-License-Identifier: MIT
#include "walk/leaks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heap/class.h"
#include "observe/words.h"
#include "walk/reach.h"
#include "walk/shapes.h"
#include "walk/types.h"

const char *mid_leak_naming_words(enum mid_leak_naming naming) {
  static const char *const words[] = {"stack", "neighbours", "type", "size"};
  return words[naming];
}

// What one search needs.
struct leaks_search {
  const struct mid_target *target;
  const struct mid_blocks *blocks;
  struct mid_profile *profile;
  struct mid_roots roots;
  struct mid_reach reach;
  struct mid_reach_marks marks;
  struct mid_shapes shapes;
  uint32_t *shape;    // by place in out->block
  uint32_t *of_site;  // group + 1, by site
  struct mid_leaks *out;
  size_t groups_room;
};

// ---- which blocks ----

static void leaks_add(struct leaks_search *s, uint32_t block, enum mid_leak_kind kind) {
  struct mid_leaks *out = s->out;
  if (out->count == out->room) {
    out->room = out->room == 0 ? 1024 : 2 * out->room;
    out->block = reallocarray(out->block, out->room, sizeof *out->block);
    if (out->block == NULL) abort();
  }
  const struct mid_blocks_span *span = mid_blocks_span_of(s->blocks, block);
  out->block[out->count++] = (struct mid_leak_block){
      .address = mid_blocks_place(s->blocks, span, block - span->first),
      .bytes = mid_blocks_size(s->blocks, span, block - span->first),
      .kind = (uint8_t)kind,
      .left = kind == MID_LEAK_POSSIBLE && mid_reach_bit(s->marks.left, block)};
}

static void leaks_lost(void *self, uint32_t block, uint32_t leader) {
  leaks_add(self, block, block == leader ? MID_LEAK_DIRECT : MID_LEAK_INDIRECT);
}

static void leaks_collect(struct leaks_search *s) {
  mid_reach_lost(&s->reach, s->blocks, &s->marks, leaks_lost, s);
  for (uint32_t block = 0; block < s->blocks->blocks; block++)
    if (mid_reach_bit(s->marks.possible, block) && mid_blocks_is_live(s->blocks, block))
      leaks_add(s, block, MID_LEAK_POSSIBLE);
}

// ---- what they look like, and where they are known to be from ----

static const struct mid_profile_sample *leaks_sample(const struct leaks_search *s,
                                                     const struct mid_leak_block *block) {
  const struct mid_profile_sample *sample =
      s->profile == NULL ? NULL : mid_profile_block(s->profile, block->address);
  return sample != NULL && sample->site < s->profile->sites ? sample : NULL;
}

// The first blocks that a thread takes of a class are lent by a coarser one, and are no samples:
// the sites are those of the finer ones.
static void leaks_borrow(struct leaks_search *s, struct mid_shape *shape) {
  if (shape->unknown == 0 || shape->sites > 0 || shape->bytes > MID_SMALL_MOST) return;
  unsigned klass = mid_class_of(shape->bytes);
  for (unsigned finer = klass; finer-- > 0 && mid_class_coarse(finer) == klass;) {
    const struct mid_shape *known =
        mid_shapes_known(&s->shapes, mid_class_bytes(finer), shape->word);
    if (known != NULL) mid_shape_borrow(shape, known);
  }
}

// Seconds since the process began to sample.
static double leaks_now(const struct leaks_search *s) {
  struct timespec now;
  if (s->profile == NULL || !s->target->live) return s->profile == NULL ? 0 : s->profile->now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - s->profile->opened;
}

static void leaks_look(struct leaks_search *s) {
  struct mid_leaks *out = s->out;
  double now = leaks_now(s);
  s->shape = malloc((out->count + 1) * sizeof *s->shape);
  if (s->shape == NULL) abort();
  for (size_t i = 0; i < out->count; i++) {
    struct mid_leak_block *block = &out->block[i];
    uint64_t word = 0;
    mid_target_read(s->target, block->address, &word, sizeof word);
    if (mid_modules_at(&s->roots.modules, word) == NULL) word = 0;
    s->shape[i] = mid_shapes_find(&s->shapes, block->bytes, word);
    struct mid_shape *shape = &s->shapes.shape[s->shape[i]];
    const struct mid_profile_sample *sample = leaks_sample(s, block);
    if (sample != NULL) {
      mid_shape_known(shape, sample->site, sample->chance > 0 ? 1 / sample->chance - 1 : 0);
      block->sampled = true;
      block->age = (float)(now > sample->born ? now - sample->born : 0);
    } else if (block->kind != MID_LEAK_INDIRECT) {
      shape->unknown++;
    }
  }
  for (size_t i = 0; i < s->shapes.count; i++) {
    leaks_borrow(s, &s->shapes.shape[i]);
    mid_shape_share(&s->shapes.shape[i]);
  }
}

// ---- groups ----

static uint32_t group_add(struct leaks_search *s, struct mid_leak_group group) {
  struct mid_leaks *out = s->out;
  if (out->groups == s->groups_room) {
    s->groups_room = s->groups_room == 0 ? 64 : 2 * s->groups_room;
    out->group = reallocarray(out->group, s->groups_room, sizeof *out->group);
    if (out->group == NULL) abort();
  }
  if (group.name == NULL) abort();
  out->group[out->groups] = group;
  return (uint32_t)out->groups++;
}

static uint32_t group_of_site(struct leaks_search *s, size_t site) {
  if (s->of_site[site] != 0) return s->of_site[site] - 1;
  struct mid_profile_site *of = &s->profile->site[site];
  mid_profile_name(s->profile, of, s->out->symbols);
  struct mid_leak_group group = {.site = of,
                                 .name = strdup(mid_profile_place(of)->function),
                                 .naming = MID_LEAK_BY_NEIGHBOURS};
  return (s->of_site[site] = group_add(s, group) + 1) - 1;
}

static uint32_t group_of_size(struct leaks_search *s, uint64_t bytes) {
  uint32_t number = mid_shapes_find(&s->shapes, bytes, 0);
  struct mid_shape *shape = &s->shapes.shape[number];
  struct mid_leak_group group = {.naming = MID_LEAK_BY_SIZE};
  struct mid_words size;
  char name[64];
  if (shape->group != UINT32_MAX) return shape->group;
  snprintf(name, sizeof name, "blocks of %s", mid_words_size(bytes, &size));
  group.name = strdup(name);
  return shape->group = group_add(s, group);
}

static uint32_t group_of_shape(struct leaks_search *s, uint32_t number) {
  struct mid_shape shape = s->shapes.shape[number];
  struct mid_leak_group group = {.naming = MID_LEAK_BY_TYPE};
  char name[512];
  if (shape.group != UINT32_MAX) return shape.group;
  if (shape.word != 0 &&
      mid_type_name(s->target, &s->roots.modules, s->out->symbols, shape.word, name, sizeof name)) {
    group.name = strdup(name);
    shape.group = group_add(s, group);
  } else {
    shape.group = group_of_size(s, shape.bytes);
  }
  return s->shapes.shape[number].group = shape.group;
}

static void leaks_group(struct leaks_search *s) {
  uint32_t leader = 0;
  for (size_t i = 0; i < s->out->count; i++) {
    struct mid_leak_block *block = &s->out->block[i];
    if (block->kind == MID_LEAK_INDIRECT) {
      block->group = leader;
      continue;
    }
    const struct mid_profile_sample *sample = leaks_sample(s, block);
    size_t site = sample != NULL ? sample->site : mid_shape_give(&s->shapes.shape[s->shape[i]]);
    block->group =
        site != MID_SHAPE_NO_SITE ? group_of_site(s, site) : group_of_shape(s, s->shape[i]);
    leader = block->group;
  }
}

// ---- sums ----

static void group_example(struct mid_leak_group *g, uint64_t address) {
  size_t i = g->examples < MID_LEAK_EXAMPLES ? g->examples++ : MID_LEAK_EXAMPLES;
  for (; i > 0 && g->example[i - 1] > address; i--)
    if (i < MID_LEAK_EXAMPLES) g->example[i] = g->example[i - 1];
  if (i < MID_LEAK_EXAMPLES) g->example[i] = address;
}

static void group_sum(struct mid_leak_group *g, const struct mid_leak_block *block) {
  g->blocks[block->kind]++;
  g->bytes[block->kind] += block->bytes;
  g->left += block->left;
  g->sampled[block->kind] += block->sampled;
  if (block->kind == MID_LEAK_INDIRECT) return;
  if (block->sampled && (g->youngest < 0 || block->age < g->youngest)) g->youngest = block->age;
  // Of direct ones where there are any.
  if (block->kind == MID_LEAK_DIRECT && g->blocks[MID_LEAK_DIRECT] == 1) g->examples = 0;
  if (block->kind == MID_LEAK_DIRECT || g->blocks[MID_LEAK_DIRECT] == 0)
    group_example(g, block->address);
}

static void group_judge(struct mid_leak_group *g, const struct mid_leaks *leaks) {
  uint64_t possible = g->blocks[MID_LEAK_POSSIBLE];
  bool direct = g->blocks[MID_LEAK_DIRECT] > 0;
  if (g->sampled[direct ? MID_LEAK_DIRECT : MID_LEAK_POSSIBLE] > 0) g->naming = MID_LEAK_BY_STACK;
  g->confidence = MID_POSSIBLE;
  if (!direct) {
    g->why = g->left == possible ? "only what is left over in a mapped file, or from a thread that "
                                   "ended, points to them"
                                 : "nothing points to their start, but words do that may be "
                                   "pointers to their inside, or tagged ones";
  } else if (leaks->doubt != NULL) {
    g->confidence = MID_LIKELY;
    g->why = leaks->doubt;
  } else if (g->naming == MID_LEAK_BY_NEIGHBOURS) {
    g->confidence = MID_LIKELY;
    g->why =
        "nothing points to them; their own stacks are not known, but those of blocks that "
        "look alike and are lost with them";
  } else {
    g->confidence = MID_CERTAIN;
    g->why = "no word of the program's memory or registers points to them";
  }
}

static uint64_t group_badness(const struct mid_leak_group *g) {
  return g->bytes[MID_LEAK_DIRECT] + g->bytes[MID_LEAK_INDIRECT];
}

static int groups_by_badness(const void *a, const void *b) {
  const struct mid_leak_group *x = a, *y = b;
  uint64_t of_x = group_badness(x), of_y = group_badness(y);
  if (of_x == of_y) {
    of_x = x->bytes[MID_LEAK_POSSIBLE], of_y = y->bytes[MID_LEAK_POSSIBLE];
    if (of_x == of_y) return strcmp(x->name, y->name);
  }
  return of_x < of_y ? 1 : -1;
}

// Groups of no blocks go; the others are sorted, and the blocks follow them.
static void leaks_order(struct mid_leaks *leaks) {
  uint32_t *now = malloc((leaks->groups + 1) * sizeof *now);
  size_t kept = 0;
  if (now == NULL) abort();
  for (size_t i = 0; i < leaks->groups; i++) {
    struct mid_leak_group *g = &leaks->group[i];
    g->number = (uint32_t)i;
    if (g->blocks[MID_LEAK_DIRECT] + g->blocks[MID_LEAK_POSSIBLE] == 0) {
      free(g->name);
      continue;
    }
    group_judge(g, leaks);
    leaks->group[kept++] = *g;
  }
  leaks->groups = kept;
  if (kept > 1) qsort(leaks->group, kept, sizeof *leaks->group, groups_by_badness);
  for (size_t i = 0; i < kept; i++) now[leaks->group[i].number] = (uint32_t)i;
  for (size_t i = 0; i < leaks->count; i++) leaks->block[i].group = now[leaks->block[i].group];
  free(now);
}

// Make the sums of the groups out of the blocks.
static void leaks_sum(struct mid_leaks *leaks) {
  for (int k = 0; k < MID_LEAK_KINDS; k++) leaks->blocks[k] = leaks->bytes[k] = 0;
  for (size_t i = 0; i < leaks->groups; i++) {
    struct mid_leak_group *g = &leaks->group[i];
    *g = (struct mid_leak_group){
        .site = g->site,
        .name = g->name,
        .naming = g->naming == MID_LEAK_BY_STACK ? MID_LEAK_BY_NEIGHBOURS : g->naming,
        .youngest = -1};
  }
  for (size_t i = 0; i < leaks->count; i++) {
    const struct mid_leak_block *block = &leaks->block[i];
    leaks->blocks[block->kind]++;
    leaks->bytes[block->kind] += block->bytes;
    group_sum(&leaks->group[block->group], block);
  }
  leaks_order(leaks);
}

// ---- the whole ----

static void search_close(struct leaks_search *s) {
  mid_shapes_close(&s->shapes);
  mid_reach_marks_close(&s->marks);
  mid_reach_close(&s->reach);
  mid_roots_close(&s->roots);
  free(s->shape);
  free(s->of_site);
}

// Why a pointer may have been missed.
static const char *leaks_doubt(const struct mid_target *t, const struct mid_blocks *blocks) {
  if (t->incomplete != NULL) return "nothing points to them, but the core file lacks some memory";
  if (t->swapped > 0) return "nothing points to them, but memory that is swapped out was not read";
  if (blocks->torn > 0) return "nothing points to them, but the heap was being changed just then";
  return NULL;
}

const char *mid_leaks_find(const struct mid_target *target, const struct mid_blocks *blocks,
                           struct mid_profile *profile, struct mid_symbols *symbols,
                           struct mid_leaks *out) {
  struct leaks_search s = {.target = target, .blocks = blocks, .profile = profile, .out = out};
  *out = (struct mid_leaks){.live_blocks = blocks->live_blocks,
                            .live_bytes = blocks->live_bytes,
                            .doubt = leaks_doubt(target, blocks)};
  mid_roots_find(target, blocks, &s.roots);
  const char *wrong = mid_reach_read(target, blocks, &s.roots, profile, &s.reach);
  if (wrong == NULL) {
    s.of_site = calloc((profile == NULL ? 0 : profile->sites) + 1, sizeof *s.of_site);
    if (s.of_site == NULL) abort();
    out->own_symbols = symbols == NULL;
    out->symbols = symbols != NULL ? symbols : mid_symbols_open();
    s.marks = mid_reach_mark(&s.reach, &s.roots);
    leaks_collect(&s);
    leaks_look(&s);
    leaks_group(&s);
    leaks_sum(out);
  }
  search_close(&s);
  return wrong;
}

void mid_leaks_close(struct mid_leaks *leaks) {
  for (size_t i = 0; i < leaks->groups; i++) free(leaks->group[i].name);
  free(leaks->group);
  free(leaks->block);
  if (leaks->own_symbols) mid_symbols_close(leaks->symbols);
  *leaks = (struct mid_leaks){0};
}

// ---- two looks ----

static int leaks_by_address(const void *a, const void *b) {
  const struct mid_leak_block *x = a, *y = b;
  return x->address < y->address ? -1 : x->address > y->address;
}

// What is kept of a block that was `before` at an earlier look; NULL: in use, or not there yet.  A
// leader that goes leaves its place to the next of those it leads.
static bool keep_block(struct mid_leak_block *block, const struct mid_leak_block *before,
                       bool leads) {
  if (before == NULL || before->bytes != block->bytes) return false;
  if (before->kind == MID_LEAK_POSSIBLE) {
    block->left = block->kind == MID_LEAK_POSSIBLE ? block->left && before->left : before->left;
    block->kind = MID_LEAK_POSSIBLE;
  }
  if (block->kind == MID_LEAK_INDIRECT && !leads) block->kind = MID_LEAK_DIRECT;
  return true;
}

void mid_leaks_keep(struct mid_leaks *now, const struct mid_leaks *before) {
  struct mid_leak_block *sorted = malloc((before->count + 1) * sizeof *sorted);
  size_t kept = 0;
  bool leads = false;
  if (sorted == NULL) abort();
  if (before->count > 0) memcpy(sorted, before->block, before->count * sizeof *sorted);
  if (before->count > 1) qsort(sorted, before->count, sizeof *sorted, leaks_by_address);
  for (size_t i = 0; i < now->count; i++) {
    struct mid_leak_block block = now->block[i];
    if (block.kind != MID_LEAK_INDIRECT) leads = false;
    const struct mid_leak_block *was =
        before->count == 0 ? NULL
                           : bsearch(&block, sorted, before->count, sizeof block, leaks_by_address);
    if (!keep_block(&block, was, leads)) continue;
    leads = leads || block.kind == MID_LEAK_DIRECT;
    now->block[kept++] = block;
  }
  now->count = kept;
  free(sorted);
  leaks_sum(now);
}
