// trace/page.c -- see page.h.
// SPDX-License-Identifier: MIT
#include "trace/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "observe/words.h"
#include "trace/plot.h"

#define SIZE(bytes) mid_words_size(bytes, &(struct mid_words){0})
#define COUNT(n) mid_words_count((double)(n), &(struct mid_words){0})
#define TIME(ticks) \
  mid_words_seconds((double)(ticks) / MID_TRACE_TICKS_A_SECOND, &(struct mid_words){0})

enum { BAR = 24, PLOT_ROWS = 8, KEY = 14 };

struct page {
  FILE *out;
  const struct mid_report_style *style;
};

static void heading(const struct page *p, const char *words) {
  bool colour = p->style->colour;
  fprintf(p->out, "\n%s%s%s\n", colour ? "\033[1m" : "", words, colour ? "\033[0m" : "");
}

// ---- facts ----

static void print_facts(const struct page *p, const struct mid_summary *s,
                        const struct mid_trace *t) {
  FILE *out = p->out;
  uint32_t processes = mid_trace_processes(t);
  double seconds = (double)s->ticks / MID_TRACE_TICKS_A_SECOND;
  fprintf(out, "  %-*s%s, in %s file\n", KEY, "time", TIME(s->ticks), SIZE(mid_trace_size(t)));
  fprintf(out, "  %-*s%s in all", KEY, "events", COUNT(s->events));
  if (seconds > 0) fprintf(out, ", %s a second", COUNT((double)s->events / seconds));
  fprintf(out, ": %s allocations, %s frees, %s resizes\n", COUNT(s->births), COUNT(s->frees),
          COUNT(s->resizes));
  fprintf(out, "  %-*s%s process%s, %s thread%s; %s blocks came from another thread\n", KEY,
          "threads", COUNT(processes), processes == 1 ? "" : "es", COUNT(s->threads),
          s->threads == 1 ? "" : "s", COUNT(s->passed));
  fprintf(out, "  %-*s%s in all, %s each\n", KEY, "allocated", SIZE(s->bytes),
          SIZE(s->births == 0 ? 0 : s->bytes / s->births));
  fprintf(out, "  %-*s%s at the peak, after %s; %s in %s blocks at the end\n", KEY, "live",
          SIZE(s->peak_bytes), TIME(s->peak_tick), SIZE(s->live_bytes), COUNT(s->live_blocks));
  if (s->lost > 0)
    fprintf(out, "  %-*s%s events, as the recorder was too slow for the program\n", KEY, "lost",
            COUNT(s->lost));
  if (s->unseen + s->unborn > 0)
    fprintf(out,
            "  %-*s%s frees whose blocks' places were given out again, %s frees of blocks "
            "from before\n",
            KEY, "not seen", COUNT(s->unseen), COUNT(s->unborn));
}

// ---- histograms ----

static void print_bin(const struct page *p, const char *what, const struct mid_summary_bin *bin,
                      uint64_t blocks) {
  double share = mid_words_share((double)bin->blocks, (double)blocks);
  fprintf(p->out, "  %-22s %10s %10s %6.1f %%  ", what, COUNT(bin->blocks), SIZE(bin->bytes),
          share);
  mid_words_bar(p->out, share / 100, BAR, p->style->utf8, p->style->colour);
  fputc('\n', p->out);
}

// 2^bits bytes: 4 KiB.
static void power_words(unsigned bits, char *room, size_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  snprintf(room, bytes, "%u %s", 1u << bits % 10, units[bits / 10]);
}

static void size_words(unsigned bin, char *room, size_t bytes) {
  char from[16], to[16];
  if (bin == 0) {
    snprintf(room, bytes, "0 B");
    return;
  }
  power_words(bin - 1, from, sizeof from);
  power_words(bin, to, sizeof to);
  snprintf(room, bytes, "from %7s to %7s", from, to);
}

static void print_sizes(const struct page *p, const struct mid_summary *s) {
  heading(p, "Sizes asked for            blocks      bytes    share");
  for (unsigned i = 0; i < MID_SUMMARY_SIZES; i++) {
    char what[64];
    size_words(i, what, sizeof what);
    if (s->sizes[i].blocks > 0) print_bin(p, what, &s->sizes[i], s->births);
  }
}

