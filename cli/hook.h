// cli/hook.h -- a command of the user's that is run when something happens.
// SPDX-License-Identifier: MIT
#ifndef MID_CLI_HOOK_H
#define MID_CLI_HOOK_H

#include <stddef.h>
#include <sys/types.h>

enum { CLI_HOOKS = 8 };  // that may run at once
struct cli_hook {
  const char *command;  // for /bin/sh; NULL: nothing is run
  pid_t running[CLI_HOOKS];
};

struct cli_hook_word {
  const char *name, *value;
};

// Start the command with these words in its environment, and so in no shell's hands; its standard
// output goes to standard error.  Where CLI_HOOKS of them still run, it says so and starts none.
void cli_hook_run(struct cli_hook *hook, const struct cli_hook_word *word, size_t words);

// Give those that run `seconds` to end; then they go on alone.
void cli_hook_wait(struct cli_hook *hook, double seconds);

#endif
