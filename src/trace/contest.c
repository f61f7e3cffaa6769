// trace/contest.c -- see contest.h: who is best, and the table.
// SPDX-License-Identifier: MIT
#include "trace/contest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "observe/words.h"

#define SIZE(bytes) mid_words_size(bytes, &(struct mid_words){0})
#define COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})
#define SECONDS(seconds) mid_words_seconds(seconds, &(struct mid_words){0})

// ---- who is best ----

static bool finished(const struct mid_row *r) { return r->failure[0] == 0 && r->failures == 0; }

static int by_time(const void *x, const void *y) {
  const struct mid_row *a = x, *b = y;
  bool a_ended = a->failure[0] != 0, b_ended = b->failure[0] != 0;
  if (a_ended != b_ended) return a_ended ? 1 : -1;
  if (a->seconds != b->seconds) return a->seconds < b->seconds ? -1 : 1;
  return strcmp(a->name, b->name);
}

static bool judged(const struct mid_contest *c, const struct mid_row *r) {
  return finished(r) && !(r->policy && c->planned->plan->threads > 1);
}

// Not 0, so that one can be divided by another: the clock's grain, and a page.
static double time_of(const struct mid_row *r) { return r->seconds > 1e-6 ? r->seconds : 1e-6; }
static double memory_of(const struct mid_row *r) {
  return r->peak_rss > 4096 ? (double)r->peak_rss : 4096;
}
static double both_of(const struct mid_row *r) { return time_of(r) * memory_of(r); }

static int least(const struct mid_contest *c, double (*what)(const struct mid_row *)) {
  int best = -1;
  for (size_t i = 0; i < c->rows; i++)
    if (judged(c, &c->row[i]) && (best < 0 || what(&c->row[i]) < what(&c->row[best])))
      best = (int)i;
  return best;
}

// ---- advice ----

#define TOO_SHORT 0.001  // seconds; a page fault more or less is seen in what is shorter

__attribute__((format(printf, 2, 3))) static void advise(struct mid_contest *c, const char *format,
                                                         ...) {
  size_t used = strlen(c->advice);
  va_list values;
  va_start(values, format);
  vsnprintf(c->advice + used, sizeof c->advice - used, format, values);
  va_end(values);
}

static const struct mid_row *named(const struct mid_contest *c, const char *name) {
  for (size_t i = 0; i < c->rows; i++)
    if (strcmp(c->row[i].name, name) == 0 && finished(&c->row[i])) return &c->row[i];
  return NULL;
}

// The best of those that a program can take for its malloc without a change.
static const struct mid_row *malloc_knee(const struct mid_contest *c) {
  const struct mid_row *best = NULL;
  for (size_t i = 0; i < c->rows; i++) {
    const struct mid_row *r = &c->row[i];
    if (judged(c, r) && !r->policy && (best == NULL || both_of(r) < both_of(best))) best = r;
  }
  return best;
}

static void advise_beside(struct mid_contest *c, const struct mid_row *r) {
  const struct mid_row *libc = named(c, "glibc");
  if (libc == NULL || libc == r) return;
  advise(c, ": %.0f %% of glibc's time, %.0f %% of its peak memory",
         100 * time_of(r) / time_of(libc), 100 * memory_of(r) / memory_of(libc));
}

static double slowest(const struct mid_contest *c) {
  double most = 0;
  for (size_t i = 0; i < c->rows; i++)
    if (finished(&c->row[i]) && c->row[i].seconds > most) most = c->row[i].seconds;
  return most;
}

static void advise_on(struct mid_contest *c) {
  const struct mid_row *knee = &c->row[c->knee], *other = malloc_knee(c);
  bool both = c->knee == c->best_time && c->knee == c->best_memory;
  if (slowest(c) < TOO_SHORT) {
    advise(c, "This trace is too short to tell allocators apart by time: record a longer run.");
    return;
  }
  if (c->rows == 1) {
    advise(c, "%s ran alone: name others by --under to compare it with.", knee->name);
    return;
  }
  if (knee->policy && other != NULL) {
    advise(c,
           "%s suits these sizes and lifetimes best, in a region of your own (midden/%s.h); "
           "as the program's malloc take %s",
           knee->name,
           strcmp(knee->name, "obmalloc") == 0 ? "classic"
           : strcmp(knee->name, "buddy") == 0  ? "buddy"
           : strcmp(knee->name, "arena") == 0  ? "arena"
                                               : "fit",
           other->name);
    knee = other;
  } else if (both) {
    advise(c, "Take %s, the best at both", knee->name);
  } else {
    advise(c, "Take %s, the nearest to best at both", knee->name);
  }
  advise_beside(c, knee);
  advise(c, ".");
}

static bool any_refused(const struct mid_contest *c) {
  bool any = false;
  for (size_t i = 0; i < c->rows; i++) any |= c->row[i].failures > 0;
  return any;
}

void mid_contest_judge(struct mid_contest *c) {
  qsort(c->row, c->rows, sizeof *c->row, by_time);
  c->best_time = least(c, time_of);
  c->best_memory = least(c, memory_of);
  c->knee = least(c, both_of);
  c->advice[0] = 0;
  if (c->knee >= 0)
    advise_on(c);
  else if (any_refused(c))
    advise(c, "No policy had room for every block: give a larger --region.");
  else
    advise(c, "No row finished: raise --limit or --time-limit.");
}

