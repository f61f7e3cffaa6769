// walk/collected.h -- the objects of a target's collected heaps, for blocks.c.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_COLLECTED_H
#define MID_WALK_COLLECTED_H

#include "gc/anchor.h"
#include "walk/blocks.h"
#include "walk/library.h"

struct mid_collected {
  const struct mid_target *t;
  struct mid_gc_window **window;  // as in the target; NULL: it has no collected heap
  uint64_t *gc;                   // those that were met
  size_t gcs, gcs_room, cells_room, types_room;
  uint64_t last_type;  // that was looked up, and its place
  uint32_t last;
  char *bytes;
};

// NULL, or a sentence.
const char *mid_collected_open(struct mid_collected *c, const struct mid_target *target,
                               const struct mid_library *library);
// The objects in the block at `base`, as one span; *read: bytes of that block.  Without objects the
// span has no count.  false: out of memory
bool mid_collected_read(struct mid_collected *c, struct mid_blocks *out, uint64_t base,
                        struct mid_blocks_span *span, uint64_t *read);
// Once the blocks can be found: note those that collectors keep.  false: out of memory
bool mid_collected_keep(struct mid_collected *c, struct mid_blocks *out);
void mid_collected_close(struct mid_collected *c);

#endif
