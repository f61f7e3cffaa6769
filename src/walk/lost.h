// walk/lost.h -- what a process or a core file has lost, with the profile that names it.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_LOST_H
#define MID_WALK_LOST_H

#include "walk/leaks.h"

struct mid_lost_look {
  struct mid_profile profile;
  const char *no_profile;  // NULL, or why there is none
  struct mid_leaks leaks;
};

// Find what is lost, as mid_leaks_find does, by the target's own profile.
// symbols  to name with, kept open by the caller; NULL: ones of its own
// returns  NULL, or a sentence; then *out is empty
const char *mid_lost_take(const struct mid_target *target, const struct mid_blocks *blocks,
                          struct mid_symbols *symbols, struct mid_lost_look *out);
// Of a process that runs, where something was lost: a second later look at it once more, at a copy
// as before, and keep in `look` what was lost both times.  After a failure `look` is empty.
const char *mid_lost_again(pid_t pid, struct mid_symbols *symbols, struct mid_lost_look *look);
void mid_lost_close(struct mid_lost_look *look);

#endif
