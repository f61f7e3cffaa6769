// export/changes.h -- what changed from one run to another, site by site.
// SPDX-License-Identifier: MIT
#ifndef MID_EXPORT_CHANGES_H
#define MID_EXPORT_CHANGES_H

#include "export/sums.h"

struct mid_change {
  const struct mid_sum *before, *after;  // NULL: it was not there
  double bytes, blocks;                  // live, after less before
  double error;                          // standard error of `bytes`
};

struct mid_changes {
  struct mid_sums before, after;
  struct mid_change *at;  // the largest change first, either way; those of none are left out
  size_t count;
  struct mid_change all;  // of both as a whole; without sums
  double before_bytes, after_bytes;
};

struct mid_changes mid_changes_make(const struct mid_kept *before, const struct mid_kept *after);
void mid_changes_close(struct mid_changes *c);

// Any sum of a change, for its names.
const struct mid_profile_site *mid_change_site(const struct mid_change *c);

// How much is too much: bytes or, where `percent` is positive, a part of what was there before.
struct mid_threshold {
  double bytes, percent;
};

// Whether one of the changes, or `all`, is growth by more than the threshold.  A part is one of
// what was live of it before or, of a new site, of all.  Growth by less than two standard errors is
// none, since what is estimated from samples differs in two runs of one program; nor is, where a
// part is given, growth by less than a hundredth of all.
bool mid_changes_exceed(const struct mid_changes *c, const struct mid_change *change,
                        const struct mid_threshold *t);

// Live bytes of it before.
double mid_change_before(const struct mid_change *c);

#endif
