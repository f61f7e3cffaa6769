// cli/args.c -- reading a verb's arguments by its table.
// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

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

struct cli_args cli_args_open(int argc, char **argv) {
  return (struct cli_args){
      .verb = cli_verb_find(argv[0]), .argc = argc, .at = 1, .argv = argv, .value = NULL};
}

static _Noreturn void blame_option(const struct cli_verb *verb, const char *word, size_t bytes) {
  const char *names[16] = {"--help"};
  size_t count = 1;
  for (size_t i = 0; i < verb->options && count < 16; i++) names[count++] = verb->option[i].name;
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
