// cli/report.c -- `midden report`: the page about a process that runs, or of data kept before.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "file.h"
#include "find.h"
#include "observe/page.h"
#include "report.h"

enum { REPORT_OUTPUT };  // place in the verb's table

// ---- a page or its data, by the name of the file ------------------------------------------------

static bool ends_in(const char *name, const char *end) {
  size_t bytes = strlen(name), more = strlen(end);
  return bytes > more && strcmp(name + bytes - more, end) == 0;
}

bool cli_report_is_text(const char *name) { return ends_in(name, ".txt"); }

static bool print_page(const void *self, FILE *out) { return mid_page_write(self, out); }

static bool print_data(const void *self, FILE *out) {
  return fputs(self, out) != EOF && fputc('\n', out) != EOF;
}

int cli_report_write(const char *name, const char *data) {
  if (data == NULL) return ENOMEM;
  return cli_file_write(name, ends_in(name, ".json") ? print_data : print_page, data);
}

// ---- the verb -----------------------------------------------------------------------------------

int cli_report(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  const char *name = NULL;
  char made[PATH_MAX];
  for (int option; (option = cli_args_next(&args)) >= 0;)
    if (option == REPORT_OUTPUT) name = args.value;
  if (args.at >= argc) cli_die(CLI_USAGE, "no RUN is named: give " CLI_RUNS);
  const char *run = argv[args.at++];
  while (cli_args_next(&args) >= 0) name = args.value;  // RUN -o FILE reads as well
  cli_args_end(&args);
  cli_file_require(name);
  struct cli_found s = cli_run_find(run);
  if (name == NULL) {
    snprintf(made, sizeof made, "%s.html", s.name);
    name = made;
    cli_file_require(name);
  }
  int error = cli_report_write(name, s.data);
  free(s.data);
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", name, strerror(error));
  cli_say("the report is in %s", name);
  return 0;
}
