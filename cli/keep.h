// cli/keep.h -- a run is kept once it has ended.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_KEEP_H
#define MID_CLI_KEEP_H

#include "observe/report.h"

// Keep it among the user's runs, and say by what name, or why that could not be.
// started  seconds since 1970
// quiet    say nothing
void cli_run_keep(const struct mid_run_story *story, double started, bool quiet);

#endif
