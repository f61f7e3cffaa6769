// walk/stacks.h -- the stacks of a target's threads: where they end, and how far they were used.
// SPDX-License-Identifier: MIT
//
//   lower addresses                                                    higher
//   | guard | never touched | touched, left again | sp  frames in use | high
//           low             touched                                     (main: arguments)
//
// The first thread's stack grows by itself, down to `high - limit`; the others are mapped whole.
#ifndef MID_WALK_STACKS_H
#define MID_WALK_STACKS_H

#include "walk/target.h"

struct mid_stack {
  uint64_t low, high;  // what can be used
  uint64_t touched;    // the lowest page that was ever used
  uint64_t limit;      // bytes: high - low, or of the first thread RLIMIT_STACK; 0: none
  bool first;          // of the first thread
};

// The stack that the thread is on.  false: its stack pointer lies in no memory.
bool mid_stack_of(const struct mid_target *t, const struct mid_target_thread *thread,
                  struct mid_stack *out);

#endif
