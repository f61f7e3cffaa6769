// trace/drain.h -- take the events of a recording out of the rings of its processes, into a trace.
// SPDX-License-Identifier: MIT
//
//   ring 0 --+
//   ring 1 --+--> look: copies what is there ----> a thread of ours: merges, names, packs, writes
//   ring 2 --+    (quick, so that none fills)
//
// Why the merged order has causes before effects: a look first notes the time, then takes all that
// the rings have.  Of that, events up to the time noted are merged.  An event that was not in its
// ring by then has no effect yet that another ring could hold (see feed/ring.h).
#ifndef MID_TRACE_DRAIN_H
#define MID_TRACE_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/writer.h"

struct mid_drain;

struct mid_drain_figures {
  uint64_t events, lost, bytes;  // in the trace so far
  uint32_t processes;
  int error;  // the errno of a write that failed; 0: none
};

// The writer is the drain's until it is closed.
struct mid_drain *mid_drain_open(uint64_t recording, struct mid_writer *writer);
// Find new rings and take what is in all of them.  returns whether there was anything
bool mid_drain_look(struct mid_drain *d);
struct mid_drain_figures mid_drain_figures(const struct mid_drain *d);
// Take what is left and wait until all of it is in the writer.  Processes that live on lose what
// they record from here on.
struct mid_drain_figures mid_drain_close(struct mid_drain *d);

// Tell processes to record, or to stop: the process `pid`, or where that is 0 all that take part in
// `recording`.  returns how many were told
int mid_drain_ask(uint64_t recording, pid_t pid, bool on);
// Stop all that take part in `recording`, and remove rings that nobody will look at.
void mid_drain_discard(uint64_t recording);

#endif
