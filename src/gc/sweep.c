// gc/sweep.c -- from what a cycle did not mark to fills and holes.
// SPDX-License-Identifier: MIT
//
// After a major cycle blocks in which nothing was marked are free at once; the others are swept
// when an allocation wants a hole, or at the latest before the next major cycle, which would else
// take their dead for objects: by who asks for that, before the world stops.  Blocks that held
// pinned objects are swept at the end of the cycle:
//
//   before   | dead | pinned | moved | moved | pinned | dead ....... |
//   after    | hole | pinned | hole          | pinned | hole         |
#include <string.h>

#include "gc/trace.h"

enum { SWEEP_AHEAD = 2048, SWEEP_LINE = 64 };  // bytes that are on their way into the cache

struct sweep {
  struct mid_gc_block *block;
  struct mid_gc_hole **link;  // where the next hole is put
  char *gap;                  // where it starts; NULL: there is none
  uint32_t free_bytes, live_bytes;
};

static void sweep_gap_end(struct sweep *s, char *end) {
  if (s->gap == NULL) return;
  size_t bytes = (size_t)(end - s->gap);
  mid_gc_fill(s->gap, bytes);
  if (bytes >= MID_GC_HOLE_LEAST) {
    struct mid_gc_hole *hole = (struct mid_gc_hole *)(void *)s->gap;
    *s->link = hole;
    s->link = &hole->next;
    s->free_bytes += (uint32_t)bytes;
  }
  s->gap = NULL;
}

// Objects that were copied out, or not reached, are gone; the rest is as new to minor cycles, or
// old from now on.  Those that were old are left alone: the program runs, and sets bits in their
// words.
static bool sweep_keeps(uint64_t *at, unsigned colour, bool young, uint64_t tenured) {
  uint64_t word = mid_gc_read(at);
  if (mid_gc_is_forwarded(word) || mid_gc_colour(word) != colour) return false;
  if ((word & MID_GC_PIN) != 0) *at = word &= ~(uint64_t)MID_GC_PIN;
  if (tenured != 0) *at = word = (word & ~(uint64_t)MID_GC_MARK) | tenured;
  if (!young || tenured != 0) return true;
  uint64_t age = mid_gc_age(word) + (mid_gc_age(word) < MID_GC_AGE_MOST);
  *at = (word & ~(uint64_t)(MID_GC_MARK | MID_GC_AGE)) | age << MID_GC_AGE_SHIFT;
  return true;
}

// Places that were known may be within a hole from now on.
static struct sweep sweep_begin(struct mid_gc_block *block) {
  block->starts_cycle = 0;
  memset(block->known, 0, sizeof block->known);
  return (struct sweep){.block = block, .link = &block->holes};
}

static void sweep_finish(struct sweep *s) {
  struct mid_gc_block *block = s->block;
  *s->link = NULL;
  block->free_bytes = s->free_bytes;
  block->live_bytes = s->live_bytes;
  block->pinned = block->unswept = false;
}

void mid_gc_sweep(struct mid_gc_block *block, unsigned colour, uint64_t tenured) {
  struct sweep s = sweep_begin(block);
  bool young = (*mid_gc_kind_at(block->base) & MID_GC_YOUNG) != 0;
  for (char *at = block->base, *fetched = at, *next; at < block->end; at = next) {
    void *object;
    bool buffer = mid_gc_is_buffer(block, at);
    for (; fetched < at + SWEEP_AHEAD && fetched < block->end; fetched += SWEEP_LINE)
      __builtin_prefetch(fetched);
    next = mid_gc_step(block, at, &object);
    if (buffer || (object != NULL && sweep_keeps(mid_gc_word(object), colour, young, tenured))) {
      sweep_gap_end(&s, at);
      if (!buffer) mid_gc_note_start(block, at);
      s.live_bytes += buffer ? 0 : (uint32_t)(next - at);
    } else if (s.gap == NULL) {
      s.gap = at;
    }
  }
  sweep_gap_end(&s, block->end);
  sweep_finish(&s);
}

// By D. Shell, "A High-Speed Sorting Procedure", CACM 2(7), 1959: pins are hundreds, rarely more,
// and nothing may be allocated here.
void mid_gc_sort(struct mid_gc_words *w) {
  for (size_t gap = w->count / 2; gap > 0; gap /= 2)
    for (size_t i = gap; i < w->count; i++) {
      uintptr_t word = w->word[i];
      size_t k = i;
      for (; k >= gap && w->word[k - gap] > word; k -= gap) w->word[k] = w->word[k - gap];
      w->word[k] = word;
    }
}

// What is pinned is known without a walk over what is not; at `first`, its first word.
static char *sweep_keep(struct sweep *s, void *object, unsigned colour, bool young,
                        uint64_t tenured, char *gap) {
  uint64_t word = *mid_gc_word(object);
  char *first = mid_gc_first(object, word), *next = first + mid_gc_whole_bytes(object, word);
  if (!sweep_keeps(mid_gc_word(object), colour, young, tenured)) return gap;
  s->gap = gap < first ? gap : NULL;
  sweep_gap_end(s, first);
  mid_gc_note_start(s->block, first);
  s->live_bytes += (uint32_t)(next - first);
  return next;
}

// The first of `w`, which is sorted, that is at least `least`.
static size_t sweep_first_of(const struct mid_gc_words *w, uintptr_t least) {
  size_t low = 0, high = w->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (w->word[middle] < least)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void mid_gc_sweep_pinned(midden_gc *gc, struct mid_gc_block *block, uint64_t tenured) {
  struct sweep s = sweep_begin(block);
  char *gap = block->base;
  size_t i = sweep_first_of(&gc->pins, (uintptr_t)block->base);
  for (; i < gc->pins.count && gc->pins.word[i] <= (uintptr_t)block->end; i++)
    gap = sweep_keep(&s, (void *)gc->pins.word[i], gc->colour, true, tenured, gap);
  s.gap = gap < block->end ? gap : NULL;
  sweep_gap_end(&s, block->end);
  sweep_finish(&s);
}

// ---- old blocks, one by one ----

static void sweep_next(midden_gc *gc) {
  struct mid_gc_block *block = mid_gc_pop(&gc->unswept);
  mid_gc_sweep(block, gc->major_colour, 0);
  if (block->live_bytes == 0)
    mid_gc_block_give(gc, block);
  else
    mid_gc_push(block->holes != NULL ? &gc->holes : &gc->old, block);
}

struct mid_gc_block *mid_gc_sweep_for_hole(midden_gc *gc) {
  while (gc->holes.first == NULL && gc->unswept.first != NULL) sweep_next(gc);
  return gc->holes.first;
}

bool mid_gc_sweep_some(midden_gc *gc, unsigned blocks) {
  for (; blocks > 0 && gc->unswept.first != NULL; blocks--) sweep_next(gc);
  return gc->unswept.first != NULL;
}
