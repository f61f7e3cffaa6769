// walk/kernel_words.h -- words that the kernel keeps for a process.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_KERNEL_WORDS_H
#define MID_WALK_KERNEL_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "walk/target.h"

struct mid_kernel_words {
  uint64_t *word;  // the caller's, to free
  size_t count;
};

// What epoll gives back with an event, and timers with a signal.  Of a core file there are none.
// source  proc(5): /proc/PID/fdinfo, /proc/PID/timers
struct mid_kernel_words mid_kernel_words_read(const struct mid_target *target);

#endif
