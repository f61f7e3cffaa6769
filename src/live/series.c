// live/series.c -- see series.h.
// SPDX-License-Identifier: MIT
#include "live/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void mid_series_open(struct mid_series *s, size_t room, double window, double longest) {
  MID_ASSERT(room >= 2 && room % 2 == 0);
  double *values = calloc(3 * room, sizeof *values);
  if (values == NULL) abort();
  *s = (struct mid_series){.window = window,
                           .longest = longest,
                           .room = room,
                           .when = values,
                           .least = values + room,
                           .most = values + 2 * room};
}

void mid_series_close(struct mid_series *s) {
  free(s->when);
  *s = (struct mid_series){0};
}

// ---- adding -------------------------------------------------------------------------------------

static void series_halve(struct mid_series *s) {
  s->count = s->room / 2;
  for (size_t i = 0; i < s->count; i++) {
    s->when[i] = s->when[2 * i];
    s->least[i] = fmin(s->least[2 * i], s->least[2 * i + 1]);
    s->most[i] = fmax(s->most[2 * i], s->most[2 * i + 1]);
  }
  s->window *= 2;
}

static void series_drop_oldest(struct mid_series *s) {
  size_t bytes = --s->count * sizeof *s->when;
  memmove(s->when, s->when + 1, bytes);
  memmove(s->least, s->least + 1, bytes);
  memmove(s->most, s->most + 1, bytes);
}

static void series_begin(struct mid_series *s, double now, double value) {
  if (s->count == s->room) {
    if (2 * s->window <= s->longest)
      series_halve(s);
    else
      series_drop_oldest(s);
  }
  s->when[s->count] = now;
  s->least[s->count] = s->most[s->count] = value;
  s->count++;
}

// Looks come a little early or late: half of what is between two must not begin a window.
void mid_series_add(struct mid_series *s, double now, double value) {
  size_t open = s->count - 1;
  s->last = value;
  if (s->count == 0 || now >= s->when[open] + 0.99 * s->window) {
    series_begin(s, now, value);
    return;
  }
  s->least[open] = fmin(s->least[open], value);
  s->most[open] = fmax(s->most[open], value);
}

// ---- the trend ----------------------------------------------------------------------------------

static size_t closed(const struct mid_series *s) { return s->count > 0 ? s->count - 1 : 0; }

bool mid_series_trend(const struct mid_series *s, struct mid_trend *out) {
  return mid_trend_make(s->when, s->least, closed(s), out);
}

double mid_series_seconds(const struct mid_series *s) {
  return closed(s) > 0 ? s->when[closed(s) - 1] - s->when[0] : 0;
}
