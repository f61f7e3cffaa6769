// trace/event.h -- what a trace consists of, for who writes and who reads one.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_EVENT_H
#define MID_TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum mid_trace_kind {
  MID_TRACE_MALLOC,
  MID_TRACE_CALLOC,
  MID_TRACE_ALIGNED,
  MID_TRACE_REALLOC,  // of no block, or of one that was never seen
  MID_TRACE_FREE,
  MID_TRACE_RESIZE,
  MID_TRACE_LOST_FREE,  // of a block that was never seen: it names none
  MID_TRACE_EXIT,       // of the process, by exec too: its blocks are gone
};

static inline bool mid_trace_is_birth(enum mid_trace_kind kind) {
  return kind <= MID_TRACE_REALLOC;
}

static inline bool mid_trace_has_bytes(enum mid_trace_kind kind) {
  return kind <= MID_TRACE_REALLOC || kind == MID_TRACE_RESIZE;
}
static inline bool mid_trace_has_block(enum mid_trace_kind kind) {
  return kind < MID_TRACE_LOST_FREE;
}

// A block's name: the thread that allocated it, and how many that thread had allocated before.
struct mid_trace_block {
  uint32_t thread;
  uint64_t number;
};

struct mid_trace_event {
  uint64_t tick;     // units of 100 ns since the trace began
  uint64_t bytes;    // asked for, of births and resizes
  uint32_t process;  // by number in this trace
  uint32_t thread;   // by number in its process; 0: threads that were ending
  uint32_t stack;    // who called: a row of the stack table, 0: not known
  uint8_t kind;      // enum mid_trace_kind
  uint8_t align;     // as a power of two; of births
  bool unseen;       // nobody saw this free: its place was handed out again
  bool passed;       // another thread had the block last: this one comes after its
                     // birth and after `resizes` of it
  struct mid_trace_block block;
  uint64_t resizes;  // where `passed`
};

// A module's build-id: what its linker called it.
struct mid_trace_id {
  uint8_t bytes;  // 0: not known
  unsigned char at[32];
};

enum { MID_TRACE_TICKS_A_SECOND = 10 * 1000 * 1000 };

#endif
