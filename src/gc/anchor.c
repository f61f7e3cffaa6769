// gc/anchor.c -- see anchor.h.
// SPDX-License-Identifier: MIT
#include "gc/anchor.h"

const struct mid_gc_anchor mid_gc_anchor = {.layout = MID_GC_ANCHOR_LAYOUT,
                                            .windows = mid_gc_windows};
