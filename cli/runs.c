// cli/runs.c -- `midden runs`: the runs that were kept.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // sigabbrev_np
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "find.h"
#include "observe/json.h"
#include "observe/words.h"

enum { RUNS_JSON, RUNS_REMOVE };  // places in the verb's table

// How it ended: 0, 3, SIGSEGV.
static const char *ending(const struct mid_store_run *run, char *room, size_t bytes) {
  const char *name = run->signal > 0 ? sigabbrev_np(run->signal) : NULL;
  if (name != NULL)
    snprintf(room, bytes, "SIG%s", name);
  else
    snprintf(room, bytes, "%d", run->signal > 0 ? 128 + run->signal : run->exit);
  return room;
}

static void print_run(void *self, const struct mid_store_run *run) {
  const unsigned *columns = self;
  struct mid_words took, peak, live;
  char id[24], when[32] = "", end[16];
  time_t started = (time_t)run->started;
  struct tm parts;
  snprintf(id, sizeof id, "r%" PRId64, run->id);
  if (localtime_r(&started, &parts) != NULL)
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
  int most = (int)*columns - 81;
  char command[4096];
  snprintf(command, sizeof command, "%s", run->command);
  mid_words_tame(command);
  printf("%6s  %-19s  %12s  %7s  %10s  %11s  %8" PRId64 "  %.*s\n", id, when,
         mid_words_seconds(run->seconds, &took), ending(run, end, sizeof end),
         mid_words_size((uint64_t)run->peak_rss, &peak),
         mid_words_size((uint64_t)run->live_bytes, &live), run->findings, most < 20 ? 20 : most,
         command);
}

static void add_run(void *self, const struct mid_store_run *run) {
  char id[24], when[32] = "";
  time_t started = (time_t)run->started;
  struct tm parts;
  snprintf(id, sizeof id, "r%" PRId64, run->id);
  if (gmtime_r(&started, &parts) != NULL) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
  json_t *j = json_object();
  json_object_set_new(j, "run", json_string(id));
  json_object_set_new(j, "started", json_string(when));
  json_object_set_new(j, "command", mid_json_string(run->command));
  json_object_set_new(j, "pid", json_integer(run->pid));
  json_object_set_new(j, "exit", run->exit >= 0 ? json_integer(run->exit) : json_null());
  json_object_set_new(j, "signal", run->signal > 0 ? json_integer(run->signal) : json_null());
  json_object_set_new(j, "wall_seconds", json_real(run->seconds));
  json_object_set_new(j, "peak_rss", json_integer(run->peak_rss));
  json_object_set_new(j, "live_bytes", json_integer(run->live_bytes));
  json_object_set_new(j, "processes", json_integer(run->processes));
  json_object_set_new(j, "findings", json_integer(run->findings));
  json_array_append_new(self, j);
}

static bool print_list(const void *list, FILE *out) {
  return json_dumpf(list, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 &&
         fputc('\n', out) != EOF;
}

static void list_runs(const char *json) {
  struct mid_store *store = cli_runs_open(true);
  json_t *list = json_array();
  // What is read by another program is not cut.
  unsigned columns = isatty(STDOUT_FILENO) ? cli_columns(STDOUT_FILENO) : 4096;
  printf("%6s  %-19s  %12s  %7s  %10s  %11s  %8s  %s\n", "RUN", "STARTED", "TOOK", "EXIT",
         "PEAK RSS", "LIVE AT END", "FINDINGS", "COMMAND");
  bool whole = store == NULL ||
               (mid_store_list(store, print_run, &columns) && mid_store_list(store, add_run, list));
  if (!whole)
    cli_die(CLI_UNSEEN, "the runs that were kept cannot be read: %s", mid_store_wrong(store));
  int error = json != NULL ? cli_file_write(json, print_list, list) : 0;
  if (error != 0) cli_die(CLI_FAILED, "'%s' could not be written: %s", json, strerror(error));
  json_decref(list);
  if (store != NULL) mid_store_close(store);
}

static void remove_run(const char *run) {
  struct mid_store *store = cli_runs_open(false);
  int64_t id = cli_run_kept(store, run);
  if (!mid_store_remove(store, id))
    cli_die(CLI_UNSEEN, "there is no run r%" PRId64 ": 'midden runs' lists those that are kept",
            id);
  mid_store_close(store);
}

int cli_runs(int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  const char *json = NULL, *removed = NULL;
  for (int option; (option = cli_args_next(&args)) >= 0;) {
    if (option == RUNS_JSON) json = args.value;
    if (option == RUNS_REMOVE) removed = args.value;
  }
  cli_args_end(&args);
  cli_file_require(json);
  if (removed != NULL) remove_run(removed);
  if (removed == NULL || json != NULL) list_runs(json);
  return 0;
}
