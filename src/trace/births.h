// trace/births.h -- from calls that name blocks by their addresses to a trace that names them by
// their births.
// SPDX-License-Identifier: MIT
//
// Calls come in an order that has causes before effects.  An address that is given out while its
// block lives lost its free on the way: the births add that.  Where a block comes from another
// thread, its event gets a tick after that thread's last one about it.
#ifndef MID_TRACE_BIRTHS_H
#define MID_TRACE_BIRTHS_H

#include "trace/table.h"
#include "trace/writer.h"

// The blocks of one process.
struct mid_births {
  struct mid_writer *writer;
  uint32_t process;         // its number there
  struct mid_table blocks;  // by address / 16
  struct mid_table sites;   // by address: of the stack table
};

// A block that is being resized.
struct mid_births_held {
  bool known;
  uint64_t address;
  struct mid_births_block {
    struct mid_trace_block name;
    uint64_t tick;     // of the last event about it
    uint32_t thread;   // whose that was
    uint32_t resizes;  // so far
    bool lives;        // false only in a place that was just made
  } block;
};

struct mid_births mid_births_open(struct mid_writer *writer, uint32_t process);
void mid_births_close(struct mid_births *l);

// In *event: tick, thread, stack, and for births kind, bytes, align.
void mid_births_birth(struct mid_births *l, struct mid_trace_event *event, uint64_t address);
void mid_births_free(struct mid_births *l, struct mid_trace_event *event, uint64_t address);
// A resize has two halves, between which the address is nobody's.  The second with address 0: it
// failed, and the block stays.
void mid_births_lift(struct mid_births *l, struct mid_births_held *held, uint64_t address);
void mid_births_resize(struct mid_births *l, struct mid_trace_event *event,
                       struct mid_births_held *held, uint64_t address);

#endif
