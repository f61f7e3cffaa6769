// heap/anchor.h -- where those who read this process's memory from outside begin.
// SPDX-License-Identifier: MIT
//
// libmidden, or the program that it is linked into, has an ELF note that leads to a table of
// addresses: it is found in a stopped process and in a core file alike, with neither symbols nor
// feed.
//
//   note "Midden", type 1:  | distance from here to the table, 8 bytes |
//
// The records themselves are read as their headers declare them, so the reader must be of the same
// build as far as these go: `layout` tells.
#ifndef MID_HEAP_ANCHOR_H
#define MID_HEAP_ANCHOR_H

#include <stdint.h>

#include "heap/hardened.h"
#include "heap/heap.h"

#define MID_ANCHOR_MAGIC 0x726f68636e41644du  // "MdAnchor"
#define MID_ANCHOR_NOTE "Midden"
enum { MID_ANCHOR_TYPE = 1, MID_ANCHOR_LAYOUTS = 26 };

struct mid_anchor {
  uint64_t magic;
  uint32_t layout[MID_ANCHOR_LAYOUTS];
  const struct mid_window *map_root;  // MID_WINDOWS of them
  struct mid_heap *const *heaps;      // the first of all, by `next`
  struct mid_meta *const *metas;      // pieces of Midden's own memory, by `next`
  const struct mid_block *no_block;   // the end of each list of blocks
  const struct mid_span *no_span;     // the current span of a class that has none
  const struct mid_options *options;
  const void *const *collected;  // the anchor of collected heaps (gc/anchor.h); NULL: there is none
};
// Set by the layer above when the first collected heap opens.
extern const void *mid_anchor_collected __attribute__((visibility("hidden")));
extern const struct mid_anchor mid_anchor __attribute__((visibility("hidden")));

// What differs where a record that is read from outside has another size, or a field another place.
// clang-format off
#define MID_ANCHOR_LAYOUT                                                                       \
  {sizeof(struct mid_anchor),               sizeof(struct mid_options),                         \
   offsetof(struct mid_options, hardened),  sizeof(struct mid_span),                            \
   offsetof(struct mid_span, floor),        offsetof(struct mid_span, carved),                  \
   offsetof(struct mid_span, xfreed),       offsetof(struct mid_span, prev),                    \
   offsetof(struct mid_span, bytes),        offsetof(struct mid_span, gone),                    \
   offsetof(struct mid_span, state),        offsetof(struct mid_span, klass),                   \
   MID_SLICE_SHIFT << 8 | MID_WINDOW_SHIFT, MID_CLASSES,                                        \
   sizeof(struct mid_heap),                 offsetof(struct mid_heap, gathered),                \
   offsetof(struct mid_heap, kind),         offsetof(struct mid_heap, next),                    \
   offsetof(struct mid_heap, partial),      offsetof(struct mid_heap, hardened),                \
   sizeof(struct mid_gathered),             offsetof(struct mid_gathered, most),                \
   sizeof(struct mid_hardened_table),       offsetof(struct mid_hardened_table, state),         \
   MID_HARD_HELD,                           sizeof(struct mid_meta)}
// clang-format on

#endif
