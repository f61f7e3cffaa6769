// cli/run.c -- `midden run`: start a program on the heap, look at it while it runs, report.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "child.h"
#include "cli.h"
#include "file.h"
#include "gate.h"
#include "keep.h"
#include "launch.h"
#include "looks.h"
#include "observe/folders.h"
#include "observe/page.h"
#include "observe/words.h"
#include "report.h"
#include "status.h"

enum {
  REPORT,
  JSON,
  LIMIT,
  OPTION,
  FAIL_ON,
  FAIL_STATUS,
  SUPPRESS,
  DIAGNOSE,
  GC_LOG,
  QUIET
};  // places in the verb's table
enum { MOST_NOTES = 8 };

struct run {
  const char *report, *json, *gc_log;
  bool quiet;
  double started;  // seconds since 1970
  char options[4096];
  struct cli_gate gate;

  struct cli_child child;
  int status;
  struct cli_looks looks;
  struct cli_status line;
  char *note[MOST_NOTES];
  size_t notes;
};

// ---- the command line ---------------------------------------------------------------------------

static void read_arguments(struct run *run, int argc, char **argv) {
  cli_options_add(run->options, sizeof run->options, "", "last_look=1");
  struct cli_args args = cli_args_open(argc, argv);
  for (int option; (option = cli_args_next(&args)) >= 0;) {
    if (option == REPORT) run->report = args.value;
    if (option == JSON) run->json = args.value;
    if (option == LIMIT)
      cli_options_add(run->options, sizeof run->options, "heap_limit=", args.value);
    if (option == OPTION) cli_options_add(run->options, sizeof run->options, "", args.value);
    if (option == FAIL_ON) cli_gate_fail_on(&run->gate, args.value);
    if (option == FAIL_STATUS) cli_gate_fail_status(&run->gate, args.value);
    if (option == SUPPRESS) cli_gate_suppress(&run->gate, args.value);
    if (option == DIAGNOSE) run->looks.diagnose = true;
    if (option == GC_LOG) run->gc_log = args.value;
    if (option == QUIET) run->quiet = true;
  }
  cli_child_find(&run->child, &args);
}

// ---- notes --------------------------------------------------------------------------------------

__attribute__((format(printf, 2, 3))) static void note(struct run *run, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (run->notes < MOST_NOTES && vasprintf(&run->note[run->notes], format, args) >= 0) run->notes++;
  va_end(args);
}

// What can be said before it runs.  That nothing will be seen is said at once.
static void note_program(struct run *run) {
  const struct mid_program *p = &run->child.program;
  char blind[PATH_MAX + 256];
  if (cli_child_blind(&run->child, blind, sizeof blind)) note(run, "%s", blind);
  if (run->notes > 0) cli_say("%s", run->note[0]);
  if (p->other_malloc[0] != 0)
    note(run, "%s links %s; its calls by the standard names go to Midden", p->looked_at,
         p->other_malloc);
}

static void note_blind(struct run *run) {
  struct mid_figures f;
  struct mid_words outside, peak;
  const struct mid_process *first = run->looks.watch.process[0];
  mid_figures_make(first, &f);
  bool known =
      run->child.program.secure || run->child.program.foreign || run->child.program.is_static;
  if (!mid_figures_blind(first, &f)) return;
  // It was said already, or others of the run are seen.
  if (!first->has_feed && (known || run->looks.watch.count > 1)) return;
  if (first->has_feed)
    note(run,
         "%s of at most %s never passed through malloc: the program has a heap of its own "
         "that it maps, calls another malloc by other names, or maps files",
         mid_words_size(f.outside, &outside), mid_words_size(f.peak_rss, &peak));
  else
    note(run,
         "nothing was heard from Midden in this program: it never called malloc by a standard "
         "name, took LD_PRELOAD out of its environment, or found no folder to write its feed to "
         "($XDG_RUNTIME_DIR/midden, /dev/shm, /tmp)");
  if (run->quiet) cli_say("%s", run->note[run->notes - 1]);
}

static void note_kill(struct run *run) {
  uint64_t kills = mid_cgroup_new_kills(&run->looks.cgroup);
  struct mid_words limit;
  if (kills == 0) return;
  bool first = WIFSIGNALED(run->status) && WTERMSIG(run->status) == SIGKILL;
  char who[64] = "the kernel killed the program for its memory";
  if (!first)
    snprintf(who, sizeof who, "the kernel killed %" PRIu64 " process%s for memory", kills,
             kills == 1 ? "" : "es");
  if (run->looks.cgroup.limit == 0)
    note(run, "%s: the machine had no more (cgroup %s, without a limit)", who,
         run->looks.cgroup.path);
  else
    note(run, "%s: the limit of cgroup %s is %s; with --limit cgroup malloc refuses before that",
         who, run->looks.cgroup.limited, mid_words_size(run->looks.cgroup.limit, &limit));
  if (run->quiet) cli_say("%s", run->note[run->notes - 1]);
}

