// cli/child.h -- a program that the command starts and waits for, with the signals passed on.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_CHILD_H
#define MID_CLI_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli.h"
#include "observe/program.h"
#include "status.h"

struct cli_child {
  struct mid_program program;
  char **argv;
  pid_t pid;
  struct cli_status *line;  // hidden while we are stopped; NULL: there is none
  // Called before the process becomes the program, and after each SIGCHLD; may be NULL.
  void (*before)(void *self, pid_t pid);
  void (*attend)(void *self);
  void *self;
};

// The program that the operands name; where there is none the command ends here.
void cli_child_find(struct cli_child *child, const struct cli_args *args);

// Whether it is known that libmidden cannot be loaded into it, and the sentence that says why.
bool cli_child_blind(const struct cli_child *child, char *room, size_t bytes);

// Start it, after cli_launch_prepare.  Where it cannot be started the command ends.
void cli_child_start(struct cli_child *child);

// Wait for its end, at most so many seconds; true: it has ended, and is a zombie.
bool cli_child_wait(struct cli_child *child, double seconds);

// A random number that runs and recordings are known by; never 0.
uint64_t cli_random_number(void);

#endif
