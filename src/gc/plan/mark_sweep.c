// gc/plan/mark_sweep.c -- mark what is reachable where it stands; allocate into the holes between.
// SPDX-License-Identifier: MIT
#include "gc/gc.h"

const struct mid_gc_plan mid_gc_plan_mark_sweep = {
    .name = "mark-sweep",
    .source = "S. Blackburn, K. McKinley, \"Immix: A Mark-Region Garbage Collector\", PLDI 2008",
};
