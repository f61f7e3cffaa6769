// observe/finding_pairs.h -- what allocating and freeing again and again costs a process.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_FINDING_PAIRS_H
#define MID_OBSERVE_FINDING_PAIRS_H

#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/words.h"

// Hundredths of the processor time that so many pairs of malloc and free took.  Of a process whose
// time the kernel did not count yet the wall time is taken.
static inline double mid_pairs_part(const struct mid_evidence *e, double pairs) {
  double cpu = e->figures.cpu_seconds > 0 ? e->figures.cpu_seconds : e->figures.seconds;
  double part = mid_words_share(pairs * MID_PAIR_SECONDS, cpu);
  return part < 100 ? part : 100;
}

static inline bool mid_pairs_are_worth(const struct mid_evidence *e, double pairs) {
  return mid_pairs_part(e, pairs) >= 100 * MID_CHURN_PART;
}

// Worth it, or a good part of all that the process allocates.
static inline bool mid_pairs_are_hot(const struct mid_evidence *e, double pairs) {
  return mid_pairs_are_worth(e, pairs) || pairs >= MID_CHURN_SHARE * (double)e->figures.allocations;
}

// Seconds against bytes: one that could be saved is as bad as 10 MB that are held.
static inline double mid_pairs_badness(double seconds) { return seconds * 1e7; }

// As in ", 14 a request", of a line that allocated so many blocks; "" where the program tells of no
// requests.  Blocks of lines are estimated and those of the process counted, so that none has more
// than the process; one that has twice as many allocated before the first request, and for none.
static inline const char *mid_pairs_each(const struct mid_evidence *e, double blocks,
                                         struct mid_words *room) {
  double each = blocks / (double)e->figures.requests, most = e->figures.request.blocks;
  struct mid_words mean;
  room->at[0] = 0;
  if (e->figures.requests < 2 || each > 2 * most) return room->at;
  snprintf(room->at, sizeof room->at, ", %.18s a request",
           mid_words_mean(each < most ? each : most, &mean));
  return room->at;
}

#endif
