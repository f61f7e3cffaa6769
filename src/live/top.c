// live/top.c -- see top.h.
// SPDX-License-Identifier: MIT
#include "live/top.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "live/page.h"

static const double least_interval = 0.25, most_interval = 64;
static const double hold_seconds = 3, say_seconds = 6;
enum { TOP_WINDOWS = 240 };

void mid_top_say(struct mid_top *top, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(top->message, sizeof top->message, format, args);
  va_end(args);
  top->message_until = mid_live_seconds() + say_seconds;
}

// ---- which process ------------------------------------------------------------------------------

static void leave_process(struct mid_top *top) {
  if (!top->watches) return;
  mid_live_close(&top->process);
  mid_series_close(&top->live);
  mid_series_close(&top->rss);
  mid_sites_close(&top->sites);
  mid_profile_close(&top->profile);
  mid_symbols_close(top->symbols);
  free(top->shown);
  top->shown = NULL;
  top->table = (struct mid_list){0};
  top->watches = false;
}

static bool enter_process(struct mid_top *top, pid_t pid) {
  if (!mid_live_open(&top->process, pid)) return false;
  top->watches = true;
  top->page = MID_TOP_SITES;
  top->symbols = mid_symbols_open();
  mid_series_open(&top->live, TOP_WINDOWS, top->interval, mid_series_longest);
  mid_series_open(&top->rss, TOP_WINDOWS, top->interval, mid_series_longest);
  top->filter[0] = 0;
  top->paused = false;
  mid_top_look(top);
  return true;
}

bool mid_top_open(struct mid_top *top, pid_t pid) {
  *top = (struct mid_top){.interval = 1, .chooses = pid == 0};
  if (pid != 0) return enter_process(top, pid);
  mid_top_look(top);
  return true;
}

void mid_top_close(struct mid_top *top) {
  leave_process(top);
  mid_running_close(&top->running);
  mid_page_close(top->line);
}

// ---- looking ------------------------------------------------------------------------------------

static void look_for_processes(struct mid_top *top) {
  struct mid_list *list = &top->processes;
  pid_t chosen = list->at < list->count ? top->running.row[list->at].pid : 0;
  mid_running_read(&top->running);
  list->count = top->running.count;
  for (size_t i = 0; i < list->count; i++)
    if (top->running.row[i].pid == chosen) list->at = i;
}

// The row that was chosen stays the chosen one, wherever it goes.
static void top_sort(struct mid_top *top) {
  struct mid_list *list = &top->table;
  const struct mid_site_row *chosen = list->at < list->count ? top->shown[list->at] : NULL;
  bool follows = list->at > 0;
  list->count = mid_sites_order(&top->sites, top->column, top->reverse, top->filter, &top->shown);
  for (size_t i = 0; follows && i < list->count; i++)
    if (top->shown[i] == chosen) list->at = i;
}

// Of a program that was left by exec nothing is true any more.
static void forget_rows(struct mid_top *top) {
  top->table = (struct mid_list){0};
  top->opened = NULL;
  if (top->page == MID_TOP_STACK || top->page == MID_TOP_SORT) top->page = MID_TOP_SITES;
  if (top->below == MID_TOP_STACK) top->below = MID_TOP_SITES;
}

static void show_stack(struct mid_top *top) {
  mid_page_close(top->line);
  top->line = mid_page_of_site(top->opened);
  top->text.count = mid_page_lines(top->line);
}

// Names cost more than all else: those on the screen come first, and no look waits for long.
static void look_for_sites(struct mid_top *top) {
  struct mid_profile profile;
  top->no_sites = mid_profile_of(top->process.pid, &profile);
  if (top->no_sites != NULL) return;
  mid_profile_close(&top->profile);
  top->profile = profile;
  if (mid_sites_take(&top->sites, &top->profile, top->now, top->interval)) forget_rows(top);
  if (top->now >= top->held_until) top_sort(top);
  const double most = 0.05;
  if (mid_sites_name(top->shown, top->table.count, &top->profile, top->symbols, most))
    mid_sites_name(top->sites.row, top->sites.count, &top->profile, top->symbols, most);
  if (top->column == MID_SITE_NAME || top->filter[0] != 0) top_sort(top);
}

