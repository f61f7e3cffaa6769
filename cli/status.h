// cli/status.h -- a line at the foot of the terminal, while a program writes above it.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_STATUS_H
#define MID_CLI_STATUS_H

#include <stdbool.h>

struct cli_status {
  int fd;
  bool wanted;  // it is a terminal that can show it
  bool shown;
  unsigned rows, columns;
};

// wanted  false: every call does nothing
struct cli_status cli_status_open(int fd, bool wanted);
unsigned cli_status_columns(const struct cli_status *status);
void cli_status_show(struct cli_status *status, const char *words);
// Erase the line and give the terminal back as it was.
void cli_status_hide(struct cli_status *status);

#endif
