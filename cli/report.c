// cli/report.c -- `midden report`: the page about a process that runs, or of data kept before.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // asprintf
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "gate.h"
#include "observe/page.h"
#include "report.h"

enum { REPORT_OUTPUT };                  // place in the verb's table
enum { MOST_DATA = 512 * 1024 * 1024 };  // bytes: more than any run has

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

// ---- what RUN is --------------------------------------------------------------------------------

struct subject {
  char *data;
  char name[64];  // for a file about it
};

static pid_t number_of(const char *run) {
  char *end;
  long n = strtol(run, &end, 10);
  return *run >= '0' && *run <= '9' && *end == 0 && n > 0 && n <= INT_MAX ? (pid_t)n : 0;
}

// PROGRAM.PID of a process.
static void name_running(const struct mid_process *p, struct subject *s) {
  int bytes = (int)strcspn(p->command, " "), start = bytes;
  while (start > 0 && p->command[start - 1] != '/') start--;
  snprintf(s->name, sizeof s->name, "%.*s.%d", bytes - start, p->command + start, (int)p->pid);
}

static void read_running(pid_t pid, struct subject *s) {
  struct mid_watch watch;
  if (!mid_watch_attach(&watch, pid))
    cli_die(CLI_UNSEEN, "there is no process %d: 'midden ps' lists those on Midden", (int)pid);
  mid_watch_look(&watch);
  if (!watch.process[0]->has_feed)
    cli_die(CLI_UNSEEN, "process %d does not run on Midden: start it by 'midden run'", (int)pid);
  struct cli_gate gate = cli_gate_open();
  cli_gate_diagnose(&gate, &watch);
  const struct mid_run_story story = {.watch = &watch};
  name_running(watch.process[0], s);
  s->data = mid_page_data(&story);
  cli_gate_close(&gate);
  mid_watch_close(&watch);
}

static void read_file(const char *name, struct subject *s) {
  struct stat st;
  FILE *in = fopen(name, "re");
  if (in == NULL)
    cli_die(CLI_UNSEEN, "'%s' cannot be read: %s: give a process's number or a file", name,
            strerror(errno));
  if (fstat(fileno(in), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MOST_DATA)
    cli_die(CLI_UNSEEN, "'%s' is no file of data: 'midden report PID -o FILE.json' writes one",
            name);
  size_t bytes = (size_t)st.st_size;
  s->data = malloc(bytes + 1);
  if (s->data == NULL) cli_die(CLI_FAILED, "no memory to read '%s'", name);
  bytes = fread(s->data, 1, bytes, in);
  s->data[bytes] = 0;
  fclose(in);
  const char *wrong = mid_page_check(s->data, bytes);
  if (wrong != NULL)
    cli_die(CLI_UNSEEN,
            "'%s' cannot be shown: %s: 'midden report PID -o FILE.json' writes such data", name,
            wrong);
  const char *slash = strrchr(name, '/');
  snprintf(s->name, sizeof s->name, "%s", slash != NULL ? slash + 1 : name);
}

// The one place that knows what RUN may be.
static void subject_read(const char *run, struct subject *s) {
  pid_t pid = number_of(run);
  if (pid != 0)
    read_running(pid, s);
  else
    read_file(run, s);
}

// ---- the verb -----------------------------------------------------------------------------------

int cli_report(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  const char *name = NULL;
  struct subject s = {0};
  char made[PATH_MAX];
  for (int option; (option = cli_args_next(&args)) >= 0;)
    if (option == REPORT_OUTPUT) name = args.value;
  if (args.at >= argc) cli_die(CLI_USAGE, "no RUN is named: give a process's number or a file");
  const char *run = argv[args.at++];
  while (cli_args_next(&args) >= 0) name = args.value;  // RUN -o FILE reads as well
  cli_args_end(&args);
  cli_file_require(name);
  subject_read(run, &s);
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