// What came of tracing it.
static void note_trace(struct run *run) {
  const struct mid_process *first = run->looks.watch.process[0];
  size_t children = cli_looks_explain(&run->looks);
  if (children > 0)
    note(run,
         "what %zu child process%s held at the end was not seen, since %s ended by a signal or the "
         "like: only the first process of a run is traced; 'midden run' before a child's own "
         "command sees it",
         children, children == 1 ? "" : "es", children == 1 ? "it" : "they");
  if (run->looks.refused != NULL && !first->seen_last)
    note(run, "what the program held at its end was not seen: %s", run->looks.refused);
  else if (first->has_feed && first->last_look != NULL && first->last_look->missed[0] != 0)
    note(run, "what the program held at its end was not looked through: %s",
         first->last_look->missed);
  if (run->looks.tracer.lost_rights[0] != 0) {
    note(run,
         "%s is set-uid, and the kernel gave it no other rights, since the program is traced: "
         "--option last_look=0 leaves it untraced",
         run->looks.tracer.lost_rights);
    cli_say("%s", run->note[run->notes - 1]);
  }
}

// ---- its end ------------------------------------------------------------------------------------

static double seconds_of(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

// What the kernel counted, unless some may be another's: of a child that the program waited for, or
// a peak of this command, which the program was until it called exec.
static void take_usage(struct run *run, const struct mid_proc_stat *stat,
                       const struct rusage *usage) {
  struct rusage own;
  struct mid_process *first = run->looks.watch.process[0];
  uint64_t peak = (uint64_t)usage->ru_maxrss * 1024;
  if (stat->had_children || getrusage(RUSAGE_SELF, &own) != 0) return;
  first->cpu_seconds = seconds_of(usage->ru_utime) + seconds_of(usage->ru_stime);
  if (usage->ru_maxrss > own.ru_maxrss && peak > first->peak_rss) first->peak_rss = peak;
}

static void finish(struct run *run) {
  struct mid_proc_stat stat = {0};
  struct rusage usage = {0};
  mid_watch_finish(&run->looks.watch);  // while it still is there, as a zombie with its figures
  bool known = mid_proc_stat_read(run->child.pid, &stat);
  if (wait4(run->child.pid, &run->status, 0, &usage) == run->child.pid && known)
    take_usage(run, &stat, &usage);
  cli_status_hide(&run->line);
}

// ---- the report ---------------------------------------------------------------------------------

static bool print_text(const void *story, FILE *out) {
  struct mid_report_style style = cli_style(-1);
  mid_report_text(story, &style, out);
  return true;
}

static bool print_json(const void *story, FILE *out) { return mid_report_json(story, out); }

static bool write_file(const char *name, bool (*print)(const void *, FILE *),
                       const struct mid_run_story *story) {
  int error = name != NULL ? cli_file_write(name, print, story) : 0;
  if (error != 0) cli_say("'%s' could not be written: %s", name, strerror(error));
  return error == 0;
}

// As text or as a page, by its name.
static bool write_report(const char *name, const struct mid_run_story *story) {
  if (name == NULL || cli_report_is_text(name)) return write_file(name, print_text, story);
  char *data = mid_page_data(story);
  int error = cli_report_write(name, data);
  if (error != 0) cli_say("'%s' could not be written: %s", name, strerror(error));
  free(data);
  return error == 0;
}

static bool tell(const struct run *run) {
  const struct mid_run_story story = {.watch = &run->looks.watch,
                                      .status = run->status,
                                      .note = (const char *const *)run->note,
                                      .notes = run->notes};
  if (!run->quiet) {
    struct mid_report_style style = cli_style(STDERR_FILENO);
    fputc('\n', stderr);
    mid_report_text(&story, &style, stderr);
    fflush(stderr);
  }
  bool ok = write_report(run->report, &story);
  ok = write_file(run->json, print_json, &story) && ok;
  cli_run_keep(&story, run->started, run->quiet);
  return ok;
}

int cli_run(int argc, char **argv) {
  static struct run run;
  uint64_t number = cli_random_number();
  setlocale(LC_CTYPE, "");
  run.gate = cli_gate_open();
  read_arguments(&run, argc, argv);
  cli_file_require(run.report);
  cli_file_require(run.json);
  cli_file_require(run.gc_log);
  if (run.gc_log != NULL && setenv("MIDDEN_GC_LOG", run.gc_log, 1) != 0)
    cli_die(CLI_FAILED, "no memory for MIDDEN_GC_LOG");
  cli_launch_prepare(number, run.options);
  note_program(&run);
  mid_folders_sweep();
  run.looks.gate = &run.gate;
  cli_looks_prepare(&run.looks, number, run.options, &run.child);
  cli_launch_core_filter();
  run.started = (double)time(NULL);
  cli_child_start(&run.child);
  run.line = cli_status_open(STDERR_FILENO, !run.quiet);
  run.child.line = &run.line;
  cli_looks_go(&run.looks, number, &run.line);
  finish(&run);
  note_blind(&run);
  note_kill(&run);
  note_trace(&run);
  cli_gate_diagnose(&run.gate, &run.looks.watch);
  bool ok = tell(&run), well = WIFEXITED(run.status) && WEXITSTATUS(run.status) == 0;
  int fails = well && ok ? cli_gate_judge(&run.gate, &run.looks.watch) : 0;
  cli_looks_close(&run.looks);
  cli_gate_close(&run.gate);
  if (!ok && well) return CLI_FAILED;
  if (fails != 0) return fails;
  cli_end_as(run.status);
}
