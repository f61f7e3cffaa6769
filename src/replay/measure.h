// replay/measure.h -- what a replay holds, taken now and then: resident memory, and the pages that
// blocks have lain in.
// SPDX-License-Identifier: MIT
#ifndef MID_REPLAY_MEASURE_H
#define MID_REPLAY_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Memory of the replayer itself, outside of every heap: zero, and backed already.  NULL when there
// is none.  Not from two threads at once.
void *mid_own_memory(size_t bytes);
uint64_t mid_own_bytes(void);

// Anonymous resident memory of this process, now or at most so far, less the replayer's own.
uint64_t mid_measure_rss(void);
uint64_t mid_measure_peak_rss(void);

// The set of pages that blocks have lain in.  Not from two threads at once.
bool mid_pages_open(void);
void mid_pages_add(const void *block, size_t bytes);
uint64_t mid_pages_bytes(void);

#endif
