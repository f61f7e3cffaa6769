// walk/crash.h -- what a fatal fault was about.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_CRASH_H
#define MID_WALK_CRASH_H

#include "observe/evidence.h"
#include "observe/symbols.h"
#include "walk/target.h"
#include "walk/tracer.h"

struct mid_crash_story {
  struct mid_crash crash;
  struct mid_deep_stack deep;  // deep.overflowed: it is about the stack
  struct mid_profile names;    // what `site` is named by
  struct mid_profile_site site;
  uint64_t *raw;
};

bool mid_crash_is_one(int signal);

// Tell what happened to the thread that `end` is about, in a process that stands still.
// said  the last words of libmidden in it; "": there were none
void mid_crash_read(const struct mid_target *target, const struct mid_tracer_end *end,
                    const char *said, struct mid_symbols *symbols, struct mid_crash_story *out);
void mid_crash_close(struct mid_crash_story *story);

#endif
