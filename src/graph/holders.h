// graph/holders.h -- who keeps the blocks of the largest places alive.
// SPDX-License-Identifier: MIT
#ifndef MID_GRAPH_HOLDERS_H
#define MID_GRAPH_HOLDERS_H

#include "observe/evidence.h"
#include "walk/target.h"

// Of the places that have most bytes and are known by a stack, and that an owner holds.
// returns  how many are in `*out`, which mid_last_look_close frees; 0 where there is no graph
// cost     as mid_graph_take and mid_graph_finish
size_t mid_holders_take(const struct mid_target *target, struct mid_symbols *symbols,
                        struct mid_holder **out);

#endif
