// trace/plot.c -- see plot.h.
// SPDX-License-Identifier: MIT
#include "trace/plot.h"

#include <math.h>

void mid_plot_words(FILE *out, const char *words) {
  for (; *words != 0; words++) {
    const char *as = *words == '&'   ? "&amp;"
                     : *words == '<' ? "&lt;"
                     : *words == '>' ? "&gt;"
                                     : NULL;
    if (as != NULL)
      fputs(as, out);
    else
      fputc(*words, out);
  }
}

// A trace may say of blocks that are larger than anything.
const char *mid_plot_size(double bytes, struct mid_words *room) {
  return mid_words_size(bytes < 0x1p64 ? (uint64_t)bytes : UINT64_MAX, room);
}

const char *mid_plot_time(double seconds, struct mid_words *room) {
  return mid_words_seconds(seconds, room);
}

// 0 to 1 along the axis.
static double along(const struct mid_axis *a, double value) {
  if (a->step == 0) return a->to > 0 ? value / a->to : 0;
  return log(value / a->from) / log(a->to / a->from);
}

double mid_plot_x(const struct mid_plot *p, double value) {
  return MID_PLOT_LEFT + along(&p->x, value) * (MID_PLOT_WIDE - MID_PLOT_LEFT - MID_PLOT_RIGHT);
}

double mid_plot_y(const struct mid_plot *p, double value) {
  int bottom = p->high - MID_PLOT_LOWER;
  return bottom - along(&p->y, value) * (bottom - MID_PLOT_UPPER);
}

// ---- axes ----

// 1, 2, 5, 10, 20: of a scale by tens.
static double next_round(double tick) {
  double first = tick / pow(10, floor(log10(tick) + 1e-9));
  return first < 1.5 || first > 4 ? tick * 2 : tick * 2.5;
}

static double next_tick(const struct mid_axis *a, double tick) {
  if (a->step == 0) return tick + a->to / 4;
  return a->step == 10 ? next_round(tick) : tick * a->step;
}

// The first one at `from` or after, of a scale by factors that goes through 1.
static double first_tick(const struct mid_axis *a) {
  if (a->step == 0) return 0;
  double tick = pow(a->step, floor(log(a->from) / log(a->step)));
  while (tick < a->from * 0.999999) tick = next_tick(a, tick);
  return tick;
}

static void draw_x_axis(const struct mid_plot *p) {
  struct mid_words room;
  int bottom = p->high - MID_PLOT_LOWER;
  for (double at = first_tick(&p->x); at <= p->x.to * 1.000001 && p->x.to > 0;
       at = next_tick(&p->x, at)) {
    double x = mid_plot_x(p, at);
    fprintf(p->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" class=\"grid\"/>\n", x,
            MID_PLOT_UPPER, x, bottom);
    fprintf(p->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, bottom + 20,
            x > MID_PLOT_WIDE - 50 ? "end" : "middle", p->x.words(at, &room));
  }
  fprintf(p->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
          MID_PLOT_WIDE - MID_PLOT_RIGHT, bottom + 44, p->x.label);
}

static void draw_y_axis(const struct mid_plot *p) {
  struct mid_words room;
  for (double at = first_tick(&p->y); at <= p->y.to * 1.000001 && p->y.to > 0;
       at = next_tick(&p->y, at)) {
    double y = mid_plot_y(p, at);
    fprintf(p->out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"grid\"/>\n",
            MID_PLOT_LEFT, y, MID_PLOT_WIDE - MID_PLOT_RIGHT, y);
    fprintf(p->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", MID_PLOT_LEFT - 8,
            y + 4, p->y.words(at, &room));
  }
  fprintf(p->out, "<text x=\"%d\" y=\"%d\">%s</text>\n", MID_PLOT_LEFT, MID_PLOT_UPPER - 8,
          p->y.label);
}

void mid_plot_open(const struct mid_plot *p, const char *what, const char *name) {
  fprintf(p->out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
          "font-family=\"sans-serif\" font-size=\"12\">\n"
          "<style>text{fill:#444}.title{font-size:16px;fill:#222}.grid{stroke:#8884}"
          ".mark{fill:#2471a3}.best{fill:#c0392b}.area{fill:#7fb3d5;stroke:#2471a3}\n"
          "@media (prefers-color-scheme:dark){text{fill:#bbb}.title{fill:#eee}.mark{fill:#7fb3d5}"
          ".best{fill:#f1948a}.area{fill:#2471a3;stroke:#7fb3d5}}</style>\n"
          "<text x=\"%d\" y=\"24\" class=\"title\">%s: ",
          MID_PLOT_WIDE, p->high, MID_PLOT_LEFT, what);
  mid_plot_words(p->out, name);
  fputs("</text>\n", p->out);
  draw_x_axis(p);
  draw_y_axis(p);
}

void mid_plot_close(const struct mid_plot *p) { fputs("</svg>\n", p->out); }
