// cli/find.h -- what RUN on a command line may be, and the data of it.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_FIND_H
#define MID_CLI_FIND_H

#include <stddef.h>

#include "export/kept.h"
#include "export/store.h"

#define CLI_RUNS "r12 of 'midden runs', last, a process's number or a file"

struct cli_found {
  char *data;     // docs/report.md; the caller's to free
  char name[64];  // to show, and for files about it
};

// RUN is `r12` or `last` of the runs that were kept, the number of a process that runs, or a file
// of such data.  What is none of these ends the command.
struct cli_found cli_run_find(const char *run);

// The same, read.
struct mid_kept cli_run_read(const char *run);

// The number of a kept run, by `r12` or `last`; the command ends where there is none.
int64_t cli_run_kept(struct mid_store *store, const char *run);
// The database; the command ends where it cannot be opened.  Where nothing was ever kept it ends
// too or, with `or_none`, this is NULL.
struct mid_store *cli_runs_open(bool or_none);

#endif
