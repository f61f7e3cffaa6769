// live/draw_above.c -- the process, above the list: its figures and two charts.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "live/layout.h"
#include "live/screen.h"
#include "observe/collections.h"

static void draw_bar(unsigned row, unsigned column, unsigned columns, double share) {
  struct mid_line bar;
  size_t at = 0;
  unsigned full = (unsigned)lround(fmin(share, 1) * columns);
  bool utf8 = mid_locale_is_utf8();
  bar.at[0] = 0;
  for (unsigned i = 0; i < columns && at + 4 < sizeof bar.at; i++) {
    const char *mark = utf8 ? (i < full ? "\u2588" : "\u2591") : (i < full ? "#" : ".");
    at += (size_t)snprintf(bar.at + at, sizeof bar.at - at, "%s", mark);
  }
  mid_screen_put(row, column, columns, share > 0.9 ? MID_RISES : MID_RSS, bar.at);
}

// At the right: how much of what it may not pass is resident, as far as `left` columns before it
// stay free.  Returns where that begins.
static unsigned draw_resident(const struct mid_live *p, unsigned left, const struct mid_layout *l) {
  struct mid_line before, after;
  double share = p->limit > 0 ? (double)p->memory.rss / (double)p->limit : 0;
  snprintf(before.at, sizeof before.at, " RSS %s ", MID_SIZE(p->memory.rss));
  snprintf(after.at, sizeof after.at, " %.0f %% of %s (%s)", 100 * share, MID_SIZE(p->limit),
           p->limit_of);
  unsigned first = mid_columns(before.at), bar = l->columns >= 100 ? 20 : 10;
  unsigned last = mid_columns(after.at);
  if (left + first + bar + last > l->columns) bar = 0;
  if (left + first + bar + last > l->columns) last = 0;
  if (left + first > l->columns) return l->columns;
  unsigned at = l->columns - first - bar - last;
  mid_screen_put(0, at, first, MID_BOLD, before.at);
  draw_bar(0, at + first, bar, share);
  mid_screen_put(0, at + first + bar, last, MID_PLAIN, after.at);
  return at;
}

// The program's name, without its folder.
static void program_name(const char *command, struct mid_line *out) {
  size_t bytes = strcspn(command, " ");
  const char *name = command;
  for (size_t i = 0; i < bytes; i++)
    if (command[i] == '/') name = command + i + 1;
  snprintf(out->at, sizeof out->at, "%.*s", (int)(command + bytes - name), name);
}

// Its name and number, and how long it runs where there is room for that.
static void draw_process(const struct mid_top *top, const struct mid_layout *l) {
  const struct mid_live *p = &top->process;
  struct mid_line name, fitted, number, age;
  program_name(p->command, &name);
  mid_fit(name.at, l->columns / 3, MID_CUT_MIDDLE, &fitted);
  snprintf(number.at, sizeof number.at, " (%d)", (int)p->pid);
  snprintf(age.at, sizeof age.at, " %s %s", p->lives ? "up" : "ENDED after",
           MID_SECONDS(mid_proc_age(p->start_ticks) - (p->lives ? 0 : top->now - p->ended)));
  unsigned at = mid_columns(fitted.at), after = at + mid_columns(number.at);
  unsigned all = after + mid_columns(age.at);
  if (all + 14 > l->columns) all = after;  // it has no room beside RSS
  unsigned end = draw_resident(p, all, l);
  mid_screen_put(0, 0, end, MID_BOLD, fitted.at);
  if (at < end) mid_screen_put(0, at, end - at, MID_PLAIN, number.at);
  if (after < all) mid_screen_put(0, after, end - after, p->lives ? MID_PLAIN : MID_RISES, age.at);
}

static void draw_second(const struct mid_top *top, const struct mid_layout *l) {
  const struct mid_live *p = &top->process;
  struct mid_line words;
  char live[160] = "";
  if (!l->second) return;
  if (p->has_feed)
    snprintf(live, sizeof live, "live %s   %s alloc/s   %.0f %% fragmented   ", MID_SIZE(p->live),
             MID_COUNT(p->live_rate), p->free_share);
  snprintf(words.at, sizeof words.at, "%s%" PRIu64 " thread%s   %.0f %% CPU", live, p->threads,
           p->threads == 1 ? "" : "s", 100 * p->cpu_share);
  size_t bytes = strlen(words.at);
  if (p->memory.swap > 0)
    snprintf(words.at + bytes, sizeof words.at - bytes, "   %s swapped", MID_SIZE(p->memory.swap));
  mid_screen_put(1, 0, l->columns, MID_PLAIN, words.at);
}

