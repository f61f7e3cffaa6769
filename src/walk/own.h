// walk/own.h -- the memory of a target that is Midden's own; for blocks.c.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_OWN_H
#define MID_WALK_OWN_H

#include "walk/blocks.h"
#include "walk/library.h"

// Note a range; in the order of addresses, or nearly so.  false when memory ran out.
bool mid_own_add(struct mid_blocks *blocks, uint64_t start, uint64_t end);

// Add what is not of spans: pieces of records, the library's data, the feed; and sort all of it.
bool mid_own_find(const struct mid_target *target, const struct mid_library *library,
                  struct mid_blocks *blocks);

#endif
