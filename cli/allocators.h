// cli/allocators.h -- the allocators that a replay knows by name, and the list that a user gives.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_ALLOCATORS_H
#define MID_CLI_ALLOCATORS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct cli_allocator {
  char name[64];           // in the table
  char library[PATH_MAX];  // for LD_PRELOAD; "": none
  char options[512];       // for MIDDEN_OPTIONS
  const char *policy;      // of region/; NULL: it is a malloc
  bool has_region;         // the policy places blocks in one region
};

// What `list` names, with commas between; without one all that there is here, or all that has a
// region.  What is unknown, is not installed, is no malloc, or has no region where one is asked for
// ends the command.  The array is the caller's to free.
struct cli_allocator *cli_allocators_read(const char *list, bool with_region, size_t *count);

#endif
