// live/alarm_test.c -- what counts as growth and what does not.
// SPDX-License-Identifier: MIT
#include "live/alarm.h"

#include <math.h>
#include <unistd.h>

#include "test.h"

static const double mib = 1048576;

// An hour of looks ten seconds apart, at `of(i)` MiB: whether it grows by 50 % an hour.
static bool grows(double (*of)(int)) {
  struct mid_series s;
  struct mid_trend t;
  mid_series_open(&s, 64, 30, 60);
  for (int i = 0; i < 360; i++) mid_series_add(&s, 10 * i, of(i) * mib);
  bool it_does = mid_series_grows(&s, 50, &t);
  mid_series_close(&s);
  return it_does;
}

static double flat(int i) { return 500 + i % 7; }
static double slow(int i) { return 500 + 200.0 * i / 360; }          // 40 % an hour
static double leak(int i) { return 500 + 400.0 * i / 360 + i % 7; }  // 80 %
static double fills(int i) { return i < 180 ? 100 + 5 * i : 1000; }
static double saw(int i) { return 100 + 50 * (i % 3); }
static double tide(int i) { return 500 + 400 * sin(i / 360.0 * 6.28); }
static double step(int i) { return i < 200 ? 100 : 400; }
static double tiny(int i) { return 0.1 + 0.5 * i / 360; }

TEST(steady_growth_is_an_alarm_from_its_bound_on)
{
  CHECK(grows(leak));
  CHECK(!grows(slow));
}

TEST(what_is_flat_or_fills_or_comes_and_goes_is_no_growth)
{
  CHECK(!grows(flat));
  CHECK(!grows(fills));
  CHECK(!grows(saw));
  CHECK(!grows(tide));
  CHECK(!grows(step));
  CHECK(!grows(tiny));  // half a MiB is none to wake anyone for
}

TEST(few_windows_are_no_evidence)
{
  struct mid_series s;
  struct mid_trend t;
  mid_series_open(&s, 64, 30, 60);
  for (int i = 0; i < 30; i++) mid_series_add(&s, 10 * i, mib * (100 + 10 * i));
  CHECK(!mid_series_grows(&s, 50, &t));
  for (int i = 30; i < 34; i++) mid_series_add(&s, 10 * i, mib * (100 + 10 * i));
  CHECK(mid_series_grows(&s, 50, &t));
  mid_series_close(&s);
}

TEST(an_alarm_is_raised_once_and_again_only_after_it_was_over)
{
  struct mid_watched w;
  char why[512];
  CHECK(mid_watched_open(&w, getpid(), 10));
  CHECK(!mid_watched_judge(&w, MID_ALARM_GROWTH, 50, why, sizeof why));
  w.process.has_feed = false;
  for (int round = 0; round < 2; round++) {
    mid_series_close(&w.rss);
    mid_series_open(&w.rss, 64, 30, 60);
    for (int i = 0; i < 100; i++) mid_series_add(&w.rss, 10 * i, mib * (100 + i));
    CHECK(mid_watched_judge(&w, MID_ALARM_GROWTH, 50, why, sizeof why));
    CHECK(strstr(why, "RSS grew from 100 MiB to 196 MiB in 16 min 00 s: 360 % an hour") == why);
    CHECK(!mid_watched_judge(&w, MID_ALARM_GROWTH, 50, why, sizeof why));
    for (int i = 100; i < 1000; i++) mid_series_add(&w.rss, 10 * i, mib * 200);
    CHECK(!mid_watched_judge(&w, MID_ALARM_GROWTH, 50, why, sizeof why));
  }
  mid_watched_close(&w);
}

TEST(what_is_not_there_cannot_be_watched)
{
  struct mid_watched w;
  CHECK(!mid_watched_open(&w, 0x3fffffff, 10));
}
