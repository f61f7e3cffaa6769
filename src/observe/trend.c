// observe/trend.c -- see trend.h.
// SPDX-License-Identifier: MIT
#include "observe/trend.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOWS = 16, LEAST = 8, PAIRS = WINDOWS * (WINDOWS - 1) / 2 };
static const double warm_up = 0.2;     // of the run: what starts also rises
static const double two_sided = 1.96;  // standard deviations of 95 %

struct minima {
  double at[WINDOWS], value[WINDOWS];
  size_t count;
};

static void take_minima(const double *clock, const double *value, size_t count,
                        struct minima *out) {
  double end = clock[count - 1], begin = clock[0] + warm_up * (end - clock[0]);
  double lowest[WINDOWS], width = (end - begin) / WINDOWS;
  out->count = 0;
  for (int w = 0; w < WINDOWS; w++) lowest[w] = INFINITY;
  for (size_t i = 0; i < count; i++) {
    if (clock[i] < begin) continue;
    double w = (clock[i] - begin) / width;
    int in = w < WINDOWS ? (int)w : WINDOWS - 1;
    lowest[in] = fmin(lowest[in], value[i]);
  }
  for (int w = 0; w < WINDOWS; w++) {
    if (isinf(lowest[w])) continue;
    out->at[out->count] = begin + (w + 0.5) * width;
    out->value[out->count++] = lowest[w];
  }
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

// Between the k-th smallest slopes from both ends lies the true one, by the variance of Kendall's
// S.
static void take_slopes(const struct minima *m, struct mid_trend *out) {
  double slope[PAIRS], n = (double)m->count;
  size_t pairs = 0;
  double s = 0;
  for (size_t i = 0; i < m->count; i++)
    for (size_t k = i + 1; k < m->count; k++) {
      slope[pairs] = (m->value[k] - m->value[i]) / (m->at[k] - m->at[i]);
      s += slope[pairs] > 0 ? 1 : slope[pairs] < 0 ? -1 : 0;
      pairs++;
    }
  qsort(slope, pairs, sizeof *slope, by_size);
  double deviation = sqrt(n * (n - 1) * (2 * n + 5) / 18);
  double cut = ((double)pairs - two_sided * deviation) / 2;
  size_t low = cut > 0 ? (size_t)cut : 0;
  out->slope = pairs % 2 == 1 ? slope[pairs / 2] : (slope[pairs / 2 - 1] + slope[pairs / 2]) / 2;
  out->lower = slope[low];
  out->upper = slope[pairs - 1 - low];
  out->p = s > 0 ? erfc((s - 1) / deviation / sqrt(2)) / 2 : 1;
}

bool mid_trend_make(const double *clock, const double *value, size_t count, struct mid_trend *out) {
  struct minima m;
  *out = (struct mid_trend){.p = 1};
  if (count < LEAST || clock[count - 1] <= clock[0]) return false;
  take_minima(clock, value, count, &m);
  out->windows = m.count;
  if (m.count < LEAST) return false;
  size_t rises = 0, middle = m.count / 2;
  for (size_t i = 1; i < m.count; i++) rises += m.value[i] > m.value[i - 1];
  out->rising = (double)rises / (double)(m.count - 1);
  out->first = m.value[middle] - m.value[0];
  out->second = m.value[m.count - 1] - m.value[middle];
  take_slopes(&m, out);
  return true;
}

bool mid_trend_rises(const struct mid_trend *t) {
  static const double least_rising = 0.75, least_part = 0.25;
  return t->lower > 0 && t->rising >= least_rising && t->first > 0 &&
         t->second > least_part * t->first;
}

double mid_trend_chance(double *p, size_t count, double rate) {
  double most = 0;
  if (count > 0) qsort(p, count, sizeof *p, by_size);
  for (size_t i = 0; i < count; i++)
    if (p[i] <= rate * (double)(i + 1) / (double)count) most = p[i];
  return most;
}
