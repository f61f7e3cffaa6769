// walk/reach.h -- what points at the blocks of a target, and what can be reached.
// SPDX-License-Identifier: MIT
//
// Every aligned word of a live block or of a root is taken for a pointer where it could be one:
//
//   | block |       to its start               holds it
//   | block |       inside, where starts are   holds it: see below
//     |---^         inside                     may hold it: a weak edge
//   | block ||      just behind its end        does not
//   tag + pointer   in the top 16 bits         may hold it
//   begin, end      of a vector: the block that starts where it ends may be held
//
// Places inside that are as good as starts: behind the length of a C++ array, of a string of old
// libstdc++, of SQLite's blocks and of glibc's tables of thread-local storage; behind CPython's
// link of collected objects; a second base class.  And any place by which nearly all blocks of a
// site, or of a size class, are held, and in no other way: programs hand such pointers out.
//
// A node is a block, or behind those a root.  Edges of a node stand together, in the order of its
// words:
//
//   first:   | 0 | 3 | 3 | 4 |      node 0 has edges 0 to 2, node 1 has none, node 2 edge 3
//   target:  | 7 | 2 weak | 9 | 0 |
#ifndef MID_WALK_REACH_H
#define MID_WALK_REACH_H

#include "observe/profile.h"
#include "walk/blocks.h"
#include "walk/roots.h"
#include "walk/target.h"

#define MID_REACH_WEAK ((uint32_t)1 << 31)  // in `target`

// An edge to the inside of a block.
struct mid_reach_inside {
  uint64_t edge;
  uint32_t offset;
};

struct mid_reach {
  uint32_t blocks, roots;
  uint64_t *first;  // [blocks + roots + 1]
  uint32_t *target;
  uint64_t edges, edges_room;
  uint64_t *at;  // addresses of the roots' words, from first[blocks] on; 0: not in memory
  uint64_t at_room;
  struct mid_reach_inside *inside;  // by edge
  uint64_t insides, insides_room;
  const uint64_t *kept;  // blocks->kept
};

// Read every edge.  `profile` may be NULL.  NULL, or a sentence that says what is too much.
// cost  reads the live heap and the roots once; about 16 bytes a block and 4 an edge
// source  H. Boehm, M. Weiser, "Garbage Collection in an Uncooperative Environment", Softw. Pract.
//         Exper. 18(9), 1988; the places inside: J. Seward et al., Valgrind's memcheck
const char *mid_reach_read(const struct mid_target *target, const struct mid_blocks *blocks,
                           const struct mid_roots *roots, const struct mid_profile *profile,
                           struct mid_reach *out);
void mid_reach_close(struct mid_reach *reach);

// A bit for each block.
struct mid_reach_marks {
  uint64_t *held;      // reached from roots by edges that hold
  uint64_t *possible;  // only by weak ones, or from weak roots
  uint64_t *left;      // of these: by edges that hold, from weak roots
};
// What is kept counts as held.
struct mid_reach_marks mid_reach_mark(const struct mid_reach *reach, const struct mid_roots *roots);
void mid_reach_marks_close(struct mid_reach_marks *marks);

static inline bool mid_reach_bit(const uint64_t *bits, uint32_t block) {
  return (bits[block / 64] >> block % 64) & 1;
}

// Order the blocks that no mark has: call `visit` for each once, with the one that leads it.
// Leaders are such that no other lost block leads to them but through a cycle, of which one block
// is the leader; what several lead to is with the first.
// cost  linear
void mid_reach_lost(const struct mid_reach *reach, const struct mid_blocks *blocks,
                    const struct mid_reach_marks *marks,
                    void (*visit)(void *self, uint32_t block, uint32_t leader), void *self);

#endif
