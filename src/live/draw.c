// live/draw.c -- see draw.h.
//
//   name (pid)  up 2 h 05 min                       RSS 512 MiB [########........] 1.00 GiB cgroup
//   live 380 MiB   12.3 k alloc/s   14 % fragmented   8 threads   35 % CPU
//   live ______________....----====####  12.0 MiB to 380 MiB
//   RSS  ______________....----====####  20.0 MiB to 512 MiB
//       LIVE       +/h   RATE/s       N  TREND       SITE
//    312 MiB  +120 MiB  1.2 MiB  10.2 k  ..--==##    cache_put  src/cache.c:41  < handle
//   keys, a message, or what is typed
//
// What has no room goes: of rows the charts first, then the second line, then the keys; of columns
// the trend, then N, then RATE/s, then +/h.
// SPDX-License-Identifier: MIT
#include "live/draw.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "live/screen.h"
#include "live/text.h"

#define SIZE(bytes) mid_short_size((double)(bytes), &(struct mid_words){{0}})
#define COUNT(count) mid_words_count((count), &(struct mid_words){{0}})
#define SECONDS(seconds) mid_words_seconds((seconds), &(struct mid_words){{0}})

// Which rows belong to what, from above.
struct layout {
  unsigned columns, rows;
  unsigned chart_rows;  // of each of the two charts; 0: none
  bool second, keys;    // lines that are there
  unsigned list;        // where the list begins, its heading first
  unsigned list_rows;   // without the heading
};

static struct layout layout_make(const struct mid_top *top) {
  struct layout l = {.columns = mid_screen_columns(), .rows = mid_screen_rows()};
  bool has_head = top->watches && top->page != MID_TOP_HELP;
  l.keys = l.rows >= 6;
  l.second = has_head && l.rows >= 8;
  if (has_head && l.rows >= 24) l.chart_rows = l.rows >= 40 ? 3 : 1;
  l.list = 1u + l.second + 2 * l.chart_rows;
  unsigned foot = l.keys || top->prompt != MID_TOP_NO_PROMPT;
  l.list_rows = l.rows > l.list + 1 + foot ? l.rows - l.list - 1 - foot : 0;
  return l;
}

