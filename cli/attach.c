// cli/attach.c -- `midden attach`: what is found of a process that runs on Midden already.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "gate.h"
#include "graph/holders.h"
#include "launch.h"
#include "observe/cgroup.h"
#include "observe/words.h"
#include "walk/last_look.h"

enum {
  ATTACH_FOR,
  ATTACH_JSON,
  ATTACH_FAIL_ON,
  ATTACH_FAIL_STATUS,
  ATTACH_SUPPRESS
};  // places in the verb's table

struct attach {
  pid_t pid;
  double seconds;
  const char *json;
  struct cli_gate gate;
  struct mid_watch watch;
  struct mid_cgroup cgroup;
};

static void attach_read_arguments(struct attach *a, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  a->seconds = 10;
  for (int option; (option = cli_args_next(&args)) >= 0;) {
    if (option == ATTACH_FOR) a->seconds = cli_read_seconds(args.value);
    if (option == ATTACH_JSON) a->json = args.value;
    if (option == ATTACH_FAIL_ON) cli_gate_fail_on(&a->gate, args.value);
    if (option == ATTACH_FAIL_STATUS) cli_gate_fail_status(&a->gate, args.value);
    if (option == ATTACH_SUPPRESS) cli_gate_suppress(&a->gate, args.value);
  }
  if (args.at == args.argc)
    cli_die(CLI_USAGE,
            "a process is missing: midden attach [OPTION]... PID; 'midden ps' lists them");
  a->pid = cli_read_pid(args.argv[args.at++]);
  cli_args_end(&args);
  cli_file_require(a->json);
}

// It must be there, on Midden, and sampled.
static void first_look(struct attach *a) {
  if (!mid_watch_attach(&a->watch, a->pid))
    cli_die(CLI_FAILED, "there is no process %d: 'midden ps' lists those on Midden", (int)a->pid);
  mid_watch_look(&a->watch);
  const struct mid_process *p = a->watch.process[0];
  if (!p->has_feed)
    cli_die(CLI_UNSEEN,
            "process %d does not run on Midden, or is another user's: 'midden ps' lists those that "
            "do",
            (int)a->pid);
  if (p->profile == NULL)
    cli_die(CLI_UNSEEN,
            "process %d does not sample its allocations: start it without the option sample=0, and "
            "with a Midden of this version",
            (int)a->pid);
}

// ^C ends the watching, not the report.
static void watch_it(struct attach *a) {
  sigset_t set = cli_block_ends();
  for (double left; (left = a->seconds - mid_watch_seconds(&a->watch)) > 0;) {
    double delay = mid_watch_delay(&a->watch);
    if (delay > left) delay = left;
    struct timespec most = {.tv_sec = (time_t)delay,
                            .tv_nsec = (long)((delay - (double)(time_t)delay) * 1e9)};
    if (sigtimedwait(&set, NULL, &most) > 0) break;
    mid_watch_look(&a->watch);
    mid_cgroup_follow(a->pid, &a->cgroup);
    a->watch.limit = a->cgroup.limit;
    if (!a->watch.process[0]->lives) break;
  }
}

// What only a walk of its memory tells: what is lost, and who holds the rest.  The profile is read
// again, to have the stacks that are of this second.
static void walk_it(struct attach *a) {
  struct mid_process *p = a->watch.process[0];
  if (!p->lives) return;
  mid_last_look_running(p, a->gate.symbols, mid_holders_take);
  p->profile_next = 0;
  mid_watch_look(&a->watch);
}

static bool attach_print_json(const void *story, FILE *out) { return mid_report_json(story, out); }

static bool attach_tell(const struct attach *a) {
  const struct mid_process *p = a->watch.process[0];
  char missed[320];
  const char *const note[] = {missed};
  bool blind = p->last_look != NULL && p->last_look->missed[0] != 0;
  const struct mid_run_story story = {.watch = &a->watch, .note = note, .notes = blind};
  struct mid_report_style style = cli_style(STDOUT_FILENO);
  struct mid_words live, rss;
  printf("process %d: %s resident, %s live%s\n", (int)p->pid, mid_words_size(p->memory.rss, &rss),
         mid_words_size(mid_image_live(&p->image), &live), p->lives ? "" : "; it has ended");
  if (p->diagnosis->findings.count + p->diagnosis->suppressed == 0) printf("nothing was found\n");
  mid_report_findings(p, &style, stdout);
  if (blind) {
    snprintf(missed, sizeof missed, "what it has lost was not looked for: %s",
             p->last_look->missed);
    cli_say("%s", missed);
  }
  if (p->lives)
    printf("\n'midden leaks %d' lists what it has lost, 'midden graph %d' who holds the rest\n",
           (int)p->pid, (int)p->pid);
  int error = a->json != NULL ? cli_file_write(a->json, attach_print_json, &story) : 0;
  if (error != 0) cli_say("'%s' could not be written: %s", a->json, strerror(error));
  return error == 0;
}

int cli_attach(int argc, char **argv) {
  static struct attach a;
  setlocale(LC_CTYPE, "");
  a.gate = cli_gate_open();
  attach_read_arguments(&a, argc, argv);
  first_look(&a);
  watch_it(&a);
  walk_it(&a);
  cli_gate_diagnose(&a.gate, &a.watch);
  bool ok = attach_tell(&a);
  int fails = cli_gate_judge(&a.gate, &a.watch);
  mid_last_look_close(a.watch.process[0]);
  mid_watch_close(&a.watch);
  cli_gate_close(&a.gate);
  return !ok ? CLI_FAILED : fails;
}
