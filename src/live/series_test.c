// live/series_test.c -- windows that merge and slide, and the slope of noisy values.
// SPDX-License-Identifier: MIT
#include "live/series.h"

#include "test.h"

TEST(a_window_keeps_the_least_and_the_most_that_came_in_it)
{
  struct mid_series s;
  mid_series_open(&s, 4, 10, 10);
  const double values[] = {5, 3, 9, 4, 20, 21};
  for (int i = 0; i < 6; i++) mid_series_add(&s, 2.5 * i, values[i]);
  CHECK_EQ(s.count, 2);
  CHECK(s.least[0] == 3 && s.most[0] == 9 && s.when[0] == 0);
  CHECK(s.least[1] == 20 && s.most[1] == 21 && s.when[1] == 10);
  CHECK(s.last == 21);
  mid_series_close(&s);
}

TEST(a_full_series_has_windows_of_twice_the_length_and_then_slides)
{
  struct mid_series s;
  mid_series_open(&s, 4, 1, 2);
  for (int i = 0; i < 5; i++) mid_series_add(&s, i, 10 - i);
  CHECK_EQ(s.count, 3);  // 0-1, 2-3, 4
  CHECK(s.window == 2);
  CHECK(s.least[0] == 9 && s.most[0] == 10 && s.when[1] == 2);
  for (int i = 5; i < 40; i++) mid_series_add(&s, i, 100 + i);
  CHECK_EQ(s.count, 4);
  CHECK(s.window == 2);
  CHECK(s.when[0] == 32 && s.least[0] == 132);
  mid_series_close(&s);
}

TEST(the_slope_is_that_of_the_least_values_whatever_comes_and_goes_above_them)
{
  struct mid_series s;
  struct mid_trend t;
  mid_series_open(&s, 64, 3, 60);
  for (int i = 0; i < 120; i++) mid_series_add(&s, i, 1000 + 20 * i + i % 3 * 500);
  CHECK(mid_series_trend(&s, &t));
  CHECK(t.slope > 19 && t.slope < 21);
  CHECK(mid_trend_rises(&t));
  CHECK(mid_series_seconds(&s) == 114);
  mid_series_close(&s);
}

TEST(the_window_that_is_open_does_not_count_since_it_may_still_fall)
{
  struct mid_series s;
  struct mid_trend t, again;
  mid_series_open(&s, 64, 1, 60);
  CHECK(!mid_series_trend(&s, &t));
  CHECK(mid_series_seconds(&s) == 0);
  for (int i = 0; i < 40; i++) mid_series_add(&s, i, i);
  CHECK(mid_series_trend(&s, &t));
  s.least[39] = 1e9;
  CHECK(mid_series_trend(&s, &again));
  CHECK(t.slope == again.slope && t.upper == again.upper);
  mid_series_close(&s);
}
