// observe/maps.h -- what a process has mapped, and how much of it no file has.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_MAPS_H
#define MID_OBSERVE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mid_mapping {
  uint64_t low, high;
  uint64_t bytes;  // resident, and of no file: anonymous, or a private copy of a file's page
  char access[5];  // as in /proc/PID/maps: "rw-p"
  bool guarded;    // a page without access lies just below, as below the stacks of threads
  char name[64];   // its path, or the end of that; "[heap]", "[stack]"; "": none
};

struct mid_maps {
  struct mid_mapping *map;  // by address; of those that have such bytes
  size_t count;
};

// false: it is gone, or another user's.  The kernel walks all of the process's pages for it.
bool mid_maps_read(pid_t pid, struct mid_maps *out);
void mid_maps_close(struct mid_maps *maps);

// Looks at times that double: of what is watched for T seconds so far `before` is from between a
// quarter and a half of them, so that what grew since grew in at least half of the time.
struct mid_maps_looks {
  struct mid_maps before, last;
  double before_at, last_at;  // seconds of the watch
  double first, next;
};
// A look, `now`, and when the next one is due.
void mid_maps_look(struct mid_maps_looks *looks, pid_t pid, double now);

#endif
