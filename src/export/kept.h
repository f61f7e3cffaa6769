// export/kept.h -- a run as its data (docs/report.md) tell it: what all of this folder works on.
// SPDX-License-Identifier: MIT
//
//   a run that was kept, a process that runs, a file --cli/find.h--> data, as JSON
//                                                                     | mid_kept_read
//                                                                     v
//                                         sites, with their frames, as a profile has them
#ifndef MID_EXPORT_KEPT_H
#define MID_EXPORT_KEPT_H

#include <jansson.h>

#include "observe/profile.h"

// What the sum of those sites is called that were too small for a name to be looked up.
#define MID_KEPT_UNNAMED "(smaller sites)"

struct mid_kept_process {
  int64_t pid;
  const char *command;
  double began, seconds;          // began: seconds since 1970; 0: not known
  struct mid_profile_site *site;  // named; without what only samples know
  size_t sites;
  struct mid_profile_frame *room;  // what their `frame`s point into
  const json_t *json;              // all that is told of it
};

struct mid_kept {
  json_t *json;
  double mean;  // bytes: the mean distance of samples, of the first process that was sampled
  double made;  // seconds since 1970
  struct mid_kept_process *process;
  size_t count;
};

// Read data that mid_page_check found sound.  Words are good until it is closed.
// returns  NULL, or a sentence that says what is wrong with them; then *out is empty
const char *mid_kept_read(const char *data, size_t bytes, struct mid_kept *out);
void mid_kept_close(struct mid_kept *k);

bool mid_kept_is_named(const struct mid_profile_site *site);

// The last part of the path of the program, as in `redis-server`, into `room`.
const char *mid_kept_program(const struct mid_kept_process *p, char *room, size_t bytes);

#endif
