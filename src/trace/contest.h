// trace/contest.h -- a workload under several allocators: the rows, who is best, and all of it for
// a person, a program, or as a picture.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_CONTEST_H
#define MID_TRACE_CONTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "observe/report.h"
#include "trace/plan.h"

enum { MID_CONTEST_ROUNDS_MOST = 99 };

struct mid_row {
  char name[64];
  bool policy;        // of region/: no malloc, and without threads
  char failure[200];  // how it ended early; "": it did not
  uint64_t failed;    // the operation with which it ended, or the first that was refused; from 1 on
  uint64_t failures;  // operations that were refused in a region of a fixed size
  double seconds;     // in the allocator
  uint64_t peak_rss, mean_rss, extent;  // bytes; of the heap
  double external, internal;            // shares of what is held, and of what blocks have
  bool knows_internal;
};

struct mid_contest {
  const char *trace, *command;  // the file, the program
  const struct mid_planned *planned;
  uint32_t processes;
  unsigned rounds;
  struct mid_row *row;
  size_t rows;
  // mid_contest_judge: places of rows, -1 where none finished.
  int best_time, best_memory, knee;
  char advice[400];
};

// Sort the rows, the fastest first and those that failed last, and find the best.
//
// The knee is the row nearest to being best at both: of the rows, the one with the least
// (time / best time) * (peak memory / best peak memory).  In a trace of several threads only those
// are judged that any thread may call.
void mid_contest_judge(struct mid_contest *c);

void mid_contest_text(const struct mid_contest *c, const struct mid_report_style *style, FILE *out);
void mid_contest_svg(const struct mid_contest *c, FILE *out);
// false when there was no memory for it or `out` could not be written.
bool mid_contest_json(const struct mid_contest *c, FILE *out);

#endif
