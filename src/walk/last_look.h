// walk/last_look.h -- what a process left, seen at the moment before its memory goes.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_LAST_LOOK_H
#define MID_WALK_LAST_LOOK_H

#include "observe/evidence.h"
#include "walk/crash.h"
#include "walk/tracer.h"

struct mid_last_look {
  struct mid_last_facts facts;
  struct mid_lost *lost;        // what `facts` points at
  struct mid_deep_stack *deep;  // likewise
  struct mid_crash_story story;
  bool taken;
  struct mid_filled_span *span;
  struct mid_waiting *waiting;
  struct mid_mapped mapped;
  struct mid_content *content;
  struct mid_holder *holder;  // likewise
  char missed[256];           // why it could not be looked at; "": it was
};

// How many of its places an owner holds, and in `*out`, to be freed, by which way
// (graph/holders.h).
typedef size_t mid_last_look_holders(const struct mid_target *target, struct mid_symbols *symbols,
                                     struct mid_holder **out);

// Look at a process, and set p->last_look and p->facts.  `end` NULL: it waits for that, and each of
// its threads can be stopped; else it is held by the calling thread.
// symbols  of the calling thread, kept open: opening one takes longer than most walks
// holders  asked who holds what, where the heap is not too large for that; NULL: nobody
// cost     the process stands still for a walk of its whole heap
void mid_last_look_take(struct mid_process *p, const struct mid_tracer_end *end,
                        struct mid_symbols *symbols, mid_last_look_holders *holders);
// The same of a process that goes on: its facts are those of a copy of its memory, and lost is what
// was so at a second look too (walk/lost.h).  It stands still for the copying alone.
void mid_last_look_running(struct mid_process *p, struct mid_symbols *symbols,
                           mid_last_look_holders *holders);
// It is not looked at, for this reason.
void mid_last_look_skip(struct mid_process *p, const char *why);
void mid_last_look_close(struct mid_process *p);

#endif
