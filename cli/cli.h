// cli/cli.h -- what the verbs share: their one table, reading arguments, and complaints.
// SPDX-License-Identifier: MIT
//
// The table makes `--help`, the manual page, the shell completion and the reading of arguments.
#ifndef MID_CLI_CLI_H
#define MID_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "observe/report.h"

enum { CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNSEEN = 3 };  // UNSEEN: could not observe

struct cli_option {
  const char *name;   // with its dashes
  const char *value;  // what it takes, in capitals; NULL: nothing
  const char *meaning;
};

struct cli_verb {
  const char *name;
  const char *operands;  // as in the synopsis, after the options
  const char *summary;   // a line
  const char *text;      // paragraphs, an empty line between them
  const struct cli_option *option;
  size_t options;
  int (*run)(int argc, char **argv);  // argv[0] is the verb
};

enum { CLI_NAMES_MOST = 64 };  // verbs, or options of one, that are looked through for a near name
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;
const struct cli_verb *cli_verb_find(const char *name);

int cli_run(int argc, char **argv);
int cli_attach(int argc, char **argv);
int cli_report(int argc, char **argv);
int cli_runs(int argc, char **argv);
int cli_diff(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_record(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_ps(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_leaks(int argc, char **argv);
int cli_graph(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_watch(int argc, char **argv);
int cli_options(int argc, char **argv);
int cli_help(int argc, char **argv);

void cli_help_all(void);  // on standard output
void cli_help_verb(const struct cli_verb *verb);

// "midden: ", the sentence and an end of line on standard error.
__attribute__((format(printf, 1, 2))) void cli_say(const char *format, ...);
// The same, then exit(status).
__attribute__((format(printf, 2, 3))) _Noreturn void cli_die(int status, const char *format, ...);

// Reads the options of a verb one after the other.
struct cli_args {
  const struct cli_verb *verb;
  int argc, at;
  char **argv;
  const char *value;  // of the option that cli_args_next found
};
struct cli_args cli_args_open(int argc, char **argv);

// The next option's place in the verb's table, or -1 when what follows at args->at are operands.
// A misspelt option, a missing value and --help end the command here.
int cli_args_next(struct cli_args *args);
// The command ends with a complaint when there are operands left.
void cli_args_end(const struct cli_args *args);

// Add NAME=VALUE, in the words `name` and `value`, to a list for MIDDEN_OPTIONS; a bad one ends the
// command.
void cli_options_add(char *list, size_t bytes, const char *name, const char *value);

double cli_seconds(void);  // a clock that only rises

// The seconds that 30s, 500ms, 5m or 1h are; what is no time ends the command.
double cli_read_seconds(const char *words);

// A process number; what is none ends the command.
pid_t cli_read_pid(const char *words);

// How wide the terminal on `fd` is, else 80; never under 40.
unsigned cli_columns(int fd);
// How to print on it; -1: into a file.  After setlocale.
struct mid_report_style cli_style(int fd);

#endif
