// heap/sample_budget.h -- how dense samples are: as dense as their cost allows.
// SPDX-License-Identifier: MIT
#ifndef MID_HEAP_SAMPLE_BUDGET_H
#define MID_HEAP_SAMPLE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// log2 of the mean distance in bytes; 0: every allocation is a sample.
enum { MID_SAMPLE_OFF = 62 };
extern _Atomic uint32_t mid_sample_log;  // x: relaxed
static inline uint32_t mid_sample_log_now(void) {
  return atomic_load_explicit(&mid_sample_log, memory_order_relaxed);
}

// The rest: whoever holds the lock of the samples.

// From the mean 1 on, up to `wanted`; a child that was forked goes on with its parent's mean.
void mid_sample_budget_start(uint64_t wanted);
void mid_sample_budget_forked(void);

// A sample of now, or one of long ago that was freed, cost so many ticks; `live` of the table's
// `most` are taken.  Changes the mean now and then.
// returns  whether the table is too full: held samples are to be thinned out to the new mean
bool mid_sample_budget_spend(uint64_t ticks, bool now, uint64_t live, uint64_t most);
uint64_t mid_sample_budget_spent(void);  // ticks, so far
// The same moment, that of the last look, by mid_os_ticks and CLOCK_MONOTONIC.
void mid_sample_budget_clock(uint64_t *ticks, uint64_t *ns);

#endif
