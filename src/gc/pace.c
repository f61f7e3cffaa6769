// gc/pace.c -- how large Eden is, when the next major collection comes, and who is promoted.
// SPDX-License-Identifier: MIT
//
//   Eden      gc_young, less two survivors; under a limit no more than leaves the rest gc_new_ratio
//             times as much
//   survivor  Eden / gc_survivor_ratio
//   goal      twice what lived, and 16 MiB at least; no more than gc_max leaves beside the young
//
// gc_soft_max bounds Eden and goal as gc_max does, but nothing is refused for it (the JVM's
// SoftMaxHeapSize, Go's GOMEMLIMIT), and neither is made so small by it that the heap would collect
// without end once what lives comes near it.  What it has to leave for holes is learned:
//
//   Eden and survivors >= 1 MiB     goal >= what lived + an eighth of it, and 1 MiB at least
//
// The age at which an object is promoted is the least at which the survivors of that age and below
// fill half a survivor (D. Ungar, F. Jackson, "Tenuring Policies for Generation-Based Storage
// Reclamation", OOPSLA 1988).  Free blocks are kept for the next Eden, and given back beyond it.
#include "gc/gc.h"

enum { GOAL_LEAST = 16 << 20, SOFT_LEAST = 1 << 20 };

size_t mid_gc_used(const midden_gc *gc) {
  return gc->old_used + gc->eden_used + (gc->plan->generations ? gc->survivors : 0);
}

// A soft limit that gc_max is below says nothing.
static bool pace_is_soft(const midden_gc *gc) {
  return gc->soft != 0 && (gc->most == 0 || gc->soft < gc->most);
}

// What objects may take of it.
static size_t pace_soft(const midden_gc *gc) { return gc->soft - gc->soft_waste; }

// What lies between objects is known by what was committed when they were so many: nothing is given
// back between two major collections.  More than that is believed at once, less by eighths.  An
// eighth of the limit is aimed to be free, for what that differs from one to the next.
static void pace_waste(midden_gc *gc) {
  if (!pace_is_soft(gc)) return;
  size_t aim = gc->soft - gc->soft / 8, waste = gc->soft_waste;
  if (gc->committed > aim)
    waste += gc->committed - aim;
  else
    waste -= mid_min(waste, (aim - gc->committed) / 8);
  gc->soft_waste = mid_min(mid_max(waste, gc->soft / 8), gc->soft / 2);
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

// The young space's share of what a limit leaves beside the old one.
static size_t pace_share(const midden_gc *gc, size_t limit, size_t least) {
  size_t room = limit > gc->old_used ? limit - gc->old_used : 0;
  return mid_max(room / (gc->new_ratio + 1), least);
}

static void pace_young(midden_gc *gc, size_t young) {
  if (gc->most != 0) young = mid_min(young, pace_share(gc, gc->most, 4 * (size_t)MID_GC_BLOCK));
  if (pace_is_soft(gc)) young = mid_min(young, pace_share(gc, pace_soft(gc), SOFT_LEAST));
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

// A major collection that finds little would else be followed by another at once: `least`.
static size_t pace_under(const midden_gc *gc, size_t goal, size_t limit, size_t least) {
  size_t young = gc->plan->generations ? gc->eden_size + 2 * gc->survivor_size : 0;
  size_t room = limit > young ? limit - young : 0;
  if (gc->plan->copies) room = room / 2;
  return mid_max(mid_min(goal, room), gc->live + least);
}

static void pace_goal(midden_gc *gc) {
  size_t goal = mid_max(2 * gc->live, gc->live + GOAL_LEAST);
  goal = mid_max(goal, gc->initial);
  if (gc->most != 0) goal = pace_under(gc, goal, gc->most, gc->most / 64);
  if (pace_is_soft(gc)) {
    size_t least = mid_max(gc->live / 8, SOFT_LEAST);
    goal = mid_min(goal, pace_under(gc, goal, pace_soft(gc), least));
  }
  gc->goal = goal;
}

void mid_gc_pace_soft(midden_gc *gc, size_t bytes) {
  gc->soft = bytes;
  gc->soft_waste = bytes / 4;
  pace_young(gc, gc->young_now);
  pace_goal(gc);
}

void mid_gc_pace(midden_gc *gc) {
  if (gc->now.scope == MIDDEN_GC_MAJOR && gc->majors > 0) pace_waste(gc);
  pace_young(gc, pace_by_goal(gc));
  if (gc->plan->generations) pace_threshold(gc);
  if (gc->now.scope == MIDDEN_GC_MAJOR || gc->goal == 0) pace_goal(gc);
}
