// walk/reach.c -- see reach.h.
// SPDX-License-Identifier: MIT
#include "walk/reach.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/inside.h"

enum { REACH_PIECE = 1 << 20 };  // bytes that are read at once

// What one reading needs.
struct reach_scan {
  const struct mid_target *target;
  const struct mid_blocks *blocks;
  struct mid_reach *out;
  struct mid_inside *inside;
  uint64_t low, reach;  // no block lies outside [low, low + reach)
  uint32_t self;        // the block that is read; MID_BLOCK_NONE: a root
  uint64_t have, have_end;
  uint64_t room[REACH_PIECE / 8];  // what the target has in [have, have_end)
};

// Room for one more behind `count` records.
static void *reach_grown(void *array, uint64_t count, uint64_t *room, size_t bytes) {
  if (count < *room) return array;
  *room = *room == 0 ? 4096 : *room + *room / 2;
  void *more = reallocarray(array, *room, bytes);
  if (more == NULL) abort();
  return more;
}

// ---- words ----

static void scan_edge(struct reach_scan *s, uint32_t target, uint64_t at) {
  struct mid_reach *r = s->out;
  r->target = reach_grown(r->target, r->edges, &r->edges_room, sizeof *r->target);
  r->target[r->edges++] = target;
  if (s->self != MID_BLOCK_NONE) return;
  uint64_t n = r->edges - r->first[r->blocks] - 1;
  r->at = reach_grown(r->at, n, &r->at_room, sizeof *r->at);
  r->at[n] = at;
}

static void scan_inside(struct reach_scan *s, uint32_t block, uint64_t offset, uint64_t at) {
  struct mid_reach *r = s->out;
  scan_edge(s, block | MID_REACH_WEAK, at);
  if (offset >= MID_INSIDE_MOST) return;
  mid_inside_met(s->inside, block, (uint32_t)offset);
  r->inside = reach_grown(r->inside, r->insides, &r->insides_room, sizeof *r->inside);
  r->inside[r->insides++] = (struct mid_reach_inside){r->edges - 1, (uint32_t)offset};
}

// `word` lies within the bounds of the heap.  weak: it may be something else.
static void scan_pointer(struct reach_scan *s, uint64_t word, bool weak, uint64_t at) {
  uint64_t offset;
  uint32_t block = mid_blocks_find(s->blocks, word, &offset);
  if (block == MID_BLOCK_NONE || block == s->self || !mid_blocks_is_live(s->blocks, block)) return;
  if (weak) {
    scan_edge(s, block | MID_REACH_WEAK, at);
  } else if (offset == 0) {
    mid_inside_met(s->inside, block, 0);
    scan_edge(s, block, at);
  } else {
    scan_inside(s, block, offset, at);
  }
}

// Whether word `i` is the end of the block before, rather than the start of the one behind it: of a
// C++ vector, deque or stream, whose words are begin, up to where it is used, end, in one order or
// another.  Of other words it is as good a pointer as any.
static bool scan_is_end(const struct reach_scan *s, const uint64_t *word, size_t words, size_t i) {
  uint64_t end = word[i], offset;
  if (i == 0 || word[i - 1] - s->low >= s->reach || word[i - 1] > end) return false;
  if (mid_blocks_find(s->blocks, end, &offset) == MID_BLOCK_NONE || offset != 0) return false;
  if (mid_blocks_find(s->blocks, end - 1, &offset) == MID_BLOCK_NONE) return false;
  uint64_t start = end - 1 - offset, bytes = end - start;
  if (i > 1 && word[i - 1] == start && word[i - 2] - start <= bytes) return true;
  if (i > 1 && word[i - 2] == start && word[i - 1] - start <= bytes) return true;
  return i + 1 < words && word[i - 1] == start && word[i + 1] == end;
}

// at  where `word` is in the target; 0: the words are not in memory
static inline void scan_words(struct reach_scan *s, const uint64_t *word, size_t words,
                              uint64_t at) {
  const uint64_t pointer = ((uint64_t)1 << 48) - 1;
  for (size_t i = 0; i < words; i++) {
    if (word[i] - s->low < s->reach)
      scan_pointer(s, word[i], scan_is_end(s, word, words, i), at == 0 ? 0 : at + i * 8);
    else if ((word[i] & pointer) - s->low < s->reach)
      scan_pointer(s, word[i] & pointer, true, at == 0 ? 0 : at + i * 8);
  }
}

// ---- memory ----

