// cli/find.c -- see find.h.
// SPDX-License-Identifier: MIT
#include "find.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "gate.h"
#include "observe/page.h"

// ---- runs that were kept ------------------------------------------------------------------------

struct mid_store *cli_runs_open(bool or_none) {
  char wrong[PATH_MAX + 256];
  struct mid_store *store = mid_store_open(false, wrong, sizeof wrong);
  if (store != NULL || (or_none && wrong[0] == 0)) return store;
  if (wrong[0] == 0)
    cli_die(CLI_UNSEEN, "no run was kept yet: 'midden run' keeps each, 'midden runs' lists them");
  cli_die(CLI_UNSEEN, "the runs that were kept cannot be read: %s", wrong);
}

// r12: 12; else 0.
static int64_t kept_number(const char *run) {
  char *end;
  if (run[0] != 'r' || run[1] < '1' || run[1] > '9') return 0;
  errno = 0;
  long long n = strtoll(run + 1, &end, 10);
  return *end == 0 && errno == 0 ? n : 0;
}

static bool is_kept(const char *run) { return strcmp(run, "last") == 0 || kept_number(run) > 0; }

int64_t cli_run_kept(struct mid_store *store, const char *run) {
  if (!is_kept(run)) cli_die(CLI_USAGE, "'%s' is no run: give r12 of 'midden runs', or last", run);
  int64_t id = kept_number(run) > 0 ? kept_number(run) : mid_store_last(store);
  if (id == 0) cli_die(CLI_UNSEEN, "no run is kept: 'midden run' keeps each");
  return id;
}

static void find_kept(const char *run, struct cli_found *found) {
  bool damaged;
  struct mid_store *store = cli_runs_open(false);
  int64_t id = cli_run_kept(store, run);
  found->data = mid_store_data(store, id, &damaged);
  if (found->data == NULL && damaged)
    cli_die(CLI_UNSEEN, "run r%" PRId64 " is damaged: 'midden runs --remove r%" PRId64 "' drops it",
            id, id);
  if (found->data == NULL)
    cli_die(CLI_UNSEEN, "there is no run r%" PRId64 ": 'midden runs' lists those that are kept",
            id);
  snprintf(found->name, sizeof found->name, "r%" PRId64, id);
  mid_store_close(store);
  const char *wrong = mid_page_check(found->data, strlen(found->data));
  if (wrong != NULL) cli_die(CLI_UNSEEN, "run r%" PRId64 " cannot be shown: %s", id, wrong);
}

// ---- processes ----------------------------------------------------------------------------------

static pid_t pid_of(const char *run) {
  char *end;
  long n = strtol(run, &end, 10);
  return *run >= '0' && *run <= '9' && *end == 0 && n > 0 && n <= INT_MAX ? (pid_t)n : 0;
}

// PROGRAM.PID of a process.
static void name_running(const struct mid_process *p, struct cli_found *found) {
  int bytes = (int)strcspn(p->command, " "), start = bytes;
  while (start > 0 && p->command[start - 1] != '/') start--;
  snprintf(found->name, sizeof found->name, "%.*s.%d", bytes - start, p->command + start,
           (int)p->pid);
}

static void find_running(pid_t pid, struct cli_found *found) {
  struct mid_watch watch;
  if (!mid_watch_attach(&watch, pid))
    cli_die(CLI_UNSEEN, "there is no process %d: 'midden ps' lists those on Midden", (int)pid);
  mid_watch_look(&watch);
  struct mid_process *p = watch.process[0];
  if (!p->has_feed)
    cli_die(CLI_UNSEEN,
            "process %d does not run on Midden, or is another user's: 'midden ps' lists those that "
            "do",
            (int)pid);
  struct cli_gate gate = cli_gate_open();
  if (p->profile != NULL) mid_profile_name_all(p->profile, gate.symbols);
  cli_gate_diagnose(&gate, &watch);
  const struct mid_run_story story = {.watch = &watch};
  name_running(p, found);
  found->data = mid_page_data(&story);
  cli_gate_close(&gate);
  mid_watch_close(&watch);
}

// ---- files --------------------------------------------------------------------------------------

static void find_file(const char *name, struct cli_found *found) {
  struct stat st;
  int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe nobody writes to is no wait
  FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
  if (in == NULL)
    cli_die(CLI_UNSEEN, "'%s' cannot be read: %s: give " CLI_RUNS, name, strerror(errno));
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MID_STORE_DATA_BYTES)
    cli_die(CLI_UNSEEN, "'%s' is no file of data: 'midden report RUN -o FILE.json' writes one",
            name);
  size_t bytes = (size_t)st.st_size;
  found->data = malloc(bytes + 1);
  if (found->data == NULL) cli_die(CLI_FAILED, "no memory to read '%s'", name);
  bytes = fread(found->data, 1, bytes, in);
  found->data[bytes] = 0;
  fclose(in);
  const char *wrong = mid_page_check(found->data, bytes);
  if (wrong != NULL)
    cli_die(CLI_UNSEEN,
            "'%s' cannot be shown: %s: 'midden report RUN -o FILE.json' writes such data", name,
            wrong);
  const char *slash = strrchr(name, '/');
  snprintf(found->name, sizeof found->name, "%s", slash != NULL ? slash + 1 : name);
}

// -------------------------------------------------------------------------------------------------

struct cli_found cli_run_find(const char *run) {
  struct cli_found found = {0};
  pid_t pid = pid_of(run);
  if (is_kept(run))
    find_kept(run, &found);
  else if (pid != 0)
    find_running(pid, &found);
  else
    find_file(run, &found);
  if (found.data == NULL) cli_die(CLI_FAILED, "no memory for the data of '%s'", run);
  return found;
}

struct mid_kept cli_run_read(const char *run) {
  struct mid_kept kept;
  struct cli_found found = cli_run_find(run);
  const char *wrong = mid_kept_read(found.data, strlen(found.data), &kept);
  free(found.data);
  if (wrong != NULL) cli_die(CLI_UNSEEN, "'%s' cannot be read: %s", run, wrong);
  return kept;
}
