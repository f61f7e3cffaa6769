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

#endif
