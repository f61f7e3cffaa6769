// cli/status.h -- a line at the foot of the terminal, while a program writes above it.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_STATUS_H
#define MID_CLI_STATUS_H

#include <pthread.h>
#include <stdbool.h>

// One thread may show while another hides.
struct cli_status {
  pthread_mutex_t lock;
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
