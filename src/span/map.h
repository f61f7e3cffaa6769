// span/map.h -- how the page map grows; for span/ only.
// SPDX-License-Identifier: MIT
#ifndef MID_SPAN_MAP_H
#define MID_SPAN_MAP_H

#include "span/span.h"

// Open the first window.  returns the address that the first memory should be mapped at, 0: none.
uintptr_t mid_map_start(void);

// Make records for [base, base + bytes), multiples of a slice.  false when the system refuses.
bool mid_map_add(uintptr_t base, size_t bytes);

#endif