// ---- above --------------------------------------------------------------------------------------

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
static unsigned draw_resident(const struct mid_live *p, unsigned left, const struct layout *l) {
  struct mid_line before, after;
  double share = p->limit > 0 ? (double)p->memory.rss / (double)p->limit : 0;
  snprintf(before.at, sizeof before.at, " RSS %s ", SIZE(p->memory.rss));
  snprintf(after.at, sizeof after.at, " %.0f %% of %s (%s)", 100 * share, SIZE(p->limit),
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
static void draw_process(const struct mid_top *top, const struct layout *l) {
  const struct mid_live *p = &top->process;
  struct mid_line name, fitted, number, age;
  program_name(p->command, &name);
  mid_fit(name.at, l->columns / 3, MID_CUT_MIDDLE, &fitted);
  snprintf(number.at, sizeof number.at, " (%d)", (int)p->pid);
  snprintf(age.at, sizeof age.at, " %s %s", p->lives ? "up" : "ENDED after",
           SECONDS(mid_proc_age(p->start_ticks) - (p->lives ? 0 : top->now - p->ended)));
  unsigned at = mid_columns(fitted.at), after = at + mid_columns(number.at);
  unsigned all = after + mid_columns(age.at);
  if (all + 14 > l->columns) all = after;  // it has no room beside RSS
  unsigned end = draw_resident(p, all, l);
  mid_screen_put(0, 0, end, MID_BOLD, fitted.at);
  if (at < end) mid_screen_put(0, at, end - at, MID_PLAIN, number.at);
  if (after < all) mid_screen_put(0, after, end - after, p->lives ? MID_PLAIN : MID_RISES, age.at);
}

static void draw_second(const struct mid_top *top, const struct layout *l) {
  const struct mid_live *p = &top->process;
  struct mid_line words, live = {""};
  if (!l->second) return;
  if (p->has_feed)
    snprintf(live.at, sizeof live.at, "live %s   %s alloc/s   %.0f %% fragmented   ", SIZE(p->live),
             COUNT(p->live_rate), p->free_share);
  snprintf(words.at, sizeof words.at, "%s%" PRIu64 " thread%s   %.0f %% CPU", live.at, p->threads,
           p->threads == 1 ? "" : "s", 100 * p->cpu_share);
  size_t bytes = strlen(words.at);
  if (p->memory.swap > 0)
    snprintf(words.at + bytes, sizeof words.at - bytes, "   %s swapped", SIZE(p->memory.swap));
  mid_screen_put(1, 0, l->columns, MID_PLAIN, words.at);
}

// Its name before it, and behind it from where to where it goes.
static void draw_chart(const char *name, const struct mid_series *s, unsigned row,
                       enum mid_look look, const struct layout *l) {
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
  snprintf(line.at, sizeof line.at, " %s to %s", SIZE(least), SIZE(most));
  mid_screen_put(base, BEFORE + columns, BEHIND, MID_FAINT, line.at);
}

static void draw_above(const struct mid_top *top, const struct layout *l) {
  draw_process(top, l);
  draw_second(top, l);
  if (l->chart_rows == 0) return;
  draw_chart("live", &top->live, 2, MID_LIVE, l);
  draw_chart("RSS", &top->rss, 2 + l->chart_rows, MID_RSS, l);
}

// ---- the table of sites -------------------------------------------------------------------------

enum { LIVE_COLUMNS = 8, GROWTH_COLUMNS = 9, RATE_COLUMNS = 8, BLOCKS_COLUMNS = 7, TREND = 10 };
enum { LEAST_SITE = 20 };

// Which columns there is room for.
struct table {
  bool growth, rate, blocks, trend;
  unsigned site;  // where it begins
};

static struct table table_make(unsigned columns) {
  struct table t = {.site = LIVE_COLUMNS + 2};
  if (columns >= t.site + GROWTH_COLUMNS + 1 + LEAST_SITE) {
    t.growth = true;
    t.site += GROWTH_COLUMNS + 1;
  }
  if (columns >= t.site + RATE_COLUMNS + 1 + LEAST_SITE) t.rate = true, t.site += RATE_COLUMNS + 1;
  if (columns >= t.site + BLOCKS_COLUMNS + 1 + LEAST_SITE) {
    t.blocks = true;
    t.site += BLOCKS_COLUMNS + 1;
  }
  if (columns >= t.site + TREND + 2 + LEAST_SITE) t.trend = true, t.site += TREND + 2;
  return t;
}

// The column that sorts has an arrow.
static const char *heading(const struct mid_top *top, enum mid_site_column column,
                           struct mid_words *room) {
  bool utf8 = mid_locale_is_utf8(), down = top->reverse == (column == MID_SITE_NAME);
  const char *arrow = utf8 ? (down ? "\u25bc" : "\u25b2") : (down ? "v" : "^");
  snprintf(room->at, sizeof room->at, "%s%s", top->column == column ? arrow : "",
           mid_site_headings[column].heading);
  return room->at;
}

static void put_right(unsigned row, unsigned *at, unsigned columns, enum mid_look look,
                      const char *words) {
  unsigned used = mid_columns(words);
  mid_screen_put(row, *at + (used < columns ? columns - used : 0), columns, look, words);
  *at += columns + 1;
}

// The end of a column that is not there is not moved past.
static void draw_headings(const struct mid_top *top, const struct table *t,
                          const struct layout *l) {
  struct mid_words room;
  unsigned at = 0, row = l->list;
  mid_screen_put(row, 0, l->columns, MID_BAR, "");
  put_right(row, &at, LIVE_COLUMNS, MID_BAR, heading(top, MID_SITE_LIVE, &room));
  if (t->growth) put_right(row, &at, GROWTH_COLUMNS, MID_BAR, heading(top, MID_SITE_GROWTH, &room));
  if (t->rate) put_right(row, &at, RATE_COLUMNS, MID_BAR, heading(top, MID_SITE_RATE, &room));
  if (t->blocks) put_right(row, &at, BLOCKS_COLUMNS, MID_BAR, heading(top, MID_SITE_BLOCKS, &room));
  if (t->trend) mid_screen_put(row, at + 1, TREND, MID_BAR, "TREND");
  mid_screen_put(row, t->site, l->columns - t->site, MID_BAR, heading(top, MID_SITE_NAME, &room));
}

// The function, its place, and as many callers as there is room for.
static void site_words(const struct mid_site_row *row, unsigned columns, struct mid_line *out) {
  struct mid_profile_frame place = mid_site_place(row);
  struct mid_line part;
  size_t at = (size_t)snprintf(out->at, sizeof out->at, "%s",
                               mid_fit(place.function, columns, MID_CUT_MIDDLE, &part));
  unsigned used = mid_columns(out->at);
  const char *file = place.line > 0 ? place.file : "";
  if (*file != 0 && used + 10 <= columns) {
    unsigned most = columns - used - 2 < 28 ? columns - used - 2 : 28;
    at += (size_t)snprintf(out->at + at, sizeof out->at - at, "  %s",
                           mid_fit_path(file, place.line, most, &part));
    used = mid_columns(out->at);
  }
  for (size_t i = row->now.place + 1; row->named && i < row->now.frames; i++) {
    const char *caller = row->now.frame[i].function;
    if (used + mid_columns(caller) + 3 > columns) return;
    at += (size_t)snprintf(out->at + at, sizeof out->at - at, " %s %s",
                           mid_locale_is_utf8() ? "\u2039" : "<", caller);
    used = mid_columns(out->at);
  }
}

static void draw_site(const struct mid_site_row *site, unsigned row, bool chosen,
                      const struct table *t, const struct layout *l) {
  struct mid_line words;
  struct mid_words room;
  double growth = mid_site_growth(site);
  enum mid_look plain = chosen ? MID_CHOSEN : MID_PLAIN;
  unsigned at = 0;
  mid_screen_put(row, 0, l->columns, plain, "");
  put_right(row, &at, LIVE_COLUMNS, chosen ? MID_CHOSEN : MID_BOLD, SIZE(site->now.live_bytes));
  const char *grows = !site->trend_known ? "" : growth == 0 ? "." : mid_signed_size(growth, &room);
  enum mid_look rises = growth > 0 && !chosen ? MID_RISES : plain;
  if (t->growth) put_right(row, &at, GROWTH_COLUMNS, rises, grows);
  if (t->rate) put_right(row, &at, RATE_COLUMNS, plain, SIZE(site->rate));
  if (t->blocks) put_right(row, &at, BLOCKS_COLUMNS, plain, COUNT(site->now.live));
  if (t->trend)
    mid_screen_put(row, at + 1, TREND, chosen ? MID_CHOSEN : MID_LIVE,
                   mid_chart(&site->live, TREND, 1, 0, &words));
  site_words(site, l->columns - t->site, &words);
  mid_screen_put(row, t->site, l->columns - t->site, plain, words.at);
}

static void draw_wrapped(unsigned row, const char *words, const struct layout *l) {
  char text[2048];
  FILE *out = fmemopen(text, sizeof text, "w");
  if (out == NULL) return;
  mid_words_wrap(out, words, 0, l->columns - 2);
  fclose(out);
  char *rest = text;
  for (char *line; row < l->rows && (line = strsep(&rest, "\n")) != NULL; row++)
    mid_screen_put(row, 1, l->columns - 1, MID_PLAIN, line);
}

static void draw_sites(struct mid_top *top, const struct layout *l) {
  struct table t = table_make(l->columns);
  mid_list_settle(&top->table, l->list_rows);
  draw_headings(top, &t, l);
  struct mid_line why;
  if (top->no_sites != NULL && top->sites.count == 0) {
    snprintf(why.at, sizeof why.at, "No sites are shown: %s.", top->no_sites);
    draw_wrapped(l->list + 1, why.at, l);
  } else if (top->table.count == 0 && top->filter[0] != 0) {
    snprintf(why.at, sizeof why.at, "No site has '%s' in its stack: f changes the filter.",
             top->filter);
    draw_wrapped(l->list + 1, why.at, l);
  }
  for (size_t i = 0; i < l->list_rows && top->table.first + i < top->table.count; i++) {
    size_t at = top->table.first + i;
    draw_site(top->shown[at], l->list + 1 + (unsigned)i, at == top->table.at, &t, l);
  }
}

// ---- other pages --------------------------------------------------------------------------------

static void draw_choice(struct mid_top *top, const struct layout *l) {
  mid_screen_put(0, 0, l->columns, MID_BOLD, "Processes on Midden");
  struct mid_line words;
  bool narrow = l->columns < 70;
  snprintf(words.at, sizeof words.at, narrow ? "%8s %8s  %s" : "%8s %8s %8s %7s %12s  %s", "PID",
           narrow ? "LIVE" : "RSS", narrow ? "COMMAND" : "LIVE", "THREADS", "UP", "COMMAND");
  mid_screen_put(l->list, 0, l->columns, MID_BAR, words.at);
  mid_list_settle(&top->processes, l->list_rows);
  if (top->processes.count == 0)
    draw_wrapped(l->list + 1,
                 "No process of yours runs on Midden: start one with 'midden run -- PROGRAM', and "
                 "it appears here.",
                 l);
  for (size_t i = 0; i < l->list_rows && top->processes.first + i < top->processes.count; i++) {
    size_t at = top->processes.first + i;
    const struct mid_running_row *r = &top->running.row[at];
    if (narrow)
      snprintf(words.at, sizeof words.at, "%8d %8s  %s", (int)r->pid, SIZE(r->live), r->command);
    else
      snprintf(words.at, sizeof words.at, "%8d %8s %8s %7" PRIu64 " %12s  %s", (int)r->pid,
               SIZE(r->memory.rss), SIZE(r->live), r->threads, SECONDS(r->age), r->command);
    mid_screen_put(l->list + 1 + (unsigned)i, 0, l->columns,
                   at == top->processes.at ? MID_CHOSEN : MID_PLAIN, words.at);
  }
}

static void draw_text(struct mid_top *top, const char *title, const struct layout *l) {
  mid_screen_put(l->list, 0, l->columns, MID_BAR, title);
  mid_list_scroll(&top->text, MID_KEY_NONE, l->list_rows);
  for (size_t i = 0; i < l->list_rows && top->text.first + i < top->text.count; i++) {
    const char *line = top->line[top->text.first + i];
    mid_screen_put(l->list + 1 + (unsigned)i, 1, l->columns - 1,
                   line[0] != ' ' ? MID_BOLD : MID_PLAIN, line);
  }
}

static void draw_stack(struct mid_top *top, const struct layout *l) {
  struct mid_line words;
  struct mid_profile_frame place = mid_site_place(top->opened);
  if (place.line > 0)
    snprintf(words.at, sizeof words.at, " %s  %s:%u", place.function, place.file, place.line);
  else
    snprintf(words.at, sizeof words.at, " %s", place.function);
  draw_text(top, words.at, l);
}

static void draw_menu(const struct mid_top *top, const struct layout *l) {
  enum { WIDE = 40 };
  unsigned left = l->columns > WIDE + 4 ? (l->columns - WIDE) / 2 : 0, row = l->list + 1;
  mid_screen_put(row++, left, WIDE, MID_BAR, " Sort by");
  for (size_t i = 0; i < MID_SITE_COLUMNS; i++) {
    struct mid_line words;
    snprintf(words.at, sizeof words.at, " %c %-7s %-29s", i == top->columns.at ? '>' : ' ',
             mid_site_headings[i].heading, mid_site_headings[i].meaning);
    mid_screen_put(row++, left, WIDE, i == top->columns.at ? MID_CHOSEN : MID_PLAIN, words.at);
  }
}

// ---- below --------------------------------------------------------------------------------------

static const char *keys_of(const struct mid_top *top) {
  switch (top->page) {
    case MID_TOP_PROCESSES:
      return "q quit  ? help  Enter open  j k move";
    case MID_TOP_SORT:
      return "Enter sort by it  Esc back  j k move";
    case MID_TOP_SITES:
      return "q quit  ? help  Enter stack  s sort  / search  f filter  Space pause  w write";
    default:
      return "Esc back  q quit  j k PgUp PgDn scroll";
  }
}

static void draw_below(const struct mid_top *top, const struct layout *l) {
  struct mid_line words;
  unsigned row = l->rows - 1;
  if (top->prompt != MID_TOP_NO_PROMPT) {
    snprintf(words.at, sizeof words.at, "%s: %s_",
             top->prompt == MID_TOP_FILTER ? "filter" : "search", top->typed);
    mid_screen_put(row, 0, l->columns, MID_BOLD, words.at);
    return;
  }
  if (!l->keys) return;
  if (top->message[0] != 0) {
    mid_screen_put(row, 0, l->columns, MID_BOLD, top->message);
    return;
  }
  char state[160] = "";
  if (top->watches && !top->process.lives)
    snprintf(state, sizeof state, "The process has ended.  ");
  if (top->paused) snprintf(state, sizeof state, "PAUSED  ");
  if (top->filter[0] != 0 && top->page == MID_TOP_SITES) {
    size_t bytes = strlen(state);
    snprintf(state + bytes, sizeof state - bytes, "filter: %s  ", top->filter);
  }
  unsigned at = mid_columns(state);
  mid_screen_put(row, 0, l->columns, MID_RISES, state);
  if (at < l->columns) mid_screen_put(row, at, l->columns - at, MID_FAINT, keys_of(top));
}

size_t mid_draw(struct mid_top *top) {
  struct layout l = layout_make(top);
  mid_screen_begin();
  if (top->page == MID_TOP_HELP) mid_screen_put(0, 0, l.columns, MID_BOLD, "midden top");
  if (top->watches && top->page != MID_TOP_HELP) draw_above(top, &l);
  switch (top->page) {
    case MID_TOP_PROCESSES:
      draw_choice(top, &l);
      break;
    case MID_TOP_SITES:
      draw_sites(top, &l);
      break;
    case MID_TOP_SORT:
      draw_sites(top, &l);
      draw_menu(top, &l);
      break;
    case MID_TOP_STACK:
      draw_stack(top, &l);
      break;
    case MID_TOP_HELP:
      draw_text(top, " Help", &l);
      break;
  }
  draw_below(top, &l);
  mid_screen_end();
  return l.list_rows;
}
