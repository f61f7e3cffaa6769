// replay/calls.h -- the allocator that a replay calls: the process's malloc, a policy, or none.
// SPDX-License-Identifier: MIT
#ifndef MID_REPLAY_CALLS_H
#define MID_REPLAY_CALLS_H

#include "midden/allocator.h"
#include "replay/plan.h"

struct mid_calls {
  void *(*alloc)(void *self, size_t bytes);
  void *(*zeroed)(void *self, size_t bytes);
  void *(*aligned)(void *self, size_t bytes, size_t align);
  void *(*resize)(void *self, void *p, size_t old_bytes, size_t bytes);
  void (*free)(void *self, void *p, size_t bytes);
  size_t (*usable)(void *p);          // NULL: not known, or `stats` tells
  midden_stats (*stats)(void *self);  // NULL: not known
  void *self;
  char *region;  // where offsets are counted from; NULL: there is no region
  size_t reach;  // a mask: how far from a block's start it may be written to
};

// What errand->allocator names; false when it cannot be had, for want of memory or of such a name.
bool mid_calls_open(const struct mid_errand *errand, struct mid_calls *out);

// What a policy's heap takes from outside of its region.
bool mid_policy_open(const struct mid_errand *errand, struct mid_calls *out);

#endif
