// observe/bell.h -- the observer's side of a run's bell (feed/bell.h).
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_BELL_H
#define MID_OBSERVE_BELL_H

#include <stdbool.h>
#include <stdint.h>

struct mid_bell_hung {
  struct mid_bell *bell;
  uint64_t run;
  uint32_t heard;  // what has been heard of `rung`
};

// Hang the bell of a run; the calling thread is its observer until it closes it or ends.  Where no
// folder takes the file, the bell is one that processes do not find.  A command has one at a time.
void mid_bell_open(struct mid_bell_hung *b, uint64_t run);
void mid_bell_close(struct mid_bell_hung *b);

// Wait until it rings, or has since the last call, at most so many seconds.
// threads  one waits, any may ring
void mid_bell_wait(struct mid_bell_hung *b, double seconds);
void mid_bell_ring(struct mid_bell_hung *b);

#endif
