// trace/contest_svg.c -- a replay as a picture: time to the right, memory upwards, a mark a row.
// SPDX-License-Identifier: MIT
#include <math.h>
#include <stdlib.h>

#include "trace/contest.h"
#include "trace/plot.h"

enum { HIGH = 480, MOST = 64, LINE = 14, WORDS = 120, GAP = 9 };

// Labels that would cover each other move down, in whole units so that a line is a line.
struct labels {
  long x[MOST], y[MOST];
  size_t count;
};

static long label_place(struct labels *l, long x, long y) {
  for (size_t i = 0; i < l->count; i++)
    if (labs(l->x[i] - x) < WORDS && labs(l->y[i] - y) < LINE) {
      y = l->y[i] + LINE;
      i = (size_t)-1;  // those before may be in the way now
    }
  if (l->count < MOST) l->x[l->count] = x, l->y[l->count++] = y;
  return y;
}

static bool is_drawn(const struct mid_row *r) {
  return r->failure[0] == 0 && r->seconds > 0 && r->peak_rss > 0;
}

static void stretch(struct mid_axis *a, double value) {
  if (a->to == 0 || value < a->from) a->from = value;
  if (value > a->to) a->to = value;
}

static void draw_row(const struct mid_plot *p, const struct mid_contest *c, size_t i,
                     struct labels *labels) {
  const struct mid_row *r = &c->row[i];
  int place = (int)i;
  bool best = place == c->best_time || place == c->best_memory || place == c->knee;
  double x = mid_plot_x(p, r->seconds), y = mid_plot_y(p, (double)r->peak_rss);
  bool left = x > MID_PLOT_WIDE - WORDS;
  long words_y = label_place(labels, lround(x), lround(y));
  fprintf(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" class=\"%s\"/>\n", x, y,
          best ? "best" : "mark");
  if (words_y != lround(y))
    fprintf(p->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%ld\" class=\"grid\"/>\n", x, y,
            left ? x - GAP : x + GAP, words_y);
  fprintf(p->out, "<text x=\"%.1f\" y=\"%ld\"%s>", left ? x - GAP : x + GAP, words_y + 4,
          left ? " text-anchor=\"end\"" : "");
  mid_plot_words(p->out, r->name);
  fprintf(p->out, "%s%s%s</text>\n", place == c->best_time ? " · best time" : "",
          place == c->best_memory ? " · best memory" : "", place == c->knee ? " · knee" : "");
}

void mid_contest_svg(const struct mid_contest *c, FILE *out) {
  struct mid_plot p = {.out = out,
                       .high = HIGH,
                       .x = {.label = "time in the allocator", .words = mid_plot_time},
                       .y = {.label = "peak resident memory", .words = mid_plot_size}};
  struct labels labels = {.count = 0};
  for (size_t i = 0; i < c->rows; i++) {
    if (!is_drawn(&c->row[i])) continue;
    stretch(&p.x, c->row[i].seconds);
    stretch(&p.y, (double)c->row[i].peak_rss);
  }
  // Room around the outermost marks; no more than ten ticks.
  p.x.from /= 1.3, p.x.to *= 1.6, p.y.from /= 2, p.y.to *= 1.3;
  p.x.step = 10;
  p.y.step = p.y.to > 64 * p.y.from ? 4 : p.y.to > 4 * p.y.from ? 2 : sqrt(2);
  mid_plot_open(&p, "Time and memory", c->command);
  for (size_t i = 0; i < c->rows; i++)
    if (is_drawn(&c->row[i])) draw_row(&p, c, i, &labels);
  mid_plot_close(&p);
}
