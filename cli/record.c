// cli/record.c -- `midden record`: start a program, or find one, and write a trace of it.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // asprintf
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "child.h"
#include "cli.h"
#include "feed/ring.h"
#include "file.h"
#include "launch.h"
#include "observe/folders.h"
#include "observe/proc.h"
#include "observe/words.h"
#include "trace/drain.h"

enum {
  RECORD_OUTPUT,
  RECORD_STACKS,
  RECORD_PID,
  RECORD_FOR,
  RECORD_BYTES,
  RECORD_OPTION
};  // places in the verb's table

struct record {
  char *name;
  bool stacks;
  pid_t pid;  // 0: a program of ours
  double seconds;
  uint64_t most;
  char options[4096];

  uint64_t number;
  struct cli_child child;
  int fd;
  struct mid_writer *writer;
  struct mid_drain *drain;
  struct mid_drain_figures figures;
  double began, took;
};

// ---- the command line ---------------------------------------------------------------------------

static uint64_t record_size(const char *words) {
  uint64_t n;
  if (!mid_text_read_size(words, strlen(words), &n) || n == 0)
    cli_die(CLI_USAGE, "'%s' is not a size: give it as 500M or 2G", words);
  return n;
}

static void record_name(struct record *r) {
  const char *program = "process";
  if (r->name != NULL) return;
  if (r->pid == 0) program = strrchr(r->child.argv[0], '/');
  program = program == NULL ? r->child.argv[0] : *program == '/' ? program + 1 : program;
  if (asprintf(&r->name, "%s.%d.midden", program, (int)(r->pid != 0 ? r->pid : getpid())) < 0)
    cli_die(CLI_FAILED, "no memory for a name");
}

static void record_arguments(struct record *r, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  r->seconds = 1e18;
  r->most = UINT64_MAX;
  for (int option; (option = cli_args_next(&args)) >= 0;) {
    if (option == RECORD_OUTPUT) r->name = (char *)(uintptr_t)args.value;
    if (option == RECORD_STACKS) r->stacks = true;
    if (option == RECORD_PID) r->pid = cli_read_pid(args.value);
    if (option == RECORD_FOR) r->seconds = cli_read_seconds(args.value);
    if (option == RECORD_BYTES) r->most = record_size(args.value);
    if (option == RECORD_OPTION) cli_options_add(r->options, sizeof r->options, "", args.value);
  }
  if (r->pid != 0)
    cli_args_end(&args);
  else
    cli_child_find(&r->child, &args);
  record_name(r);
  cli_file_require(r->name);
}

// ---- the trace ----------------------------------------------------------------------------------