static void print_lives(const struct page *p, const struct mid_summary *s) {
  static const char *const what[MID_SUMMARY_LIVES] = {"under 1 us",
                                                      "1 to 10 us",
                                                      "10 to 100 us",
                                                      "100 us to 1 ms",
                                                      "1 to 10 ms",
                                                      "10 to 100 ms",
                                                      "100 ms to 1 s",
                                                      "1 to 10 s",
                                                      "10 to 100 s",
                                                      "100 to 1000 s",
                                                      "1000 s to 3 h",
                                                      "longer",
                                                      "not freed in the trace"};
  heading(p, "Lifetimes                  blocks      bytes    share");
  for (int i = 0; i < MID_SUMMARY_LIVES; i++)
    if (s->lives[i].blocks > 0) print_bin(p, what[i], &s->lives[i], s->births);
}

// ---- live bytes over time ----

// The most that was live in part `i` of `parts` of the time.
static uint64_t most_in(const struct mid_summary *s, size_t i, size_t parts) {
  size_t from = i * s->points / parts, to = mid_max((i + 1) * s->points / parts, from + 1);
  uint64_t most = 0;
  for (; from < to && from < s->points; from++) most = mid_max(most, s->point[from]);
  return most;
}

static void print_plot_row(const struct page *p, const struct mid_summary *s, int row,
                           size_t columns) {
  static const char *const eighth[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                       "\u2585", "\u2586", "\u2587", "\u2588"};
  bool named = row == 0 || row == PLOT_ROWS - 1;
  fprintf(p->out, "  %10s ", named ? SIZE(row == 0 ? s->peak_bytes : 0) : "");
  fputs(p->style->utf8 ? "\u2502" : "|", p->out);
  if (p->style->colour) fputs("\033[36m", p->out);
  for (size_t i = 0; i < columns; i++) {
    double height = (double)most_in(s, i, columns) / (double)s->peak_bytes * PLOT_ROWS;
    double above = (height - (PLOT_ROWS - 1 - row)) * 8 + 0.5;
    int n = above < 0 ? 0 : above > 8 ? 8 : (int)above;
    fputs(p->style->utf8 ? eighth[n] : n >= 4 ? "#" : " ", p->out);
  }
  if (p->style->colour) fputs("\033[0m", p->out);
  fputc('\n', p->out);
}

static void print_plot(const struct page *p, const struct mid_summary *s) {
  if (s->peak_bytes == 0) return;
  size_t columns = p->style->columns - 15;
  heading(p, "Live bytes over time");
  for (int row = 0; row < PLOT_ROWS; row++) print_plot_row(p, s, row, columns);
  fprintf(p->out, "  %10s %s", "", p->style->utf8 ? "\u2514" : "+");
  for (size_t i = 0; i < columns; i++) fputs(p->style->utf8 ? "\u2500" : "-", p->out);
  fprintf(p->out, "\n  %10s  0%*s\n", "", (int)columns - 1, TIME(s->ticks));
}

void mid_page_text(const struct mid_summary *s, const struct mid_trace *t,
                   struct mid_symbols *symbols, const char *name,
                   const struct mid_report_style *style, FILE *out) {
  struct page p = {out, style};
  const char *command = mid_trace_process(t, 1).command;
  fprintf(out, "%sTrace %s: %s%s\n", style->colour ? "\033[1m" : "", name, command,
          style->colour ? "\033[0m" : "");
  for (unsigned i = 0; i < style->columns; i++) fputs(style->utf8 ? "\u2500" : "-", out);
  fputc('\n', out);
  print_facts(&p, s, t);
  if (s->births == 0) return;
  print_plot(&p, s);
  print_sizes(&p, s);
  print_lives(&p, s);
  heading(&p, "Who asks for most");
  fputs("   blocks      bytes   share       live  function, and what called it\n", out);
  mid_sites_print(s, t, symbols, out);
}

// ---- SVG ----

void mid_page_svg(const struct mid_summary *s, const char *name, FILE *out) {
  const double second = MID_TRACE_TICKS_A_SECOND;
  struct mid_plot p = {.out = out,
                       .high = 380,
                       .x = {.to = (double)s->ticks / second, .words = mid_plot_time, .label = ""},
                       .y = {.to = (double)s->peak_bytes, .words = mid_plot_size, .label = ""}};
  mid_plot_open(&p, "Live bytes over time", name);
  double left = mid_plot_x(&p, 0), wide = mid_plot_x(&p, p.x.to) - left;
  fprintf(out, "<path class=\"area\" d=\"M%.1f %.1f", left, mid_plot_y(&p, 0));
  for (size_t i = 0; i < s->points; i++) {
    double y = mid_plot_y(&p, (double)s->point[i]), points = (double)s->points;
    fprintf(out, "L%.1f %.1fL%.1f %.1f", left + (double)i / points * wide, y,
            left + (double)(i + 1) / points * wide, y);
  }
  fprintf(out, "L%.1f %.1fZ\"/>\n", left + wide, mid_plot_y(&p, 0));
  mid_plot_close(&p);
}
