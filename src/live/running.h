// live/running.h -- this user's processes that run on Midden.
// SPDX-License-Identifier: MIT
#ifndef MID_LIVE_RUNNING_H
#define MID_LIVE_RUNNING_H

#include "observe/proc.h"
#include "observe/reader.h"

struct mid_running_row {
  pid_t pid;
  struct mid_proc_memory memory;
  uint64_t live, threads;  // live: usable bytes of live blocks
  double age;              // seconds
  char command[256];
};

struct mid_running {
  struct mid_running_row *row;  // sorted by pid
  size_t count;
  struct mid_feed_room room;
};

// All zero at first; read anew each time.
void mid_running_read(struct mid_running *r);
void mid_running_close(struct mid_running *r);

#endif
