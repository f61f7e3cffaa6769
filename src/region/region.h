// region/region.h -- the check of each allocator, for tests and debug builds: NULL, or a sentence
// naming the first broken invariant.
// SPDX-License-Identifier: MIT
#ifndef MID_REGION_REGION_H
#define MID_REGION_REGION_H

#include "midden/arena.h"
#include "midden/buddy.h"
#include "midden/classic.h"
#include "midden/context.h"
#include "midden/pool.h"
#include "midden/slab.h"
#include "midden/stack.h"

const char *mid_arena_broken(const midden_arena *arena);
const char *mid_buddy_broken(const midden_buddy *buddy);
const char *mid_classic_broken(const midden_classic *classic);
const char *mid_context_broken(const midden_context *context);
const char *mid_pool_broken(const midden_pool *pool);
const char *mid_shared_pool_broken(const midden_shared_pool *pool);
const char *mid_slab_broken(const midden_slab *slab);
const char *mid_stack_broken(const midden_stack *stack);

#endif
