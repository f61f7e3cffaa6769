// cli/listen.h -- the figures of processes that run, served to Prometheus and its like.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_LISTEN_H
#define MID_CLI_LISTEN_H

#include "cli.h"

// Serve at `address`, as in 127.0.0.1:9464, the processes that the operands name, or all of this
// user's, until SIGTERM or SIGINT.  returns  the exit status
int cli_listen(const char *address, struct cli_args *args);

#endif
