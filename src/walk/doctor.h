// walk/doctor.h -- the invariants of a target's heap, checked from outside.
// SPDX-License-Identifier: MIT
//
// What span/runs.c, heap/broken.c and heap/hardened.h say of their structures, held against a
// target's.  A process that is stopped may be amid a change: what is broken then is whole a moment
// later, so a live one is looked at again before it is called broken.
#ifndef MID_WALK_DOCTOR_H
#define MID_WALK_DOCTOR_H

#include "walk/target.h"

enum mid_doctor_part {
  MID_DOCTOR_SPANS,  // of equal blocks: their records
  MID_DOCTOR_FREE,   // free blocks: lists, links, marks
  MID_DOCTOR_LARGE,  // large blocks
  MID_DOCTOR_RUNS,   // free runs of pages
  MID_DOCTOR_HEAPS,  // and their lists of spans
  MID_DOCTOR_PARTS
};

struct mid_doctor_fault {
  const char *what;  // a sentence without an end
  uint64_t address;  // of the block, record or heap
  enum mid_doctor_part part;
};

enum { MID_DOCTOR_FAULTS = 64 };
struct mid_doctor {
  uint64_t checked[MID_DOCTOR_PARTS], broken[MID_DOCTOR_PARTS];
  struct mid_doctor_fault fault[MID_DOCTOR_FAULTS];  // the first of them
  size_t faults;
};

// Look the heap of `target` over.  NULL, or a sentence: it cannot be looked at.
const char *mid_doctor_look(const struct mid_target *target, struct mid_doctor *out);

// Leave of `d` what `again`, a later look at the same process, found as well.
void mid_doctor_agree(struct mid_doctor *d, const struct mid_doctor *again);

static inline bool mid_doctor_is_sound(const struct mid_doctor *d) { return d->faults == 0; }

#endif
