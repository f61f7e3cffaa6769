// trace/plot.h -- the frame of a plot in SVG: title, axes, and where a value lies.
// SPDX-License-Identifier: MIT
//
// It has no ground of its own, and takes its colours by the reader's light or dark scheme, in these
// classes: grid, mark, area, best.
#ifndef MID_TRACE_PLOT_H
#define MID_TRACE_PLOT_H

#include <stdio.h>

#include "observe/words.h"

struct mid_axis {
  const char *label;
  double from, to;
  double step;  // 0: a scale from 0 on; else one of factors, a tick at each power of this one, and
                // at 2 and 5 between those of 10
  const char *(*words)(double value, struct mid_words *room);
};

struct mid_plot {
  FILE *out;
  int high;
  struct mid_axis x, y;
};

enum { MID_PLOT_WIDE = 960, MID_PLOT_LEFT = 90, MID_PLOT_RIGHT = 20, MID_PLOT_UPPER = 50 };
enum { MID_PLOT_LOWER = 60 };

// "`what`: `name`" is the title.
void mid_plot_open(const struct mid_plot *p, const char *what, const char *name);
void mid_plot_close(const struct mid_plot *p);
double mid_plot_x(const struct mid_plot *p, double value);
double mid_plot_y(const struct mid_plot *p, double value);
// As it has to stand in XML.
void mid_plot_words(FILE *out, const char *words);

const char *mid_plot_size(double bytes, struct mid_words *room);
const char *mid_plot_time(double seconds, struct mid_words *room);

#endif
