// observe/cgroup.h -- the memory cgroup of a process, v1 or v2, and whom its limit killed.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_CGROUP_H
#define MID_OBSERVE_CGROUP_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

// All zero: it was not found yet, and nothing is known.
struct mid_cgroup {
  char inner[PATH_MAX];    // as /proc/PID/cgroup has it
  char path[PATH_MAX];     // its folder
  char limited[PATH_MAX];  // the folder, itself or above, with the least limit
  uint64_t limit;          // bytes; 0: none, or not known
  uint64_t kills;          // processes in it that the kernel killed for memory before
};

// Fill *group, or renew it when the process has been moved to another.
void mid_cgroup_follow(pid_t pid, struct mid_cgroup *group);

// Kills since *group was filled; 0 when it never was.
uint64_t mid_cgroup_new_kills(const struct mid_cgroup *group);

// Bytes that the kernel counts against *group's limit and cannot take back at once: without pages
// of files that were not used for long.  0: it does not tell.
uint64_t mid_cgroup_used(const struct mid_cgroup *group);

#endif
