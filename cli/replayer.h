// cli/replayer.h -- run midden-replay once: one plan under one allocator, within limits.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_REPLAYER_H
#define MID_CLI_REPLAYER_H

#include "trace/plan.h"

struct cli_replayer {
  // asked
  const struct mid_planned *planned;  // NULL: only tell where malloc is
  const char *library;                // what LD_PRELOAD shall say; "": nothing
  const char *options;                // what MIDDEN_OPTIONS shall say
  const char *allocator;              // as errand->allocator
  uint32_t flags;
  uint64_t region, most;  // bytes
  double seconds;         // of processor time, at most

  // answered
  struct mid_errand *errand;  // until cli_replayer_close; NULL: it could not be run
  uint64_t done;              // operations
  double took;                // processor time, in seconds
  char failure[200];          // "": it came to its end
};

void cli_replayer_run(struct cli_replayer *r);
void cli_replayer_close(struct cli_replayer *r);

#endif
