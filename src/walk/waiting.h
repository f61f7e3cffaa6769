// walk/waiting.h -- blocks that others freed, and that wait for the thread which owns their spans.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_WAITING_H
#define MID_WALK_WAITING_H

#include "observe/evidence.h"
#include "walk/blocks.h"

// By owner and size of block.
// returns  how many are in *out, which the caller frees
// cost     O(spans); reads a few words of each heap that has such blocks
size_t mid_waiting_find(const struct mid_target *target, const struct mid_blocks *blocks,
                        struct mid_waiting **out);

#endif
