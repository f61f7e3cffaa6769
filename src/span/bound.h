// span/bound.h -- how much dirty memory may stay; for span/ only, under the span lock.
// SPDX-License-Identifier: MIT
//
// An idle program calls nothing, so no timer can give memory back: the bound holds after every
// free.
//
//   bound = max(floor, dirty_share of used, boost)       boost <= a quarter of the recent peak
//
// The boost is what a heap that breathes earns: pages that were given back and are touched again
// raise it by as much, and work done (bytes of spans taken) lets it fall again, as it lets the
// recent peak fall towards what is used now.
#ifndef MID_SPAN_BOUND_H
#define MID_SPAN_BOUND_H

#include <stddef.h>
#include <stdint.h>

size_t mid_bound_now(size_t used);

// `taken` bytes of spans went to work, of which `retouched` had been given back before.
void mid_bound_work(size_t taken, size_t retouched, size_t used);

// malloc_trim: start anew.
void mid_bound_reset(void);

#endif
