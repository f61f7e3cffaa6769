// gc/plan/copying.c -- copy what is reachable to fresh blocks, and free all others.
// SPDX-License-Identifier: MIT
#include "gc/gc.h"

const struct mid_gc_plan mid_gc_plan_copying = {
    .name = "copying",
    .source = "C. Cheney, \"A Nonrecursive List Compacting Algorithm\", CACM 13(11), 1970",
    .copies = true,
};