static void look_at_process(struct mid_top *top) {
  if (!top->process.lives) return;
  mid_live_look(&top->process);
  if (!top->process.lives) return;
  mid_series_add(&top->rss, top->now, (double)top->process.memory.rss);
  if (top->process.has_feed) mid_series_add(&top->live, top->now, (double)top->process.live);
  look_for_sites(top);
}

void mid_top_look(struct mid_top *top) {
  top->now = mid_live_seconds();
  if (top->now > top->message_until) top->message[0] = 0;
  if (top->paused) return;
  if (!top->watches)
    look_for_processes(top);
  else
    look_at_process(top);
  if (top->page == MID_TOP_STACK && top->opened != NULL) show_stack(top);
}

// ---- keys: going elsewhere ----------------------------------------------------------------------

static void go_to_help(struct mid_top *top) {
  if (top->page == MID_TOP_HELP) return;
  top->below = top->page == MID_TOP_SORT ? MID_TOP_SITES : top->page;
  top->page = MID_TOP_HELP;
  mid_page_close(top->line);
  top->line = mid_page_of_help();
  top->text = (struct mid_list){.count = mid_page_lines(top->line)};
}

static void go_to_stack(struct mid_top *top) {
  if (top->table.at >= top->table.count) return;
  top->opened = top->shown[top->table.at];
  if (!top->opened->named)  // it need not wait for its turn
    mid_sites_name(&top->opened, 1, &top->profile, top->symbols, 0);
  top->page = MID_TOP_STACK;
  top->text = (struct mid_list){0};
  show_stack(top);
}

static void go_to_process(struct mid_top *top) {
  if (top->processes.at >= top->processes.count) return;
  pid_t pid = top->running.row[top->processes.at].pid;
  if (!enter_process(top, pid)) mid_top_say(top, "process %d has ended", (int)pid);
}

static enum mid_top_wish go_back(struct mid_top *top) {
  switch (top->page) {
    case MID_TOP_PROCESSES:
      return MID_TOP_QUIT;
    case MID_TOP_SITES:
      if (!top->chooses) return MID_TOP_QUIT;
      leave_process(top);
      top->page = MID_TOP_PROCESSES;
      top->paused = false;
      mid_top_look(top);
      return MID_TOP_NOTHING;
    case MID_TOP_HELP:
      top->page = top->below;
      if (top->page == MID_TOP_STACK) show_stack(top);
      return MID_TOP_NOTHING;
    default:
      top->page = MID_TOP_SITES;
      return MID_TOP_NOTHING;
  }
}

static void go_in(struct mid_top *top) {
  if (top->page == MID_TOP_PROCESSES) {
    go_to_process(top);
  } else if (top->page == MID_TOP_SITES) {
    go_to_stack(top);
  } else if (top->page == MID_TOP_SORT) {
    top->column = (enum mid_site_column)top->columns.at;
    top->page = MID_TOP_SITES;
    top_sort(top);
  }
}

// ---- keys: words that are typed -----------------------------------------------------------------

// Whether row `at` of the list on the page is what is searched for.
static bool is_found(const struct mid_top *top, size_t at) {
  if (top->page == MID_TOP_SITES) return mid_site_matches(top->shown[at], top->search);
  char pid[16];
  snprintf(pid, sizeof pid, "%d", (int)top->running.row[at].pid);
  return strcmp(pid, top->search) == 0 ||
         strcasestr(top->running.row[at].command, top->search) != NULL;
}

// The next row that is it, from `skip` rows after the chosen one on.
static void search_from(struct mid_top *top, size_t skip) {
  bool sites = top->page == MID_TOP_SITES;
  struct mid_list *list = sites ? &top->table : &top->processes;
  for (size_t i = skip; i < list->count + skip; i++) {
    size_t at = (list->at + i) % list->count;
    if (!is_found(top, at)) continue;
    list->at = at;
    top->held_until = mid_live_seconds() + hold_seconds;
    return;
  }
  mid_top_say(top, sites ? "no site has '%s' in its stack" : "no process is, or is called, '%s'",
              top->search);
}

static void prompt_end(struct mid_top *top) {
  if (top->prompt == MID_TOP_FILTER) {
    memcpy(top->filter, top->typed, sizeof top->filter);
    top->table.at = 0;
    top_sort(top);
  } else {
    memcpy(top->search, top->typed, sizeof top->search);
    search_from(top, 0);  // the row that is chosen may be the one
  }
  top->prompt = MID_TOP_NO_PROMPT;
}

