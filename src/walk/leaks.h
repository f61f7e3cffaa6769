// walk/leaks.h -- blocks that nothing points to any more, by who allocated them.
// SPDX-License-Identifier: MIT
//
//   direct     nothing leads to it; of a cycle one block
//   indirect   only a direct one does: freeing that one as it should be frees both
//   possible   something may: a pointer to its inside, a tagged one, one that is left over
//
// Blocks are counted, never estimated.  Which site a block is of is known where the block was
// sampled.  Others are given to the sites of sampled blocks that are lost and look alike (of one
// size class, and with the same table of functions or the like in the first word), in proportion to
// how many each of those stands for; where there are none they keep the name of their type, or of
// their size.
#ifndef MID_WALK_LEAKS_H
#define MID_WALK_LEAKS_H

#include "observe/finding.h"
#include "observe/profile.h"
#include "walk/blocks.h"
#include "walk/target.h"

enum mid_leak_kind { MID_LEAK_DIRECT, MID_LEAK_INDIRECT, MID_LEAK_POSSIBLE, MID_LEAK_KINDS };

enum mid_leak_naming {
  MID_LEAK_BY_STACK,       // of at least one of the direct blocks; of possible ones where all are
  MID_LEAK_BY_NEIGHBOURS,  // the stacks of blocks that look alike
  MID_LEAK_BY_TYPE,        // the C++ class whose objects they are
  MID_LEAK_BY_SIZE,
};
const char *mid_leak_naming_words(enum mid_leak_naming naming);  // "stack", "neighbours" ...

enum { MID_LEAK_EXAMPLES = 4 };

struct mid_leak_group {
  const struct mid_profile_site *site;  // NULL: not known
  char *name;                           // of the function to blame, the type or the size
  enum mid_leak_naming naming;
  uint64_t blocks[MID_LEAK_KINDS], bytes[MID_LEAK_KINDS];  // usable ones
  uint64_t sampled[MID_LEAK_KINDS];
  uint64_t left;                        // of the possible ones: only weak roots hold them
  uint64_t example[MID_LEAK_EXAMPLES];  // the lowest addresses; of direct ones where there are any
  size_t examples;
  double youngest;  // seconds since the youngest sampled block was allocated; -1: not known
  enum mid_confidence confidence;
  const char *why;  // it is no surer, or what makes it certain
  uint32_t number;  // private
};

struct mid_leak_block {
  uint64_t address, bytes;
  uint32_t group;
  uint8_t kind;  // enum mid_leak_kind
  bool sampled, left;
  float age;  // seconds; sampled ones
};

struct mid_leaks {
  struct mid_leak_group *group;  // worst first: by bytes direct and indirect, then possible
  size_t groups;
  uint64_t blocks[MID_LEAK_KINDS], bytes[MID_LEAK_KINDS];
  uint64_t live_blocks, live_bytes;  // of the heap, all
  const char *doubt;                 // NULL, or why a pointer may have been missed
  struct mid_leak_block *block;      // private; a leader stands before those it leads
  size_t count, room;
  struct mid_symbols *symbols;  // that the profile's names are of
  bool own_symbols;             // which are closed with it
};

// Find what is lost.  Sites of groups are named afterwards; the profile is kept open meanwhile.
// symbols  to name with, kept open by the caller; NULL: ones of its own
// returns NULL, or a sentence; then *out is empty
// cost    linear: reads the live heap and the roots once; about 100 bytes a block
const char *mid_leaks_find(const struct mid_target *target, const struct mid_blocks *blocks,
                           struct mid_profile *profile, struct mid_symbols *symbols,
                           struct mid_leaks *out);
void mid_leaks_close(struct mid_leaks *leaks);

// Of a program that runs: keep in `now` what was lost at an earlier look too.  So what was between
// two hands at one of them is not called lost, nor is what was allocated since.
void mid_leaks_keep(struct mid_leaks *now, const struct mid_leaks *before);

#endif
