// trace/summary.h -- what a trace says as a whole: sums, histograms, live bytes over time, sites.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_SUMMARY_H
#define MID_TRACE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/reader.h"
#include "trace/table.h"

enum {
  MID_SUMMARY_SIZES = 49,  // [0]: no bytes; [k]: 2^(k-1) to 2^k - 1
  MID_SUMMARY_LIVES = 13,  // [0]: under a microsecond, [k]: under 10^k of them; the last: for ever
  MID_SUMMARY_POINTS = 1024,
};

struct mid_summary_bin {
  uint64_t blocks, bytes;
};

struct mid_summary_site {
  uint64_t births, bytes, live_blocks, live_bytes;
};

struct mid_summary {
  uint64_t events, births, frees, resizes, bytes;  // bytes: asked for, by births
  uint64_t passed;   // frees and resizes of what another thread had last
  uint64_t unseen;   // frees that nobody saw
  uint64_t unborn;   // frees of blocks whose birth nobody saw
  uint64_t lost;     // events
  uint64_t threads;  // that had events
  uint64_t ticks;    // when the last event was
  uint64_t live_blocks, live_bytes, peak_blocks, peak_bytes, peak_tick;
  uint64_t broken;  // events about blocks that do not live: the trace is wrong
  struct mid_summary_bin sizes[MID_SUMMARY_SIZES], lives[MID_SUMMARY_LIVES];
  // The most that was live in each `point_ticks` of the time; the last one is not over.
  uint64_t point[MID_SUMMARY_POINTS], point_ticks;
  size_t points;
  struct mid_summary_site *site;  // by row of the stack table, 0 for unknown
  uint32_t sites;

  struct mid_summary_process {
    struct mid_table blocks;   // that live, by name
    struct mid_table threads;  // that had events: numbers from 1 on
  } * process;
  uint32_t processes;
};

void mid_summary_open(struct mid_summary *s);
void mid_summary_close(struct mid_summary *s);

// Add the frame at hand of `t`.
void mid_summary_add(struct mid_summary *s, struct mid_trace *t);
// After the last one: blocks that live still count among the lifetimes.
void mid_summary_end(struct mid_summary *s);

// The `most` sites with most bytes, the first one first; their number.
size_t mid_summary_top(const struct mid_summary *s, uint32_t *row, size_t most);

#endif
