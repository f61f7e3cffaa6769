// observe/trend_test.c -- what rises without end, and what only looks so.
// SPDX-License-Identifier: MIT
#include "observe/trend.h"

#include <math.h>

#include "support.h"
#include "test.h"

enum { POINTS = 200 };
static double at[POINTS], value[POINTS];

// value = f(0..1), plus noise that is the same in every run.
static struct mid_trend trend_of(double (*f)(double), double noise) {
  uint64_t state = 7;
  struct mid_trend t;
  for (int i = 0; i < POINTS; i++) {
    double part = (double)i / (POINTS - 1);
    at[i] = 10 * part;
    value[i] = f(part) + noise * (double)(test_random(&state) % 1000) / 1000;
  }
  CHECK(mid_trend_make(at, value, POINTS, &t));
  return t;
}

static double line(double x) { return 1000 + 500 * x; }
static double level(double x) { return 1000 + 0 * x; }
static double fills(double x) { return x < 0.5 ? 2000 * x : 1000; }
static double start_up(double x) { return x < 0.2 ? 5000 * x : 1000; }
static double falls(double x) { return 1000 - 500 * x; }
static double saw(double x) { return 1000 + 300 * fmod(5 * x, 1); }

TEST(a_line_rises_at_its_slope_between_the_bounds)
{
  struct mid_trend t = trend_of(line, 5);
  CHECK(mid_trend_rises(&t));
  CHECK(t.lower > 45 && t.lower <= t.slope && t.slope <= t.upper && t.upper < 55);
  CHECK(t.p < 1e-4 && t.windows == 16);
}

TEST(what_is_level_fills_starts_falls_or_goes_round_does_not_rise)
{
  double (*const none[])(double) = {level, fills, start_up, falls, saw};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    struct mid_trend t = trend_of(none[i], 5);
    CHECK(!mid_trend_rises(&t));
  }
}

TEST(too_few_points_have_no_trend)
{
  struct mid_trend t;
  double same[POINTS] = {0};
  trend_of(line, 0);
  CHECK(!mid_trend_make(at, value, 7, &t));
  CHECK(!mid_trend_make(same, value, POINTS, &t));
  CHECK(!mid_trend_rises(&t));
}

TEST(among_many_chances_only_the_smallest_count)
{
  double one[] = {0.04}, many[100], two[] = {0.9, 0.001};
  CHECK(mid_trend_chance(one, 1, 0.05) == 0.04);
  for (int i = 0; i < 100; i++) many[i] = (i + 1) / 100.0;
  CHECK(mid_trend_chance(many, 100, 0.05) == 0);
  CHECK(mid_trend_chance(two, 2, 0.05) == 0.001);
  CHECK(mid_trend_chance(NULL, 0, 0.05) == 0);
}
