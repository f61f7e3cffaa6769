// export/sums.h -- the sites of a run by their keys, each once.
// SPDX-License-Identifier: MIT
//
// Stacks that differ in lines alone, or those of two processes, may have one key
// (observe/profile.h).
#ifndef MID_EXPORT_SUMS_H
#define MID_EXPORT_SUMS_H

#include "export/kept.h"

struct mid_sum {
  uint64_t key;
  const struct mid_profile_site *site;  // the first that has it
  double live, live_bytes, allocated, allocated_bytes;
  double variance;  // of live_bytes, as it is an estimate
};

struct mid_sums {
  struct mid_sum *at;  // by key
  size_t count;
};

// Of `count` processes.
struct mid_sums mid_sums_make(const struct mid_kept_process *process, size_t count);
void mid_sums_close(struct mid_sums *s);

#endif
