// walk/inside.h -- pointers to the inside of blocks that are as good as pointers to their start.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_INSIDE_H
#define MID_WALK_INSIDE_H

#include "observe/profile.h"
#include "walk/blocks.h"
#include "walk/target.h"

#define MID_INSIDE_MOST ((uint32_t)1 << 29)  // bytes into a block; nothing is learned beyond

struct mid_inside;

// profile  NULL: sites are not known
struct mid_inside *mid_inside_open(const struct mid_target *target, const struct mid_blocks *blocks,
                                   const struct mid_profile *profile);
void mid_inside_close(struct mid_inside *inside);

// A pointer leads `offset` bytes into live `block`; 0: to its start.
void mid_inside_met(struct mid_inside *inside, uint32_t block, uint32_t offset);
// After the last one.
void mid_inside_learn(struct mid_inside *inside);
bool mid_inside_is_start(const struct mid_inside *inside, uint32_t block, uint32_t offset);

#endif
