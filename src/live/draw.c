// live/draw.c -- see draw.h.
//
//   name (pid)  up 2 h 05 min                       RSS 512 MiB [########........] 1.00 GiB cgroup
//   live 380 MiB   12.3 k alloc/s   14 % fragmented   8 threads   35 % CPU
//   requests 60.0 k   890 a second   14 blocks and 8.6 KiB each
//   gc 120 minor 4 major   3.1 % stopped   12.0 MiB of 32.0 MiB held   pauses 1 ms .:-# 12 ms
//   live ______________....----====####  12.0 MiB to 380 MiB
//   RSS  ______________....----====####  20.0 MiB to 512 MiB
//       LIVE       +/h   RATE/s       N  TREND       SITE
//    312 MiB  +120 MiB  1.2 MiB  10.2 k  ..--==##    cache_put  src/cache.c:41  < handle
//   keys, a message, or what is typed
//
// The lines of requests and of collections are there for programs that have any.
//
// What has no room goes: of rows the charts first, then those lines, then the second one, then the
// keys; of columns the trend, then N, then RATE/s, then +/h.
// SPDX-License-Identifier: MIT
#include "live/draw.h"

#include <inttypes.h>
#include <string.h>

#include "live/layout.h"
#include "live/screen.h"
#include "observe/collections.h"

static struct mid_layout layout_make(const struct mid_top *top) {
  struct mid_layout l = {.columns = mid_screen_columns(), .rows = mid_screen_rows()};
  bool has_head = top->watches && top->page != MID_TOP_HELP;
  l.keys = l.rows >= 6;
  l.second = has_head && l.rows >= 8;
  l.requests = has_head && l.rows >= 11 && top->process.requests > 0;
  l.collects = has_head && l.rows >= 10 && mid_collections_count(&top->process.image) > 0;
  if (has_head && l.rows >= 24) l.chart_rows = l.rows >= 40 ? 3 : 1;
  l.list = 1u + l.second + l.requests + l.collects + 2 * l.chart_rows;
  unsigned foot = l.keys || top->prompt != MID_TOP_NO_PROMPT;
  l.list_rows = l.rows > l.list + 1 + foot ? l.rows - l.list - 1 - foot : 0;
  return l;
}

// ---- pages --------------------------------------------------------------------------------

void mid_draw_sentence(const char *words, const struct mid_layout *l) {
  char text[2048];
  unsigned row = l->list + 1;
  FILE *out = fmemopen(text, sizeof text, "w");
  if (out == NULL) return;
  mid_words_wrap(out, words, 0, l->columns - 2);
  fclose(out);
  char *rest = text;
  for (char *line; row < l->rows && (line = strsep(&rest, "\n")) != NULL; row++)
    mid_screen_put(row, 1, l->columns - 1, MID_PLAIN, line);
}

static void draw_choice(struct mid_top *top, const struct mid_layout *l) {
  mid_screen_put(0, 0, l->columns, MID_BOLD, "Processes on Midden");
  struct mid_line words;
  bool narrow = l->columns < 70;
  snprintf(words.at, sizeof words.at, narrow ? "%8s %8s  %s" : "%8s %8s %8s %7s %12s  %s", "PID",
           narrow ? "LIVE" : "RSS", narrow ? "COMMAND" : "LIVE", "THREADS", "UP", "COMMAND");
  mid_screen_put(l->list, 0, l->columns, MID_BAR, words.at);
  mid_list_settle(&top->processes, l->list_rows);
  if (top->processes.count == 0)
    mid_draw_sentence(
        "No process of yours runs on Midden: start one with 'midden run -- PROGRAM', and "
        "it appears here.",
        l);
  for (size_t i = 0; i < l->list_rows && top->processes.first + i < top->processes.count; i++) {
    size_t at = top->processes.first + i;
    const struct mid_running_row *r = &top->running.row[at];
    if (narrow)
      snprintf(words.at, sizeof words.at, "%8d %8s  %s", (int)r->pid, MID_SIZE(r->live),
               r->command);
    else
      snprintf(words.at, sizeof words.at, "%8d %8s %8s %7" PRIu64 " %12s  %s", (int)r->pid,
               MID_SIZE(r->memory.rss), MID_SIZE(r->live), r->threads, MID_SECONDS(r->age),
               r->command);
    mid_screen_put(l->list + 1 + (unsigned)i, 0, l->columns,
                   at == top->processes.at ? MID_CHOSEN : MID_PLAIN, words.at);
  }
}

static void draw_text(struct mid_top *top, const char *title, const struct mid_layout *l) {
  mid_screen_put(l->list, 0, l->columns, MID_BAR, title);
  mid_list_scroll(&top->text, MID_KEY_NONE, l->list_rows);
  for (size_t i = 0; i < l->list_rows && top->text.first + i < top->text.count; i++) {
    const char *line = top->line[top->text.first + i];
    mid_screen_put(l->list + 1 + (unsigned)i, 1, l->columns - 1,
                   line[0] != ' ' ? MID_BOLD : MID_PLAIN, line);
  }
}

static void draw_stack(struct mid_top *top, const struct mid_layout *l) {
  struct mid_line words;
  struct mid_profile_frame place = mid_site_place(top->opened);
  if (place.line > 0)
    snprintf(words.at, sizeof words.at, " %s  %s:%u", place.function, place.file, place.line);
  else
    snprintf(words.at, sizeof words.at, " %s", place.function);
  draw_text(top, words.at, l);
}

static void draw_menu(const struct mid_top *top, const struct mid_layout *l) {
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
      return "q quit  ? help  Enter open  / search  j k move";
    case MID_TOP_SORT:
      return "Enter sort by it  Esc back  j k move";
    case MID_TOP_SITES:
      return "q quit  ? help  Enter stack  s sort  / search  f filter  Space pause  w write";
    default:
      return "Esc back  q quit  j k PgUp PgDn scroll";
  }
}

static void draw_below(const struct mid_top *top, const struct mid_layout *l) {
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
  struct mid_layout l = layout_make(top);
  mid_screen_begin();
  if (top->page == MID_TOP_HELP) mid_screen_put(0, 0, l.columns, MID_BOLD, "midden top");
  if (top->watches && top->page != MID_TOP_HELP) mid_draw_above(top, &l);
  switch (top->page) {
    case MID_TOP_PROCESSES:
      draw_choice(top, &l);
      break;
    case MID_TOP_SITES:
      mid_draw_sites(top, &l);
      break;
    case MID_TOP_SORT:
      mid_draw_sites(top, &l);
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