// ---- the table ----

enum { NAME_MOST = 20 };

static int name_columns(const struct mid_contest *c) {
  size_t most = strlen("allocator");
  for (size_t i = 0; i < c->rows; i++) most = mid_max(most, strlen(c->row[i].name));
  return (int)mid_min(most, NAME_MOST);
}

static void share_words(double share, bool known, char *room, size_t bytes) {
  if (known)
    snprintf(room, bytes, "%.1f %%", 100 * share);
  else
    snprintf(room, bytes, "-");
}

static void print_row(const struct mid_contest *c, const struct mid_row *r, int columns,
                      FILE *out) {
  char external[16], internal[16];
  fprintf(out, "  %-*.*s", columns, NAME_MOST, r->name);
  if (r->failure[0] != 0) {
    fprintf(out, "  failed at event %" PRIu64 " of %" PRIu64 ": %s\n", r->failed,
            c->planned->plan->ops, r->failure);
    return;
  }
  share_words(r->external, true, external, sizeof external);
  share_words(r->internal, r->knows_internal, internal, sizeof internal);
  fprintf(out, " %8s %10s %10s %10s %8s %8s", SECONDS(r->seconds), SIZE(r->peak_rss),
          SIZE(r->mean_rss), SIZE(r->extent), external, internal);
  if (r->failures > 0)
    fprintf(out, "\n  %-*s  %" PRIu64 " failure%s, the first at event %" PRIu64, columns, "",
            r->failures, r->failures == 1 ? "" : "s", r->failed);
  fputc('\n', out);
}

// As much of the command as the line has room for.
static void print_title(const struct mid_contest *c, const struct mid_report_style *style,
                        FILE *out) {
  char title[512];
  snprintf(title, sizeof title, "Replay of %s: %s", c->trace, c->command);
  mid_words_tame(title);
  size_t most = style->columns < sizeof title ? style->columns : sizeof title - 1;
  if (strlen(title) > most) memcpy(title + most - 3, "...", 4);
  fprintf(out, "%s%s%s\n", style->colour ? "\033[1m" : "", title, style->colour ? "\033[0m" : "");
  for (unsigned i = 0; i < style->columns; i++) fputs(style->utf8 ? "\u2500" : "-", out);
  fputc('\n', out);
}

static void print_head(const struct mid_contest *c, FILE *out) {
  const struct mid_planned *p = c->planned;
  const struct mid_plan *plan = p->plan;
  fprintf(out, "  %s events, of %u thread%s", COUNT(plan->ops), plan->threads,
          plan->threads == 1 ? "" : "s");
  if (plan->threads > 1) fprintf(out, ", %u at once", plan->lanes);
  fprintf(out, "; %s allocations, %s live at the peak\n", COUNT(p->births), SIZE(p->live_peak));
  if (c->processes > 1)
    fprintf(out, "  process %u of %u, with %.0f %% of all events; --process N replays another\n",
            p->process, c->processes, mid_words_share((double)plan->ops, (double)p->all_events));
  if (p->no_birth > 0)
    fprintf(out, "  left out: %s frees and resizes of blocks whose birth is not in the trace\n",
            COUNT(p->no_birth));
  if (p->lost > 0) fprintf(out, "  not in the trace: %s events that were lost\n", COUNT(p->lost));
}

static void print_verdict(const struct mid_contest *c, const struct mid_report_style *style,
                          FILE *out) {
  static const char *const what[] = {"best time", "best memory", "knee"};
  const int place[] = {c->best_time, c->best_memory, c->knee};
  fputc('\n', out);
  for (int i = 0; i < 3; i++)
    fprintf(out, "%s: %s%s%s\n", what[i], style->colour ? "\033[1m" : "",
            place[i] < 0 ? "none" : c->row[place[i]].name, style->colour ? "\033[0m" : "");
  mid_words_wrap(out, c->advice, 0, style->columns);
}

void mid_contest_text(const struct mid_contest *c, const struct mid_report_style *style,
                      FILE *out) {
  int columns = name_columns(c);
  bool policies = false;
  print_title(c, style, out);
  print_head(c, out);
  fprintf(out, "\n%s  %-*s %8s %10s %10s %10s %17s%s\n", style->colour ? "\033[1m" : "", columns,
          "", "", "peak", "mean", "peak heap", "fragmentation", style->colour ? "\033[0m" : "");
  fprintf(out, "%s  %-*s %8s %10s %10s %10s %8s %8s%s\n", style->colour ? "\033[1m" : "", columns,
          "allocator", "time", "RSS", "RSS", "extent", "external", "internal",
          style->colour ? "\033[0m" : "");
  for (size_t i = 0; i < c->rows; i++) {
    print_row(c, &c->row[i], columns, out);
    policies |= c->row[i].policy;
  }
  if (policies && c->planned->plan->threads > 1)
    fputs("\n  The policies have no threads: they ran in recorded order, and are not judged.\n",
          out);
  print_verdict(c, style, out);
}
