// observe/trend.h -- whether a quantity rises without end, judged by the minima of windows.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_TREND_H
#define MID_OBSERVE_TREND_H

#include <stdbool.h>
#include <stddef.h>

struct mid_trend {
  size_t windows;              // that have a minimum, after the warm-up
  double slope, lower, upper;  // a unit of the clock: the median, and its bounds of 95 %
  double rising;               // share of successive windows that rise, 0 to 1
  double first, second;        // growth in each half
  double p;                    // the chance of such a rise by accident
};

// Judge `count` points whose `clock` does not fall.  The first fifth is the warm-up.
// returns  false when fewer than 8 windows have a point
// source   P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", J. Am.
//          Stat. Assoc. 63, 1968; H. B. Mann, "Nonparametric Tests Against Trend", 1945
bool mid_trend_make(const double *clock, const double *value, size_t count, struct mid_trend *out);

// It rose in both halves, in three quarters of the windows, and surely.
bool mid_trend_rises(const struct mid_trend *t);

// Of `count` chances in `p`, which are sorted by it, the largest that is no accident when all of
// them are looked at with an error of `rate`; 0: none is.
// source  Y. Benjamini, Y. Hochberg, "Controlling the False Discovery Rate", J. R. Stat. Soc. B
//         57, 1995
double mid_trend_chance(double *p, size_t count, double rate);

#endif
