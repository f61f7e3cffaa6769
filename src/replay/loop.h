// replay/loop.h -- a thread's operations, one after the other, on the allocator.
// SPDX-License-Identifier: MIT
#ifndef MID_REPLAY_LOOP_H
#define MID_REPLAY_LOOP_H

#include <pthread.h>

#include "replay/calls.h"
#include "replay/plan.h"

struct mid_slot {
  char *p;         // NULL: no block, or one that was refused
  uint64_t asked;  // bytes
  uint64_t usable;
  _Atomic uint32_t xversion;  // its thread writes last, and releases what was done to the block
};

struct mid_replay {
  const struct mid_plan *plan;
  struct mid_errand *errand;
  struct mid_calls calls;
  struct mid_slot *slot;
  uint64_t every;        // operations of a lane from sample to sample
  pthread_mutex_t lock;  // around samples, and the set of pages
};

// What runs at once with others: by the lane's thread alone, but for samples.
struct mid_lane {
  struct mid_replay *replay;
  uint32_t number;
  uint64_t done;  // of its operations
  uint64_t until_sample;
  _Atomic int64_t xlive, xused;  // bytes of births less those of deaths here; others read
};

// Do `count` operations from `op` on.
void mid_loop_run(struct mid_lane *lane, const struct mid_plan_op *op, uint64_t count);

// The lanes, for samples.
extern struct mid_lane *mid_lanes;

#endif
