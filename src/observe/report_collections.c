// observe/report_collections.c -- the collected heaps of a process, and their pauses, as text.
// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <string.h>

#include "observe/collections.h"
#include "observe/report.h"
#include "observe/words.h"

enum { PAUSE_BAR = 30, FACT_WIDTH = 14 };

struct ledger {
  FILE *out;
  const struct mid_report_style *style;
  const struct mid_feed_image *image;
};

// Each in a room of its own, so that several stand in one printf.
#define LEDGER_SIZE(bytes) mid_words_size(bytes, &(struct mid_words){0})
#define LEDGER_COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})
#define LEDGER_TIME(ns) mid_words_seconds((double)(ns) / 1e9, &(struct mid_words){0})

static const char *ledger_faint(const struct ledger *l) {
  return l->style->colour ? "\033[2m" : "";
}
static const char *ledger_plain(const struct ledger *l) {
  return l->style->colour ? "\033[0m" : "";
}

static void ledger_heading(const struct ledger *l, const char *words) {
  fprintf(l->out, "\n%s%s%s\n", l->style->colour ? "\033[1m" : "", words, ledger_plain(l));
}

__attribute__((format(printf, 3, 4))) static void ledger_fact(const struct ledger *l,
                                                              const char *key, const char *format,
                                                              ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(l->out, "  %-*s", FACT_WIDTH, key);
  mid_words_wrap(l->out, text, FACT_WIDTH + 2, l->style->columns);
}

static void ledger_sums(const struct ledger *l, double seconds) {
  const struct mid_feed_gc *gc = &l->image->gc;
  const struct mid_feed_gc_work *work = &l->image->collections.work;
  ledger_fact(l, "in use", "%s of %s held; %s held at the most", LEDGER_SIZE(gc->used),
              LEDGER_SIZE(gc->committed), LEDGER_SIZE(work->peak_committed));
  if (work->major > 0)
    ledger_fact(l, "live", "%s in %s objects at the last major collection", LEDGER_SIZE(gc->live),
                LEDGER_COUNT(gc->live_objects));
  ledger_fact(l, "collections", "%s minor, %s major; %s of processor time",
              LEDGER_COUNT(work->minor), LEDGER_COUNT(work->major), LEDGER_TIME(work->cpu));
  ledger_fact(l, "stopped", "for %s in all, %.1f %% of the time", LEDGER_TIME(work->stopped),
              mid_words_share((double)work->stopped / 1e9, seconds));
  ledger_fact(l, "pauses", "half up to %s, 90 %% up to %s, 99 %% up to %s, the longest %s",
              LEDGER_TIME(work->p50), LEDGER_TIME(work->p90), LEDGER_TIME(work->p99),
              LEDGER_TIME(work->longest));
}

static void ledger_pauses(const struct ledger *l) {
  struct mid_pause_row row[MID_PAUSE_ROWS];
  unsigned rows = mid_collections_pauses(l->image, row);
  uint64_t most = 1;
  for (unsigned i = 0; i < rows; i++)
    if (row[i].pauses > most) most = row[i].pauses;
  ledger_heading(l, "How long collections stopped the program");
  fprintf(l->out, "  %s%10s %10s %11s%s\n", ledger_faint(l), "from", "to", "times",
          ledger_plain(l));
  for (unsigned i = 0; i < rows; i++) {
    fprintf(l->out, "  %10s %10s %11s", LEDGER_TIME(row[i].from), LEDGER_TIME(row[i].to),
            LEDGER_COUNT(row[i].pauses));
    if (row[i].pauses > 0) {
      fputs("  ", l->out);
      mid_words_bar(l->out, (double)row[i].pauses / (double)most, PAUSE_BAR, l->style->utf8,
                    l->style->colour);
    }
    fputc('\n', l->out);
  }
}

// A window that the program did not run for has no figures.
static void ledger_utilisation(const struct ledger *l) {
  const struct mid_feed_gc_window *w = l->image->collections.window;
  if (w[0].window == 0 || w[0].least == UINT64_MAX) return;
  ledger_heading(l, "The share of time that collections left to the program");
  fprintf(l->out, "  %s%10s %10s %13s %13s%s\n", ledger_faint(l), "in windows", "every one",
          "99 of 100", "half", ledger_plain(l));
  for (unsigned k = 0; k < MID_FEED_WINDOWS && w[k].least <= 1000000; k++)
    fprintf(l->out, "  %10s %8.1f %% %11u %% %11u %%\n", LEDGER_TIME(w[k].window),
            (double)w[k].least / 1e4, (unsigned)(w[k].p1 % 101), (unsigned)(w[k].p50 % 101));
}

void mid_report_collections(const struct mid_process *process, const struct mid_report_style *style,
                            FILE *out) {
  const struct ledger l = {out, style, &process->image};
  double ended = process->lives ? process->seen : process->ended;
  if (mid_collections_count(l.image) == 0) return;
  char words[64];
  snprintf(words, sizeof words, "Collected heap%s", l.image->gc.heaps == 1 ? "" : "s");
  ledger_heading(&l, words);
  ledger_sums(&l, ended - process->began);
  ledger_pauses(&l);
  ledger_utilisation(&l);
}
