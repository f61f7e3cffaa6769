// live/series.h -- a value over time, in windows of which each keeps its least and its most.
// SPDX-License-Identifier: MIT
//
//   windows:  | least, most | least, most | ... | the last one is still open |
//
// The number of windows is bounded.  When all are in use, each two neighbours become one of twice
// the length, until a window is `longest`; from then on the oldest is dropped.  So a series shows
// all of a short watch, and the last (room * longest) seconds of a long one.
#ifndef MID_LIVE_SERIES_H
#define MID_LIVE_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "observe/trend.h"

// As long as a window of what is shown or judged comes to be: so 64 of them are an hour.
static const double mid_series_longest = 60;  // seconds

struct mid_series {
  double window, longest;  // seconds
  size_t room, count;
  double *when;  // seconds: when the window began
  double *least, *most;
  double last;  // the value that came last
};

// room     windows; an even number
// window   seconds that one has at first
// longest  seconds that one may come to have
void mid_series_open(struct mid_series *s, size_t room, double window, double longest);
void mid_series_close(struct mid_series *s);
// Times must not fall.
void mid_series_add(struct mid_series *s, double now, double value);

// How it rises, judged by the least of each closed window, so that what comes and goes within one
// does not count.
// returns  false, as long as there are too few of them (observe/trend.h)
bool mid_series_trend(const struct mid_series *s, struct mid_trend *out);

// From the first to the last closed window; 0: there are none.
double mid_series_seconds(const struct mid_series *s);

#endif
