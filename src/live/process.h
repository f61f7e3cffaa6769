// live/process.h -- one process that runs, on Midden or not, looked at again and again.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_PROCESS_H
#define MID_LIVE_PROCESS_H

#include "observe/cgroup.h"
#include "observe/figures.h"
#include "observe/proc.h"
#include "observe/reader.h"

// Times are seconds of CLOCK_MONOTONIC, sizes bytes.  What is of the last look while it lived
// stays.
struct mid_live {
  pid_t pid;
  uint64_t start_ticks;
  char command[256];
  bool lives;
  double looked, ended;
  uint64_t threads;
  double cpu_share;  // of a processor, since the look before
  struct mid_proc_memory memory;

  bool has_feed;
  bool is_anew;  // since the look before it became another program, by exec
  struct mid_feed_image image;
  uint64_t live;        // usable bytes of live blocks
  double live_rate;     // allocations a second
  double free_share;    // of what the heap holds, in hundredths
  uint64_t requests;    // that the program said were over (midden/request.h)
  double request_rate;  // a second
  struct mid_request_figures request;

  uint64_t limit;        // that its memory may not pass: its cgroup's, its heap's or the machine's
  const char *limit_of;  // "cgroup", "heap limit" or "machine"
  struct mid_cgroup cgroup;

  // For the next look.
  struct mid_feed_room room;
  double rate_at, cpu_seconds;
  uint64_t rate_count, rate_requests;
};

double mid_live_seconds(void);  // CLOCK_MONOTONIC

// false: there is no such process, or it has ended.
bool mid_live_open(struct mid_live *p, pid_t pid);
void mid_live_close(struct mid_live *p);

// Look at it now; what it was stays once it has ended.
void mid_live_look(struct mid_live *p);

#endif
