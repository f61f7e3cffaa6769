// gc/pauses.h -- how long collections stop a program: percentiles, and what is left to mutators.
// SPDX-License-Identifier: MIT
//
// A pause is counted in a bucket of a logarithmic scale, four to an octave, so percentiles are at
// most 25 % above the truth.  The mutator utilisation of a window of time is the share of it in
// which the program was not stopped.  Two figures of it are kept for each length of windows:
//
//   least        over all windows of that length, wherever they begin (minimum mutator utilisation)
//   percentiles  over those that begin at a multiple of the length
//
// The least one is found by looking only at windows that end where a pause ends: moving any other
// window there, or to where it leaves a pause at its start, can only take more pauses in.
//
// source  P. Cheng, G. Blelloch, "A Parallel, Real-Time Garbage Collector", PLDI 2001
#ifndef MID_GC_PAUSES_H
#define MID_GC_PAUSES_H

#include <stdint.h>

#include "feed/format.h"

enum {
  MID_PAUSES_RECENT = 4096,  // a power of two; those that a window of 1 s is expected to hold
  MID_PAUSES_SHARES = 101,   // utilisation in whole percent
};

struct mid_pauses_window {
  uint64_t tail;        // the first of `recent` that ends in the window whose end is the last one's
  uint64_t covered;     // ns: of all pauses from `tail` on
  uint64_t most;        // ns: that any window was stopped for
  uint64_t at, inside;  // the window that began last: its number; ns: stopped in it
  uint32_t share[MID_PAUSES_SHARES];  // windows by their utilisation
};

struct mid_pauses {
  uint64_t count, stopped, longest, end;  // ns, as all times here: since the heap was opened
  uint64_t bucket[MID_FEED_PAUSES];
  struct mid_pauses_window window[MID_FEED_WINDOWS];
  struct mid_pauses_recent {
    uint64_t from, to;
  } recent[MID_PAUSES_RECENT];  // pause n is at n % MID_PAUSES_RECENT
};

// Each pause begins where the one before it ended, or later.
void mid_pauses_add(struct mid_pauses *p, uint64_t from, uint64_t to);

// The pause that `millionths` of all do not exceed: ns.
uint64_t mid_pauses_percentile(const struct mid_pauses *p, uint64_t millionths);

// Of windows of mid_feed_window_ns(k): the least utilisation in millionths; and in percent the one
// that `millionths` of the windows do not exceed.  UINT64_MAX: the program did not run so long.
uint64_t mid_pauses_least(const struct mid_pauses *p, unsigned k, uint64_t now);
uint64_t mid_pauses_utilisation(const struct mid_pauses *p, unsigned k, uint64_t now,
                                uint64_t millionths);

#endif
