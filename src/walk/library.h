// walk/library.h -- the libmidden in a target: where its records begin, and what memory is its own.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_LIBRARY_H
#define MID_WALK_LIBRARY_H

#include "heap/anchor.h"
#include "walk/target.h"

struct mid_library {
  struct mid_anchor anchor;  // as in the target: its pointers are addresses there
  bool hardened;
  uint64_t data, data_end;  // its own data; 0 where it is part of the program
};

// NULL, or a sentence: the target is not on Midden, or on another build than this command.
const char *mid_library_find(const struct mid_target *target, struct mid_library *out);

// A word of the target; 0 when it cannot be read.
uint64_t mid_library_word(const struct mid_target *target, uint64_t address);

// A list in the target, followed record by record; one that goes in a circle ends.
struct mid_library_list {
  uint64_t at;  // the record; 0: the end
  uint64_t met, count;
};
void mid_library_step(struct mid_library_list *list, uint64_t next);

#endif
