// live/draw.h -- `midden top` on the screen.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_DRAW_H
#define MID_LIVE_DRAW_H

#include "live/top.h"

// Draw it as it is now; returns how many rows its list or text has there.
size_t mid_draw(struct mid_top *top);

#endif
