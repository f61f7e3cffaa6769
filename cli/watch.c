// cli/watch.c -- `midden watch`: any process's memory, a line at a time, and alarms.
// SPDX-License-Identifier: MIT
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "hook.h"
#include "launch.h"
#include "live/alarm.h"
#include "live/text.h"

enum {
  WATCH_EVERY,
  WATCH_FOR,
  WATCH_GROWTH,
  WATCH_JSON,
  WATCH_COMMAND,
  WATCH_SYSLOG,
  WATCH_FAIL
};                             // places in the verb's table
enum { BEFORE_COMMAND = 70 };  // columns
static const double least_every = 0.01, most_every = 24 * 3600, hook_patience = 5;

struct watch {
  double every, most, growth;
  bool json, syslog, fail;
  struct cli_hook hook;
  struct mid_watched *watched;
  size_t count, lines;
  bool alarmed, colour;
  unsigned columns;  // for the command
};

// ---- the command line ---------------------------------------------------------------------------

static double watch_read_percent(const char *words) {
  char *end;
  double n = strtod(words, &end);
  if (end != words && *end == '%') end++;
  if (end == words || *end != 0 || !isfinite(n) || n <= 0)
    cli_die(CLI_USAGE, "'%s' is not a growth in percent an hour: give it as 50", words);
  return n;
}

static double watch_read_every(const char *words) {
  double seconds = cli_read_seconds(words);
  if (seconds < least_every || seconds > most_every)
    cli_die(CLI_USAGE, "--every %s is out of range: give it from 10ms to 24h", words);
  return seconds;
}

static void watch_read_arguments(struct watch *w, int argc, char **argv) {
  struct cli_args args = cli_args_open(argc, argv);
  *w = (struct watch){.every = 10, .most = INFINITY, .growth = 50};
  for (int option; (option = cli_args_next(&args)) >= 0;) {
    if (option == WATCH_EVERY) w->every = watch_read_every(args.value);
    if (option == WATCH_FOR) w->most = cli_read_seconds(args.value);
    if (option == WATCH_GROWTH) w->growth = watch_read_percent(args.value);
    if (option == WATCH_JSON) w->json = true;
    if (option == WATCH_COMMAND) w->hook.command = args.value;
    if (option == WATCH_SYSLOG) w->syslog = true;
    if (option == WATCH_FAIL) w->fail = true;
  }
  w->count = (size_t)(args.argc - args.at);
  if (w->count == 0)
    cli_die(CLI_USAGE, "a process number is missing: midden watch [OPTION]... PID...");
  w->watched = calloc(w->count, sizeof *w->watched);
  if (w->watched == NULL) abort();
  for (size_t i = 0; i < w->count; i++) {
    pid_t pid = cli_read_pid(args.argv[args.at + (int)i]);
    if (!mid_watched_open(&w->watched[i], pid, w->every))
      cli_die(CLI_UNSEEN, "there is no process %d that could be watched: 'ps -e' lists all",
              (int)pid);
  }
}

// ---- lines --------------------------------------------------------------------------------------

static const char *watch_clock_words(struct mid_words *room) {
  time_t now = time(NULL);
  struct tm parts;
  strftime(room->at, sizeof room->at, "%T", localtime_r(&now, &parts));
  return room->at;
}

static const char *watch_date_words(struct mid_words *room) {
  time_t now = time(NULL);
  struct tm parts;
  strftime(room->at, sizeof room->at, "%FT%TZ", gmtime_r(&now, &parts));
  return room->at;
}

static void watch_print_heading(struct watch *w) {
  if (w->lines++ % 40 != 0) return;
  printf("%-8s  %7s  %8s  %8s  %8s  %8s  %9s  %s\n", "TIME", "PID", "RSS", "PSS", "SWAP", "LIVE",
         "+/h", "COMMAND");
}

// The growth in an hour when it is known, and whether it is certain that there is any.
static bool watch_growth_of(const struct mid_watched *p, double *growth) {
  struct mid_trend t;
  if (!mid_series_trend(mid_watched_signal(p), &t)) return false;
  *growth = t.lower > 0 || t.upper < 0 ? t.slope * 3600 : 0;
  return true;
}

static void watch_print_line(struct watch *w, const struct mid_watched *p) {
  const struct mid_live *l = &p->process;
  struct mid_line command;
  struct mid_words when, words;
  double growth;
  const char *grows = "-";
  if (watch_growth_of(p, &growth)) grows = growth == 0 ? "." : mid_signed_size(growth, &words);
  watch_print_heading(w);
  printf("%s  %7d  %8s  %8s  %8s  %8s  %9s  %s\n", watch_clock_words(&when), (int)l->pid,
         MID_SIZE(l->memory.rss), p->pss_known ? MID_SIZE(p->pss) : "-", MID_SIZE(l->memory.swap),
         l->has_feed ? MID_SIZE(l->live) : "-", grows,
         mid_fit(l->command, w->columns, MID_CUT_END, &command));
}

static json_t *watch_known(bool is_known, double n) {
  return is_known ? json_integer((json_int_t)n) : json_null();
}

