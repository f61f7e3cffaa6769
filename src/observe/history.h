// observe/history.h -- how a process's memory came to be what it is: its profile, look after look.
// SPDX-License-Identifier: MIT
//
//   look      0    1    2   ...                     two clocks: seconds, and work done, which is
//   when    0.01 0.02 0.03                          the bytes that the process has allocated
//   work     1 M  2 M  2 M
//   site 7   10 k 20 k 20 k     live bytes by the samples
//
// When all places are taken each two looks become one, of the smaller figures, and from then on
// twice as many looks go into one place: what matters are the minima of windows.  So the memory is
// bounded, and the whole run is always there, as finely at its beginning as at its end.
#ifndef MID_OBSERVE_HISTORY_H
#define MID_OBSERVE_HISTORY_H

#include "observe/profile.h"

enum {
  MID_HISTORY_LOOKS = 256,
  MID_HISTORY_SITES = 4096,  // at most: later ones are not followed
  MID_HISTORY_BIRTHS = 16
};

enum mid_history_clock { MID_HISTORY_TIME, MID_HISTORY_WORK, MID_HISTORY_CLOCKS };

// Of the process as a whole, at one look.
struct mid_history_look {
  double when;              // seconds since the process began
  double work;              // bytes that it allocated so far
  double live, held, free;  // bytes: in live blocks; in spans; of these in free blocks
  double rss, outside;      // bytes: resident; of these neither the heap's nor a file's
  bool sampled;             // sites are as they were then; else as at the look before
};

struct mid_history_site {
  uint32_t stack;
  // At each look, weighted: live bytes and blocks, and the live samples these are made of.
  float *live, *blocks;
  uint32_t *samples;
  size_t room;  // looks that there is room for
  // When the samples that were live at the fullest look were born, in parts of the time up to it,
  // and of the work: how many of them, the blocks that they stand for, and the sums of the squares
  // of these.
  struct mid_history_birth {
    double samples, blocks, squares;
  } birth[MID_HISTORY_CLOCKS][MID_HISTORY_BIRTHS];
  double fullest, fullest_at;  // bytes, seconds
};

struct mid_history {
  struct mid_history_look look[MID_HISTORY_LOOKS];
  size_t looks;
  unsigned stride, last;  // looks that go into a place; that are in the last one
  struct mid_history_site **site;
  size_t sites;
  uint32_t *place;  // by the stack's number: 1 + its place in `site`
  size_t places;
  // The live samples of MID_DOUBLE_BLOCK and more, when they were most: a program that frees all
  // as it exits has none at its last look.  `site` is of a profile that is gone.
  struct mid_profile_sample *large;
  size_t larges;
  double large_bytes;
};

struct mid_history *mid_history_open(void);
void mid_history_close(struct mid_history *h);

// Add a look.  `profile` NULL: only the process as a whole was seen.
void mid_history_add(struct mid_history *h, const struct mid_history_look *look,
                     const struct mid_profile *profile);

// NULL: it was never seen.
const struct mid_history_site *mid_history_of(const struct mid_history *h, uint32_t stack);

#endif
