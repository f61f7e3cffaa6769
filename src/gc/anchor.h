// gc/anchor.h -- where those who read a process from outside find its collected objects: see
// heap/anchor.h, which leads here.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_ANCHOR_H
#define MID_GC_ANCHOR_H

#include "gc/gc.h"

enum { MID_GC_ANCHOR_LAYOUTS = 16 };

struct mid_gc_anchor {
  uint32_t layout[MID_GC_ANCHOR_LAYOUTS];
  struct mid_gc_window *const *windows;  // MID_WINDOWS of them
};
extern const struct mid_gc_anchor mid_gc_anchor __attribute__((visibility("hidden")));

// What differs where a record that is read from outside has another size, or a field another place.
// clang-format off
#define MID_GC_ANCHOR_LAYOUT                                                                   \
  {sizeof(struct mid_gc_anchor),           sizeof(struct mid_gc_window),                       \
   offsetof(struct mid_gc_window, block),  sizeof(struct mid_gc_block),                        \
   offsetof(struct mid_gc_block, object),  offsetof(struct mid_gc_block, buffer_top),          \
   offsetof(struct mid_gc_block, unswept), sizeof(struct mid_gc_type),                         \
   offsetof(struct mid_gc_type, name),     offsetof(struct mid_gc_type, inside),               \
   offsetof(struct midden_gc, major_colour), offsetof(struct midden_gc, stack),                 \
   offsetof(struct midden_gc, conservative), offsetof(struct midden_gc, mutators),              \
   offsetof(struct mid_mutator, log),        MID_GC_BITS << 8 | MID_GC_BLOCK_SHIFT}
// clang-format on

#endif
