// heap/last_look.h -- a process that ends waits until its observer has looked at its memory.
// SPDX-License-Identifier: MIT
//
// The protocol is in feed/bell.h.  Only where the option last_look asks for it; otherwise, and
// where there is no feed or nobody who hears the bell, both calls do nothing.
#ifndef MID_HEAP_LAST_LOOK_H
#define MID_HEAP_LAST_LOOK_H

// Map the bell of the run, once; a forked child keeps it.  As the feed opens.
void mid_last_look_open(void);

// Wait for the look.  At the end of exit, of quick_exit and of _exit.
// threads  any, more than one at once, also from a signal handler amid malloc: takes no lock and
//          allocates nothing.  A child that made no feed since it was forked does not wait: what is
//          in its memory is its parent's
// cost     two switches between processes and the look; 10 s where an observer that lives does not
//          begin to look; 50 ms after the death of one
void mid_last_look_ask(void);

#endif
