// gc/pace.c -- how large Eden is, when the next major collection comes, and who is promoted.
// SPDX-License-Identifier: MIT
//
//   Eden      gc_young, less two survivors; under gc_max no more than leaves the rest gc_new_ratio
//             times as much
//   survivor  Eden / gc_survivor_ratio
//   goal      twice what lived, and 16 MiB at least; no more than gc_max leaves beside the young
//
// The age at which an object is promoted is the least at which the survivors of that age and below
// fill half a survivor (D. Ungar, F. Jackson, "Tenuring Policies for Generation-Based Storage
// Reclamation", OOPSLA 1988).  Free blocks are kept for the next Eden, and given back beyond it.
#include "gc/gc.h"

enum { GOAL_LEAST = 16 << 20 };

size_t mid_gc_used(const midden_gc *gc) {
  return gc->old_used + gc->eden_used + (gc->plan->generations ? gc->survivors : 0);
}

// A minor collection that took longer than it may makes the young space a quarter smaller; those
// that do not let it grow again by a sixteenth.
static size_t pace_by_goal(midden_gc *gc) {
  const midden_gc_collection *c = &gc->now;
  double pause = c->reach + c->roots + c->trace + c->weak;
  if (gc->young_now == 0) gc->young_now = gc->young_size;
  if (gc->pause_goal > 0 && c->scope == MIDDEN_GC_MINOR && pause > gc->pause_goal)
    gc->young_now = mid_max(gc->young_now / 4 * 3, 4 * (size_t)MID_GC_BLOCK);
  else
    gc->young_now = mid_min(gc->young_now + gc->young_now / 16, gc->young_size);
  return gc->young_now;
}

static void pace_young(midden_gc *gc) {
  size_t young = pace_by_goal(gc);
  if (gc->most != 0) {
    size_t room = gc->most > gc->old_used ? gc->most - gc->old_used : 0;
    young = mid_min(young, mid_max(room / (gc->new_ratio + 1), 4 * (size_t)MID_GC_BLOCK));
  }
  gc->survivor_size = young / (gc->survivor_ratio + 2);
  gc->eden_size = mid_max(young - 2 * gc->survivor_size, (size_t)MID_GC_BLOCK);
}

static void pace_threshold(midden_gc *gc) {
  size_t bytes = 0;
  unsigned age = 1;
  for (; age < gc->max_tenuring; age++) {
    bytes += gc->survived[age];
    if (bytes > gc->survivor_size / 2) break;
  }
  gc->threshold = age;
}

static void pace_goal(midden_gc *gc) {
  size_t goal = mid_max(2 * gc->old_used, gc->old_used + GOAL_LEAST);
  goal = mid_max(goal, gc->initial);
  if (gc->most != 0) {
    size_t young = gc->plan->generations ? gc->eden_size + 2 * gc->survivor_size : 0;
    size_t room = gc->most > young ? gc->most - young : 0;
    if (gc->plan->copies) room = room / 2;
    // A major collection that finds little would else be followed by another at once.
    goal = mid_max(mid_min(goal, room), gc->old_used + gc->most / 64);
  }
  gc->goal = goal;
}

void mid_gc_pace(midden_gc *gc) {
  pace_young(gc);
  if (gc->plan->generations) pace_threshold(gc);
  if (gc->now.scope == MIDDEN_GC_MAJOR || gc->goal == 0) pace_goal(gc);
}
