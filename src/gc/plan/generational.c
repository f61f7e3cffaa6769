// gc/plan/generational.c -- young objects copied by themselves; old ones marked, or moved.
// SPDX-License-Identifier: MIT
//
//   Eden --> survivors, a few times --> old          stores into old objects are told of
#include "gc/gc.h"

const struct mid_gc_plan mid_gc_plan_generational = {
    .name = "generational",
    .source = "D. Ungar, \"Generation Scavenging\", SDE 1984",
    .needs = MIDDEN_GC_STORES,
    .generations = true,
    .barrier = true,
};