static void record_open(struct record *r) {
  r->fd = open(r->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (r->fd < 0) {
    int error = errno;
    mid_drain_discard(r->number);
    cli_die(CLI_USAGE, "'%s' cannot be written: %s: name another file", r->name, strerror(error));
  }
  r->writer = mid_writer_open(r->fd);
  r->drain = mid_drain_open(r->number, r->writer);
  r->began = cli_seconds();
}

static bool record_is_over(const struct record *r) {
  struct mid_drain_figures f = mid_drain_figures(r->drain);
  return f.error != 0 || f.bytes >= r->most || cli_seconds() - r->began >= r->seconds;
}

static void record_tell(const struct record *r, int error) {
  const struct mid_drain_figures *f = &r->figures;
  struct mid_words events, took, size, lost;
  if (error != 0) {
    cli_say(
        "'%s' could not be written any further: %s: it ends there, with %s; the program goes on",
        r->name, strerror(error), mid_words_size(f->bytes, &size));
    return;
  }
  if (f->events == 0) {
    if (r->pid != 0)
      cli_say(
          "no event was recorded: process %d called no malloc meanwhile, or found no folder with "
          "room for its events ($XDG_RUNTIME_DIR/midden, /dev/shm, /tmp)",
          (int)r->pid);
    else
      cli_say(
          "no event was recorded: the program called no malloc by a standard name, or found no "
          "folder with room for its feed ($XDG_RUNTIME_DIR/midden, /dev/shm, /tmp)");
    return;
  }
  fprintf(stderr, "midden: recorded %s events of %u process%s in %s: %s in %s, %.1f bytes each\n",
          mid_words_count((double)f->events, &events), f->processes, f->processes == 1 ? "" : "es",
          mid_words_seconds(r->took, &took), mid_words_size(f->bytes, &size), r->name,
          (double)f->bytes / (double)f->events);
  if (f->lost > 0)
    cli_say(
        "%s events were lost: the recorder was too slow for the program, which waits at most "
        "10 ms for it",
        mid_words_count((double)f->lost, &lost));
}

// Take the last of it and close the file.  true: all of it is there.
static bool record_close(struct record *r) {
  mid_drain_ask(r->number, 0, false);
  r->took = cli_seconds() - r->began;
  r->figures = mid_drain_figures(r->drain);
  struct mid_drain_figures last = mid_drain_close(r->drain);
  last.processes = r->figures.processes > last.processes ? r->figures.processes : last.processes;
  r->figures = last;
  int error = mid_writer_close(r->writer, &r->figures.bytes);
  if (close(r->fd) != 0 && error == 0) error = errno;
  record_tell(r, error);
  return error == 0;
}

// ---- the two ways -------------------------------------------------------------------------------

// A millisecond from look to look while there is something: the first rings are small.
static double delay_after(bool any) { return any ? 0.001 : 0.004; }

static int record_program(struct record *r) {
  char blind[PATH_MAX + 256];
  bool whole = true, recording = true;
  int status = 0;
  cli_launch_prepare(0, r->options);
  if (cli_child_blind(&r->child, blind, sizeof blind)) cli_say("%s", blind);
  record_open(r);
  cli_child_start(&r->child);
  for (double delay = 0; !cli_child_wait(&r->child, delay);) {
    if (recording && record_is_over(r)) {
      whole = record_close(r);
      recording = false;
    }
    if (!recording) mid_drain_discard(r->number);  // of children that begin later
    delay = recording ? delay_after(mid_drain_look(r->drain)) : 0.1;
  }
  if (recording) whole = record_close(r);
  mid_drain_discard(r->number);
  while (waitpid(r->child.pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!whole && WIFEXITED(status) && WEXITSTATUS(status) == 0) return CLI_FAILED;
  cli_end_as(status);
}

static int record_process(struct record *r) {
  sigset_t set = cli_block_ends();
  struct mid_proc_stat stat;
  if (!mid_proc_stat_read(r->pid, &stat))
    cli_die(CLI_FAILED, "there is no process %d: 'midden ps' lists those on Midden", (int)r->pid);
  // Before the file is opened, which may hold another trace.
  if (mid_drain_ask(r->number, r->pid, true) == 0)
    cli_die(CLI_FAILED,
            "process %d does not run on this Midden, or is another user's: 'midden ps' lists those "
            "that do",
            (int)r->pid);
  record_open(r);
  double delay = 0;
  do {
    struct timespec most = {.tv_nsec = (long)(delay * 1e9)};
    if (sigtimedwait(&set, NULL, &most) > 0) break;
    delay = delay_after(mid_drain_look(r->drain));
  } while (!record_is_over(r) && mid_proc_lives(r->pid, stat.start_ticks));
  return record_close(r) ? 0 : CLI_FAILED;
}

int cli_record(int argc, char **argv) {
  static struct record r;
  record_arguments(&r, argc, argv);
  r.number = cli_random_number() & ~MID_RING_WANTS_STACKS;
  if (r.stacks) r.number |= MID_RING_WANTS_STACKS;
  mid_folders_sweep();
  if (r.pid != 0) return record_process(&r);
  char number[32];
  snprintf(number, sizeof number, "%llu", (unsigned long long)r.number);
  cli_options_add(r.options, sizeof r.options, "record=", number);
  cli_options_add(r.options, sizeof r.options, "feed=1", "");  // not kept at the end
  return record_program(&r);
}
