// cli/options.c -- `midden options`: the library's options, as their table has them.
// SPDX-License-Identifier: MIT
#include "base/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "observe/words.h"

enum { INDENT = 4 };

// What it may be: words, and two ends of a range.
static void range(const struct mid_option_row *row, char *room, size_t bytes) {
  struct mid_text t = mid_text_open(room, bytes);
  if (row->max == row->min) {
    mid_option_print(row, row->min, &t);
  } else if (row->max < 1ull << 62) {
    mid_option_print(row, row->min, &t);
    mid_text_add(&t, " to ");
    mid_option_print(row, row->max, &t);
  } else {
    mid_text_add(&t, "a number");
  }
  for (const char *word = row->words; *word != 0; word += strcspn(word, "|")) {
    word += *word == '|';
    mid_text_add(&t, strchr(word, '|') != NULL ? ", " : " or ");
    char one[] = {0, 0};
    for (size_t i = 0; i < strcspn(word, "|"); i++) one[0] = word[i], mid_text_add(&t, one);
  }
}

#define ROW "%-17s %-9s %-8s "
enum { VALUES = 17 + 1 + 9 + 1 + 8 + 1 };  // the column where they begin

static void print_option(const struct mid_option_row *row, unsigned columns) {
  char room[128], def[32];
  struct mid_text t = mid_text_open(def, sizeof def);
  range(row, room, sizeof room);
  mid_option_print(row, row->def, &t);
  printf(ROW, row->name, def, row->unit);
  mid_words_wrap(stdout, room, VALUES, columns);
  printf("%*s", INDENT, "");
  mid_words_wrap(stdout, row->meaning, INDENT, columns);
}

void cli_options_add(char *list, size_t bytes, const char *name, const char *value) {
  size_t used = strlen(list);
  int n = snprintf(list + used, bytes - used, "%s%s%s", used ? "," : "", name, value);
  if (n >= (int)(bytes - used)) cli_die(CLI_USAGE, "too many options: give fewer");
  char why[320];
  struct mid_text t = mid_text_open(why, sizeof why);
  struct mid_options scratch = mid_options_default;
  if (!mid_options_read(&scratch, list + used, &t)) cli_die(CLI_USAGE, "%s", why);
}

int cli_options(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  while (cli_args_next(&args) >= 0) continue;
  cli_args_end(&args);
  printf(ROW "VALUES\n", "NAME", "DEFAULT", "UNIT");
  for (size_t i = 0; i < MID_OPTION_COUNT; i++)
    print_option(&mid_option_rows[i], cli_columns(STDOUT_FILENO));
  return 0;
}
