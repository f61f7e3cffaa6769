// gc/choose.c -- old blocks that are worth emptying in the next major cycle.
// SPDX-License-Identifier: MIT
//
// When more than a tenth of the old space is holes, the emptiest blocks are chosen, as many as
// would fill a quarter of the old blocks at most (opportunistic evacuation: S. Blackburn, K.
// McKinley, "Immix", PLDI 2008).  How full they are is known from the last sweep, by 32nds; and so
// little when a program has since filled what was free, as it has before most major cycles.  The
// one that follows a full collection which somebody asked for knows it all, and may empty what is
// less than 7/8 full:
//
//   blocks   | 3 | 9 | 14 | 22 | ... by live bytes, the emptiest first, until enough are chosen
#include "gc/gc.h"

enum { CLASSES = 32, CHOOSE_LEAST = 1 << 20 };

static unsigned choose_class(const struct mid_gc_block *block) {
  return (unsigned)mid_min((size_t)block->live_bytes * CLASSES / MID_GC_BLOCK, CLASSES - 1);
}

static bool choose_may(const midden_gc *gc, const struct mid_gc_block *block) {
  (void)gc;
  return block->buffer_top == NULL && block->live_bytes != 0;
}

// Move those of `list` that are at most as full as `most` to gc->chosen.
static void choose_from(midden_gc *gc, struct mid_gc_list *list, unsigned most) {
  struct mid_gc_list all = *list;
  *list = (struct mid_gc_list){0};
  for (struct mid_gc_block *block; (block = mid_gc_pop(&all)) != NULL;) {
    bool chosen = choose_may(gc, block) && choose_class(block) <= most;
    if (chosen) {
      mid_gc_kind_set(block, MID_GC_IN | MID_GC_FROM);
      block->pinned = false;
    }
    mid_gc_push(chosen ? &gc->chosen : list, block);
  }
}

bool mid_gc_choose(midden_gc *gc) {
  size_t bytes[CLASSES] = {0}, blocks = 0, holes = 0, taken = 0;
  for (struct mid_gc_block *b = gc->holes.first; b != NULL; b = b->next) {
    if (!choose_may(gc, b)) continue;
    bytes[choose_class(b)] += b->live_bytes;
    holes += b->free_bytes;
    blocks++;
  }
  size_t all = (gc->old.count + gc->holes.count) * (size_t)MID_GC_BLOCK;
  bool all_in_stress = gc->stress != 0 && blocks > 0;
  if (!all_in_stress && !gc->compacts && (holes < all / 10 || all < 4u << 20)) return false;
  unsigned most = 0;
  for (; most < CLASSES / 2 && taken + bytes[most] <= all / 4; most++) taken += bytes[most];
  if (gc->compacts) most = CLASSES * 7 / 8;
  if (all_in_stress) most = CLASSES;
  if (most == 0) return false;
  choose_from(gc, &gc->holes, most - 1);
  return gc->chosen.count > 0;
}

bool mid_gc_is_sparse(const midden_gc *gc) {
  size_t holes = 0, all = (gc->old.count + gc->holes.count) * (size_t)MID_GC_BLOCK;
  for (const struct mid_gc_block *b = gc->holes.first; b != NULL; b = b->next)
    holes += b->free_bytes;
  return !gc->plan->copies && holes > all / 8 && holes > CHOOSE_LEAST;
}
