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
  char missed[256];  // why it could not be looked at; "": it was
};

// Look at a process, and set p->last_look and p->facts.  `end` NULL: it waits for that, and each of
// its threads can be stopped; else it is held by the calling thread.
// symbols  of the calling thread, kept open: opening one takes longer than most walks
// cost     the process stands still for a walk of its whole heap
void mid_last_look_take(struct mid_process *p, const struct mid_tracer_end *end,
                        struct mid_symbols *symbols);
// It is not looked at, for this reason.
void mid_last_look_skip(struct mid_process *p, const char *why);
void mid_last_look_close(struct mid_process *p);

#endif
