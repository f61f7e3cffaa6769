// gc/told.h -- the collected heaps of a process, summed up in its feed.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_TOLD_H
#define MID_GC_TOLD_H

#include "gc/gc.h"

// What a heap has in the sums of its process.
struct mid_gc_shares {
  uint64_t used, live, live_objects, committed;
};

// returns the heap's number in the process, from 1
uint64_t mid_gc_shares_open(void);
// threads  with the world stopped: so are others that would collect
void mid_gc_shares_tell(struct mid_gc_shares *s, const midden_gc *gc,
                        const midden_gc_collection *c);
void mid_gc_shares_close(struct mid_gc_shares *s);

#endif
