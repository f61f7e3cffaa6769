// span/back.h -- learning from long spans what programs touch, by span/touch.h; for span/ only.
// SPDX-License-Identifier: MIT
#ifndef MID_SPAN_BACK_H
#define MID_SPAN_BACK_H

#include "span/span.h"

// Blocks of this size and more are worth a look at what they hold.
#define MID_LONG_BYTES ((size_t)1 << 20)

// Before a long span is given back, without locks: see what was touched of it, and have its slices
// say what is resident.
void mid_back_leave(struct mid_span *span);

// Around fork.
void mid_back_lock(void);
void mid_back_unlock(void);

#endif