// As the program says where they end, and what one allocates.
static void draw_requests(const struct mid_top *top, const struct mid_layout *l) {
  const struct mid_live *p = &top->process;
  struct mid_line words;
  if (!l->requests) return;
  int bytes = snprintf(words.at, sizeof words.at, "requests %s   %s a second",
                       MID_COUNT((double)p->requests), MID_MEAN(p->request_rate));
  if (p->requests > 1)
    snprintf(words.at + bytes, sizeof words.at - (size_t)bytes, "   %s block%s and %s each",
             MID_MEAN(p->request.blocks), p->request.blocks == 1 ? "" : "s",
             MID_SIZE(p->request.bytes));
  mid_screen_put(2, 0, l->columns, MID_PLAIN, words.at);
}

// What its collections cost, and their pauses as a histogram.
static void draw_collections(const struct mid_top *top, const struct mid_layout *l) {
  const struct mid_feed_image *image = &top->process.image;
  const struct mid_feed_gc_work *work = &image->collections.work;
  struct mid_pause_row row[MID_PAUSE_ROWS];
  struct mid_line words, bars;
  double share[MID_PAUSE_ROWS], most = 1;
  unsigned rows = l->collects ? mid_collections_pauses(image, row) : 0;
  if (rows == 0) return;
  for (unsigned i = 0; i < rows; i++) most = fmax(most, (double)row[i].pauses);
  for (unsigned i = 0; i < rows; i++) share[i] = (double)row[i].pauses / most;
  double stopped = (double)work->stopped / 1e9;
  snprintf(words.at, sizeof words.at,
           "gc %s minor %s major   %.1f %% stopped   %s of %s held   pauses %s %s %s",
           MID_COUNT((double)work->minor), MID_COUNT((double)work->major),
           mid_words_share(stopped, mid_proc_age(top->process.start_ticks)),
           MID_SIZE(image->gc.used), MID_SIZE(image->gc.committed),
           MID_SECONDS((double)row[0].from / 1e9), mid_histogram(share, rows, &bars),
           MID_SECONDS((double)work->longest / 1e9));
  mid_screen_put(2u + l->requests, 0, l->columns, MID_PLAIN, words.at);
}

// Its name before it, and behind it from where to where it goes.
static void draw_chart(const char *name, const struct mid_series *s, unsigned row,
                       enum mid_look look, const struct mid_layout *l) {
  struct mid_line line;
  enum { BEFORE = 5, BEHIND = 22 };
  unsigned columns = l->columns > BEFORE + BEHIND + 10 ? l->columns - BEFORE - BEHIND : 0;
  double least = INFINITY, most = 0;
  for (size_t i = 0; i < s->count; i++) {
    least = fmin(least, s->least[i]);
    most = fmax(most, s->most[i]);
  }
  if (columns == 0 || s->count == 0) return;
  for (unsigned i = 0; i < l->chart_rows; i++)
    mid_screen_put(row + i, BEFORE, columns, look,
                   mid_chart(s, columns, l->chart_rows, l->chart_rows - 1 - i, &line));
  unsigned base = row + l->chart_rows - 1;
  mid_screen_put(base, 0, BEFORE, MID_PLAIN, name);
  snprintf(line.at, sizeof line.at, " %s to %s", MID_SIZE(least), MID_SIZE(most));
  mid_screen_put(base, BEFORE + columns, BEHIND, MID_FAINT, line.at);
}

void mid_draw_above(const struct mid_top *top, const struct mid_layout *l) {
  draw_process(top, l);
  draw_second(top, l);
  draw_requests(top, l);
  draw_collections(top, l);
  if (l->chart_rows == 0) return;
  unsigned first = 2u + l->requests + l->collects;
  draw_chart("live", &top->live, first, MID_LIVE, l);
  draw_chart("RSS", &top->rss, first + l->chart_rows, MID_RSS, l);
}