static void scan_memory(struct reach_scan *s, uint64_t start, uint64_t end) {
  start = (start + 7) & ~(uint64_t)7;
  for (uint64_t to; start < end; start = to) {
    to = mid_min(end, (start + REACH_PIECE) & ~(uint64_t)(REACH_PIECE - 1));
    s->have = s->have_end = 0;
    mid_target_read(s->target, start, s->room, to - start);
    scan_words(s, s->room, (to - start) / 8, start);
  }
}

// The same, without pages that were never touched: of mappings that may be vast and empty.
static void scan_sparse(struct reach_scan *s, uint64_t start, uint64_t end) {
  for (uint64_t at = start, page; at < end; at = page) {
    uint64_t from = at;
    for (page = at; page < end && page - from < REACH_PIECE; page = (page | 4095) + 1)
      if (!mid_target_touched(s->target, page & ~(uint64_t)4095)) break;
    scan_memory(s, from, mid_min(page, end));
    if (page < end && page - from < REACH_PIECE)
      page = mid_target_next_touched(s->target, page & ~(uint64_t)4095, end);
  }
}

// Blocks of a span lie next to each other, so they are read many at once.  All of a block is looked
// at: programs that ask malloc_usable_size use more than they asked for.
static void scan_block(struct reach_scan *s, const struct mid_blocks_span *span, uint32_t k) {
  uint64_t start = mid_blocks_place(s->blocks, span, k);
  uint64_t bytes = mid_blocks_size(s->blocks, span, k);
  const struct mid_blocks_type *type = mid_blocks_type(s->blocks, span, k);
  if (type != NULL && !type->has_refs) return;
  if (bytes > REACH_PIECE / 4) {
    scan_sparse(s, start, start + bytes);
    return;
  }
  if (start < s->have || start + bytes > s->have_end) {
    s->have = start;
    s->have_end = mid_min(span->end, start + REACH_PIECE);
    mid_target_read(s->target, start, s->room, s->have_end - start);
  }
  scan_words(s, s->room + (start - s->have) / 8, bytes / 8, start);
}

static void scan_blocks(struct reach_scan *s) {
  for (size_t i = 0; i < s->blocks->spans; i++) {
    const struct mid_blocks_span *span = &s->blocks->span[i];
    for (uint32_t k = 0; k < span->count; k++) {
      s->self = span->first + k;
      s->out->first[s->self] = s->out->edges;
      if (mid_blocks_is_live(s->blocks, s->self)) scan_block(s, span, k);
    }
  }
}

static void scan_roots(struct reach_scan *s, const struct mid_roots *roots) {
  s->self = MID_BLOCK_NONE;
  for (uint32_t i = 0; i < s->out->roots; i++) {
    const struct mid_root *root = &roots->root[i];
    s->out->first[s->out->blocks + i] = s->out->edges;
    if (root->word != NULL)
      scan_words(s, root->word, root->words, 0);
    else
      scan_sparse(s, root->start, root->end);
  }
  s->out->first[s->out->blocks + s->out->roots] = s->out->edges;
}

const char *mid_reach_read(const struct mid_target *target, const struct mid_blocks *blocks,
                           const struct mid_roots *roots, const struct mid_profile *profile,
                           struct mid_reach *out) {
  *out = (struct mid_reach){
      .blocks = blocks->blocks, .roots = (uint32_t)roots->count, .kept = blocks->kept};
  if (blocks->blocks >= MID_REACH_WEAK || roots->count >= MID_REACH_WEAK)
    return "the heap has more than 2^31 blocks: look at it earlier";
  struct reach_scan *s = malloc(sizeof *s);
  out->first = calloc((size_t)out->blocks + out->roots + 1, sizeof *out->first);
  if (s == NULL || out->first == NULL) abort();
  s->target = target;
  s->blocks = blocks;
  s->out = out;
  s->inside = mid_inside_open(target, blocks, profile);
  s->low = blocks->low;
  s->reach = blocks->high - blocks->low;
  s->have = s->have_end = 0;
  scan_blocks(s);
  scan_roots(s, roots);
  mid_inside_learn(s->inside);
  for (uint64_t i = 0; i < out->insides; i++) {
    const struct mid_reach_inside *inside = &out->inside[i];
    uint32_t *edge = &out->target[inside->edge];
    if (mid_inside_is_start(s->inside, *edge & ~MID_REACH_WEAK, inside->offset))
      *edge &= ~MID_REACH_WEAK;
  }
  mid_inside_close(s->inside);
  free(s);
  return NULL;
}

void mid_reach_close(struct mid_reach *r) {
  free(r->first);
  free(r->target);
  free(r->at);
  free(r->inside);
  *r = (struct mid_reach){0};
}
