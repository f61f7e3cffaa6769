// cli/top.c -- `midden top`: a process's memory and its sites, on the full screen.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "launch.h"
#include "live/draw.h"
#include "live/screen.h"
#include "observe/folders.h"

// ---- before it begins ---------------------------------------------------------------------------

static void top_require_terminal(void) {
  const char *term = getenv("TERM");
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
    cli_die(CLI_USAGE,
            "'top' needs a terminal, to show figures and to read keys: without one use 'midden "
            "watch PID'");
  if (term == NULL || *term == 0 || strcmp(term, "dumb") == 0)
    cli_die(CLI_USAGE,
            "'top' needs a terminal on which words can be put anywhere, and TERM says that this is "
            "none: use 'midden watch PID', or set TERM");
}

// ---- while it goes on ---------------------------------------------------------------------------

static bool top_print(const void *self, FILE *out) { return mid_top_snapshot(self, out); }

static void top_write_snapshot(struct mid_top *top) {
  char name[128], when[32];
  time_t now = time(NULL);
  struct tm parts;
  strftime(when, sizeof when, "%Y%m%dT%H%M%S", localtime_r(&now, &parts));
  snprintf(name, sizeof name, "midden-%d-%s.json", (int)top->process.pid, when);
  int error = cli_file_write(name, top_print, top);
  if (error == 0)
    mid_top_say(top, "written: %s", name);
  else
    mid_top_say(top, "%s could not be written: %s", name, strerror(error));
}

// Keys that wait are all read before anything is drawn: a slow line falls behind else.
static bool top_take_keys(struct mid_top *top, int key, size_t rows) {
  for (; key != MID_SCREEN_LATE; key = mid_screen_key(0)) {
    if (key == MID_SCREEN_OVER) return false;
    if (key == MID_SCREEN_SIZE) return true;
    enum mid_top_wish wish = mid_top_key(top, key, rows);
    if (wish == MID_TOP_QUIT) return false;
    if (wish == MID_TOP_WRITE) top_write_snapshot(top);
    if (wish == MID_TOP_REDRAW) mid_screen_spoilt();
  }
  return true;
}

static void top_show(struct mid_top *top) {
  double next = cli_seconds() + top->interval;
  for (;;) {
    size_t rows = mid_draw(top);
    double wait = next - cli_seconds();
    int key = mid_screen_key(wait > 0 ? wait : 0);
    if (!top_take_keys(top, key, rows)) return;
    double now = cli_seconds();
    if (next > now + top->interval) next = now + top->interval;  // it was made shorter
    if (now < next) continue;
    mid_top_look(top);
    next = cli_seconds() + top->interval;
  }
}

int cli_top(int argc, char **argv) {
  static struct mid_top top;
  struct cli_args args = cli_args_open(argc, argv);
  while (cli_args_next(&args) >= 0) continue;
  pid_t pid = args.at < argc ? cli_read_pid(argv[args.at++]) : 0;
  cli_args_end(&args);
  top_require_terminal();
  setlocale(LC_CTYPE, "");
  if (!mid_top_open(&top, pid))
    cli_die(CLI_UNSEEN, "there is no process %d: 'midden ps' lists those on Midden", (int)pid);
  const char *wrong = mid_screen_open(cli_style(STDOUT_FILENO).colour);
  if (wrong != NULL) cli_die(CLI_FAILED, "%s: use 'midden watch PID', or set TERM", wrong);
  top_show(&top);
  mid_screen_close();
  int by = mid_screen_signal();
  mid_top_close(&top);
  if (by != 0) cli_end_as(by);
  return 0;
}
