// trace/plan.h -- make the plan of a replay (replay/plan.h) from one process of a trace.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_PLAN_H
#define MID_TRACE_PLAN_H

#include "replay/plan.h"
#include "trace/reader.h"

struct mid_planned {
  int fd;  // the file, in memory
  const struct mid_plan *plan;
  uint32_t process;
  uint64_t all_events;  // of the trace
  uint64_t births;
  uint64_t no_birth;   // frees and resizes of blocks whose birth is not in the trace
  uint64_t no_death;   // blocks that live at the end
  uint64_t live_peak;  // bytes
  uint64_t lost;
};

// The process with most events; 0: there is none.
uint32_t mid_plan_busiest(struct mid_trace *t);

// Plan `process`, by its number in the trace.  NULL, or a sentence that says why not.
const char *mid_plan_make(struct mid_trace *t, uint32_t process, struct mid_planned *out);
void mid_plan_close(struct mid_planned *planned);

#endif
