// span/bound.h -- how much dirty memory may stay; for span/ only, under the span lock.
// SPDX-License-Identifier: MIT
//
// An idle program calls nothing, so no timer can give memory back: the bound holds after every
// free.
//
//   bound = max(floor, dirty_share of used, lift)
//   lift  = min(boost, 5/4 of the recent peak of used - used, 16 used) / 2^calm
//
// The boost is what a heap that breathes earns: pages that were given back and are touched again
// raise it by twice as much, and work done (bytes of spans taken) lets it fall again, as it lets
// the recent peak fall towards what is used now.  What it lets stay goes as the last blocks go.
//
// Calm: who frees and takes again breathes; who frees, and frees again, is about to rest.  Each
// free after the first adds one (a small one less), and taking wears it off.
#ifndef MID_SPAN_BOUND_H
#define MID_SPAN_BOUND_H

#include <stddef.h>
#include <stdint.h>

size_t mid_bound_now(size_t used);

// What may stay beside a heap that grows: reuse comes before growth.
size_t mid_bound_room(size_t used);

// `taken` bytes of spans went to work, of which `retouched` had been given back before.
void mid_bound_work(size_t taken, size_t retouched, size_t used);

void mid_bound_used(size_t used);

// `given` bytes of spans came back.
void mid_bound_rest(size_t given);

// The recent peak of use.
size_t mid_bound_peak(void);

// malloc_trim: start anew.
void mid_bound_reset(void);

#endif
