// observe/stacks.h -- threads that come near the end of their stack, seen while they run.
// SPDX-License-Identifier: MIT
//
// A thread that ends gives the pages of its stack back, so that nothing tells later how deep it
// was.
//
//   lower addresses                                            higher
//   | guard | never touched | touched ...                      | thread's record | high
//           low             used = high - this                  of the C library
#ifndef MID_OBSERVE_STACKS_H
#define MID_OBSERVE_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mid_near_stack {
  uint64_t high;         // its end
  uint64_t used, limit;  // bytes; the most that was seen
  pid_t tid;
  char name[16];  // of the thread
  bool first;     // of the process: its limit is RLIMIT_STACK
};

enum { MID_NEAR_STACKS = 16 };
struct mid_near_stacks {
  struct mid_near_stack stack[MID_NEAR_STACKS];
  size_t count;  // later ones are left out
};

// Add those of process `pid` that are used to MID_STACK_NEAR or more just now.  Of threads other
// than the first, stacks that glibc made, with a guard; one that is touched up to its guard is left
// out, since huge pages and mlockall do that.
// cost  a line of /proc/PID/maps for each mapping, and the page map of a fifth of each stack
void mid_stacks_look(pid_t pid, struct mid_near_stacks *near);

// As the program called it, or the kernel.
void mid_stacks_name(pid_t pid, pid_t tid, char *room, size_t bytes);

#endif
