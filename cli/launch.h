// cli/launch.h -- start a program on libmidden, and end as it ended.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_LAUNCH_H
#define MID_CLI_LAUNCH_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "observe/program.h"

// Where `name` of this installation is: beside the command or in ../`folder`; where it is not, the
// command ends here.
void cli_launch_find(const char *name, const char *folder, char *room, size_t bytes);
// The same for libmidden, in a path that LD_PRELOAD can have.
void cli_launch_library(char *room, size_t bytes);

// Put libmidden first in LD_PRELOAD and the options into MIDDEN_OPTIONS, of our own environment,
// which the program inherits.
void cli_launch_prepare(uint64_t run, const char *options);

// Let core files of what is started from here on hold files that are mapped shared, as feeds are.
void cli_launch_core_filter(void);

// Start it, with the signal mask that we had.  `before`, if any, is called before the process
// becomes the program.  0 or execve's errno.
int cli_launch(const struct mid_program *program, char **argv, const sigset_t *mask,
               void (*before)(void *self, pid_t pid), void *self, pid_t *pid);

// End with the status that wait gave, by the same signal when it was one; without a core file.
_Noreturn void cli_end_as(int status);

// Block what a user ends a command by (INT, TERM, HUP), so that it can be waited for: these
// signals.
sigset_t cli_block_ends(void);

#endif
