// span/runs.h -- the free runs, dirty and clean, by length; for span/ only, under the span lock.
// SPDX-License-Identifier: MIT
//
// Two sets of lists: runs with resident pages (dirty) and runs without (clean, read as zero).  Runs
// of one kind that touch are one run; a dirty and a clean one stay apart, so that what is resident
// is known.  A list holds the lengths of one size class: 1, 2, ... 16 slices, then four a doubling.
//
//   head record: state DIRTY or CLEAN, slices, bytes resident, asked = bytes that were purged,
//                next/prev in its list
//   tail record: state TAIL, distance back to the head
#ifndef MID_SPAN_RUNS_H
#define MID_SPAN_RUNS_H

#include "span/span.h"

// Put the run of span->slices slices at `span` among the free ones, joined to its neighbours.
// What is resident the slices say (none: clean), span->asked what was purged of it.
// returns the head of the joined run
struct mid_span *mid_runs_put(struct mid_span *span);

// Take a free run of exactly `slices`, its base a multiple of `align` bytes, dirty before clean;
// what is over is put back.  The run keeps `bytes`, `asked`, `moved`.  NULL when none fits.
struct mid_span *mid_runs_take(size_t slices, size_t align);

// Take `slices` from the front of the free run `head`, putting the rest back.
struct mid_span *mid_runs_cut(struct mid_span *head, size_t slices);

// The free run that starts at `span`, or NULL.
struct mid_span *mid_runs_at(struct mid_span *span);

// A dirty run worth purging: of the longest ones.  NULL when none is dirty.  Not taken out.
struct mid_span *mid_runs_longest_dirty(void);

size_t mid_runs_count(void);
size_t mid_runs_dirty_bytes(void);
const char *mid_runs_broken(void);

#endif
