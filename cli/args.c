// cli/args.c -- reading a verb's arguments by its table.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "cli.h"

static void say(const char *format, va_list args) {
  char words[4096];
  vsnprintf(words, sizeof words, format, args);
  fprintf(stderr, "midden: %s\n", words);
}

void cli_say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(format, args);
  va_end(args);
}

void cli_die(int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(format, args);
  va_end(args);
  exit(status);
}

unsigned cli_columns(int fd) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col < 40 ? 40 : size.ws_col;
}

struct mid_report_style cli_style(int fd) {
  const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
  bool terminal = fd >= 0 && isatty(fd);
  unsigned columns = terminal ? cli_columns(fd) : 80;
  return (struct mid_report_style){
      .colour = terminal && (no_colour == NULL || *no_colour == 0) && term != NULL &&
                strcmp(term, "dumb") != 0,
      .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
      .columns = columns < 80 ? columns : 80,
  };
}

struct cli_args cli_args_open(int argc, char **argv) {
  return (struct cli_args){
      .verb = cli_verb_find(argv[0]), .argc = argc, .at = 1, .argv = argv, .value = NULL};
}

static _Noreturn void blame_option(const struct cli_verb *verb, const char *word, size_t bytes) {
  const char *names[CLI_NAMES_MOST] = {"--help"};
  size_t count = 1;
  for (size_t i = 0; i < verb->options && count < CLI_NAMES_MOST; i++)
    names[count++] = verb->option[i].name;
  const char *near = mid_nearest_name(word, bytes, names, count);
  if (near != NULL)
    cli_die(CLI_USAGE, "'%s' has no option '%.*s': did you mean '%s'?", verb->name, (int)bytes,
            word, near);
  cli_die(CLI_USAGE, "'%s' has no option '%.*s': 'midden help %s' lists them", verb->name,
          (int)bytes, word, verb->name);
}

static void take_value(struct cli_args *args, const struct cli_option *option, char *equals) {
  args->value = equals ? equals + 1 : NULL;
  if (option->value == NULL && equals != NULL)
    cli_die(CLI_USAGE, "%s takes no value: leave out '%s'", option->name, equals);
  if (option->value == NULL || equals != NULL) return;
  if (args->at == args->argc)
    cli_die(CLI_USAGE, "%s needs a value: give it %s", option->name, option->value);
  args->value = args->argv[args->at++];
}

int cli_args_next(struct cli_args *args) {
  if (args->at == args->argc) return -1;
  char *word = args->argv[args->at];
  if (word[0] != '-' || word[1] == 0) return -1;
  args->at++;
  if (strcmp(word, "--") == 0) return -1;
  if (strcmp(word, "--help") == 0) {
    cli_help_verb(args->verb);
    exit(0);
  }
  char *equals = strchr(word, '=');
  size_t bytes = equals ? (size_t)(equals - word) : strlen(word);
  for (size_t i = 0; i < args->verb->options; i++) {
    const struct cli_option *option = &args->verb->option[i];
    if (strlen(option->name) != bytes || memcmp(option->name, word, bytes) != 0) continue;
    take_value(args, option, equals);
    return (int)i;
  }
  blame_option(args->verb, word, bytes);
}

void cli_args_end(const struct cli_args *args) {
  if (args->at < args->argc)
    cli_die(CLI_USAGE, "'%s' takes nothing more: leave out '%s'", args->verb->name,
            args->argv[args->at]);
}

double cli_read_seconds(const char *words) {
  static const struct {
    const char *unit;
    double seconds;
  } units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"", 1}};
  char *end;
  double n = strtod(words, &end);
  for (size_t i = 0; end != words && i < sizeof units / sizeof *units; i++)
    if (strcmp(end, units[i].unit) == 0 && n >= 0 && isfinite(n)) return n * units[i].seconds;
  cli_die(CLI_USAGE, "'%s' is not a time: give it as 30s, 500ms, 5m or 1h", words);
}

pid_t cli_read_pid(const char *words) {
  char *end;
  errno = 0;
  long n = strtol(words, &end, 10);
  if (words[0] < '0' || words[0] > '9' || *end != 0 || errno != 0 || n <= 0 || n > INT_MAX)
    cli_die(CLI_USAGE, "'%s' is not a process number: 'midden ps' lists them", words);
  return (pid_t)n;
}

double cli_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
