// feed/bell.h -- the bell: how a process that ends lets its observer look at it first.
// SPDX-License-Identifier: MIT
//
// The bell is a file of the run, RUN.bell, beside the feeds.  Who observes the run makes it and
// waits for it to ring; a process of the run maps it as its feed opens (heap/last_look.h), so that
// neither a changed root nor closed descriptors come between.
//
//   process                                   observer
//   feed.last_look: NONE -> WAITS
//   bell.rung + 1, wake            ------->   reads the feeds of the run, finds WAITS
//   waits for feed.last_look                  feed.last_look: WAITS -> LOOKS
//                                             looks at its memory
//   goes on                        <-------   feed.last_look: LOOKS -> DONE, wake
//
// bell.observer is the kernel's number of the thread that waits, as in a robust futex: the kernel
// itself takes the number out when that thread dies, however it does, so nobody waits for the dead.
#ifndef MID_FEED_BELL_H
#define MID_FEED_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MID_BELL_MAGIC 0x4c4c45424444494du  // "MIDDBELL"
#define MID_BELL_OBSERVER 0x3fffffffu       // FUTEX_TID_MASK

enum mid_last_look_state { MID_LAST_NONE, MID_LAST_WAITS, MID_LAST_LOOKS, MID_LAST_DONE };

struct mid_bell {
  uint64_t magic, run;
  _Atomic uint32_t observer;  // 0: nobody any more; by the observer, and by the kernel at its death
  _Atomic uint32_t rung;      // x: how often; a futex
};

static inline bool mid_bell_is_heard(const struct mid_bell *bell) {
  return (atomic_load_explicit(&bell->observer, memory_order_relaxed) & MID_BELL_OBSERVER) != 0;
}

#endif
