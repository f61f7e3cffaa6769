// cli/main.c -- the midden command.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "cli.h"
#include "midden/version.h"

static _Noreturn void blame_verb(const char *word) {
  const char *names[CLI_NAMES_MOST] = {"--help", "--version"};
  size_t count = 2;
  for (size_t i = 0; i < cli_verb_count && count < CLI_NAMES_MOST; i++)
    names[count++] = cli_verbs[i].name;
  const char *near = mid_nearest_name(word, strlen(word), names, count);
  const char *kind = word[0] == '-' ? "option" : "verb";
  if (near != NULL) cli_die(CLI_USAGE, "there is no %s '%s': did you mean '%s'?", kind, word, near);
  cli_die(CLI_USAGE, "there is no %s '%s': 'midden help' lists what there is", kind, word);
}

// What could not be written is a failure, also for --help into a full disk.
static int flushed(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  cli_say("standard output cannot be written: %m");
  return CLI_FAILED;
}

// Files that we open must not come to be standard error, where it was closed; the program still
// finds closed what was.
static void keep_standard_streams(void) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR | O_CLOEXEC);
}

int main(int argc, char **argv) {
  keep_standard_streams();
  if (argc < 2) cli_die(CLI_USAGE, "a verb is missing: 'midden help' lists them");
  if (strcmp(argv[1], "--version") == 0) {
    puts("midden " MIDDEN_VERSION);
    return flushed(0);
  }
  if (strcmp(argv[1], "--help") == 0) {
    cli_help_all();
    return flushed(0);
  }
  const struct cli_verb *verb = cli_verb_find(argv[1]);
  if (verb == NULL) blame_verb(argv[1]);
  return flushed(verb->run(argc - 1, argv + 1));
}
