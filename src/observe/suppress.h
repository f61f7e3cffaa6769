// observe/suppress.h -- findings that a user knows of and does not want to hear of again.
// SPDX-License-Identifier: MIT
//
// A text, a line each: a kind or *, a blank, and a pattern as of the shell's file names, which is
// held against every function of the finding's stack and the path and the name of its module:
//
//   leaked   *_cache_open       # never freed, on purpose
//   *        libfontconfig.so*
#ifndef MID_OBSERVE_SUPPRESS_H
#define MID_OBSERVE_SUPPRESS_H

#include "observe/finding.h"

struct mid_suppressions {
  struct mid_suppression {
    char *kind, *pattern;
  } * at;
  size_t count;
};

// Add the lines of `in`.  NULL, or a sentence in `room` that names the first line that is wrong.
const char *mid_suppressions_read(FILE *in, struct mid_suppressions *out, char *room, size_t bytes);
void mid_suppressions_close(struct mid_suppressions *s);

// Take the findings out that are suppressed; returns how many.
size_t mid_suppressions_apply(const struct mid_suppressions *s, struct mid_findings *list);

#endif