static void prompt_key(struct mid_top *top, int key) {
  size_t n = strlen(top->typed);
  if (key == MID_KEY_ENTER) {
    prompt_end(top);
  } else if (key == MID_KEY_ESCAPE) {
    top->prompt = MID_TOP_NO_PROMPT;
  } else if (key == MID_KEY_ERASE) {
    while (n > 0 && ((unsigned char)top->typed[n - 1] & 0xc0) == 0x80) n--;  // of one character
    top->typed[n > 0 ? n - 1 : 0] = 0;
  } else if (key >= ' ' && key < 0x100 && n + 1 < sizeof top->typed) {
    top->typed[n] = (char)key;
    top->typed[n + 1] = 0;
  }
}

static void prompt_open(struct mid_top *top, enum mid_top_prompt prompt) {
  const char *before = prompt == MID_TOP_FILTER ? top->filter : "";
  bool processes = top->page == MID_TOP_PROCESSES && prompt == MID_TOP_SEARCH;
  if (top->page != MID_TOP_SITES && !processes) return;
  top->prompt = prompt;
  snprintf(top->typed, sizeof top->typed, "%s", before);
}

// ---- keys ---------------------------------------------------------------------------------------

static void sort_by(struct mid_top *top, int column) {
  if (top->page != MID_TOP_SITES || column < 0 || column >= MID_SITE_COLUMNS) return;
  top->column = (enum mid_site_column)column;
  top->held_until = 0;
  top_sort(top);
}

static void top_reverse(struct mid_top *top) {
  if (top->page != MID_TOP_SITES) return;
  top->reverse = !top->reverse;
  sort_by(top, (int)top->column);
}

static void sort_menu(struct mid_top *top) {
  if (top->page != MID_TOP_SITES) return;
  top->page = MID_TOP_SORT;
  top->columns = (struct mid_list){.count = MID_SITE_COLUMNS, .at = top->column};
}

static void pace(struct mid_top *top, double factor) {
  top->interval = fmin(fmax(top->interval * factor, least_interval), most_interval);
  mid_top_say(top, "a look each %g s", top->interval);
}

static bool top_move(struct mid_top *top, int key, size_t rows) {
  switch (top->page) {
    case MID_TOP_PROCESSES:
      return mid_list_move(&top->processes, key, rows);
    case MID_TOP_SITES:
      if (!mid_list_move(&top->table, key, rows)) return false;
      top->held_until = mid_live_seconds() + hold_seconds;
      return true;
    case MID_TOP_SORT:
      return mid_list_move(&top->columns, key, MID_SITE_COLUMNS);
    default:
      return mid_list_scroll(&top->text, key, rows);
  }
}

static enum mid_top_wish act(struct mid_top *top, int key) {
  switch (key) {
    case 'q':
      return MID_TOP_QUIT;
    case 'w':
      return top->watches ? MID_TOP_WRITE : MID_TOP_NOTHING;
    case MID_KEY_REDRAW:
      return MID_TOP_REDRAW;
    case MID_KEY_ESCAPE:
      return go_back(top);
    default:
      return MID_TOP_NOTHING;
  }
}

enum mid_top_wish mid_top_key(struct mid_top *top, int key, size_t rows) {
  if (top->prompt != MID_TOP_NO_PROMPT && key != MID_KEY_REDRAW) {
    prompt_key(top, key);
    return MID_TOP_NOTHING;
  }
  if (top_move(top, key, rows)) return MID_TOP_NOTHING;
  if (key == '?' || key == 'h') go_to_help(top);
  if (key == MID_KEY_ENTER) go_in(top);
  if (key == '/') prompt_open(top, MID_TOP_SEARCH);
  if (key == 'f' || key == '\\') prompt_open(top, MID_TOP_FILTER);
  bool has_list = top->page == MID_TOP_SITES || top->page == MID_TOP_PROCESSES;
  if (key == 'n' && has_list && top->search[0] != 0) search_from(top, 1);
  if (key == 's') sort_menu(top);
  if (key == '<') sort_by(top, (int)top->column - 1);
  if (key == '>') sort_by(top, (int)top->column + 1);
  if (key == 'r' || key == 'I') top_reverse(top);
  if (key == ' ' || key == 'p') top->paused = !top->paused;
  if (key == '+') pace(top, 2);
  if (key == '-') pace(top, 0.5);
  return act(top, key);
}