static json_t *watch_json_line(const struct mid_live *l) {
  struct mid_words when;
  return json_pack("{s:s, s:i, s:s}", "time", watch_date_words(&when), "pid", (int)l->pid,
                   "command", l->command);
}

static void watch_json_print(json_t *line) {
  if (line == NULL || json_dumpf(line, stdout, JSON_COMPACT) != 0) cli_say("no memory for a line");
  putchar('\n');
  json_decref(line);
}

static void watch_print_json(const struct mid_watched *p) {
  const struct mid_live *l = &p->process;
  double growth = 0;
  bool is_known = watch_growth_of(p, &growth);
  json_t *line = watch_json_line(l);
  json_object_set_new(line, "rss", watch_known(true, (double)l->memory.rss));
  json_object_set_new(line, "pss", watch_known(p->pss_known, (double)p->pss));
  json_object_set_new(line, "swap", watch_known(true, (double)l->memory.swap));
  json_object_set_new(line, "live", watch_known(l->has_feed, (double)l->live));
  json_object_set_new(line, "growth_per_hour", watch_known(is_known, growth));
  watch_json_print(line);
}

// ---- alarms -------------------------------------------------------------------------------------

static void watch_print_alarm(const struct watch *w, const struct mid_live *l, const char *name,
                              const char *why) {
  struct mid_words when;
  if (w->json) {
    json_t *line = watch_json_line(l);
    json_object_set_new(line, "alarm", json_string(name));
    json_object_set_new(line, "text", json_string(why));
    watch_json_print(line);
    return;
  }
  printf("%s  %7d  %sALARM%s  %s: %s\n", watch_clock_words(&when), (int)l->pid,
         w->colour ? "\033[1;33m" : "", w->colour ? "\033[0m" : "", name, why);
}

static void watch_raise_alarm(struct watch *w, const struct mid_live *l, const char *name,
                              const char *why) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", (int)l->pid);
  w->alarmed = true;
  watch_print_alarm(w, l, name, why);
  fflush(stdout);
  if (w->syslog) syslog(LOG_WARNING, "%s: process %s (%s): %s", name, pid, l->command, why);
  const struct cli_hook_word words[] = {{"MIDDEN_ALARM", name},
                                        {"MIDDEN_TEXT", why},
                                        {"MIDDEN_PID", pid},
                                        {"MIDDEN_COMMAND", l->command}};
  cli_hook_run(&w->hook, words, sizeof words / sizeof *words);
}

static void watch_judge(struct watch *w, struct mid_watched *p) {
  char why[PATH_MAX + 256];
  for (int alarm = 0; alarm < MID_ALARMS; alarm++)
    if (mid_watched_judge(p, (enum mid_alarm)alarm, w->growth, why, sizeof why))
      watch_raise_alarm(w, &p->process, mid_alarm_name((enum mid_alarm)alarm), why);
}

// ---- over time ----------------------------------------------------------------------------------

// false: none of them runs any more.
static bool watch_look(struct watch *w) {
  bool any = false;
  for (size_t i = 0; i < w->count; i++) {
    struct mid_watched *p = &w->watched[i];
    mid_watched_look(p);
    if (p->process.lives && w->json) watch_print_json(p);
    if (p->process.lives && !w->json) watch_print_line(w, p);
    watch_judge(w, p);
    any = any || p->process.lives;
  }
  fflush(stdout);
  return any && !ferror(stdout);
}

// false: a signal said that it is enough.
static bool watch_wait_until(double when, const sigset_t *ends) {
  double left = when - cli_seconds();
  if (left < 0) left = 0;
  struct timespec most = {.tv_sec = (time_t)left,
                          .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
  return sigtimedwait(ends, NULL, &most) < 0;
}

// Looks are `every` apart, but for those that were missed.
static void watch_go_on(struct watch *w) {
  sigset_t ends = cli_block_ends();
  double began = cli_seconds(), end = began + w->most, next = began;
  while (watch_look(w)) {
    double now = cli_seconds();
    next = fmax(next + w->every, now);
    if (now >= end || !watch_wait_until(fmin(next, end), &ends)) return;
  }
}

int cli_watch(int argc, char **argv) {
  static struct watch w;
  setlocale(LC_CTYPE, "");
  watch_read_arguments(&w, argc, argv);
  struct mid_report_style style = cli_style(STDOUT_FILENO);
  w.colour = style.colour;
  // What is read by another program is not cut.
  unsigned columns = isatty(STDOUT_FILENO) ? cli_columns(STDOUT_FILENO) : 4096;
  w.columns = columns > BEFORE_COMMAND + 10 ? columns - BEFORE_COMMAND : 10;
  if (w.syslog) openlog("midden", LOG_PID, LOG_USER);
  watch_go_on(&w);
  cli_hook_wait(&w.hook, hook_patience);
  for (size_t i = 0; i < w.count; i++) mid_watched_close(&w.watched[i]);
  free(w.watched);
  return w.fail && w.alarmed ? CLI_FAILED : 0;
}
