// gc/pauses_test.c -- percentiles of pauses, and what they leave, against sums over every window.
// SPDX-License-Identifier: MIT
#include "gc/pauses.h"

#include <stdlib.h>

#include "test.h"

enum { MOST = 400 };
#define MS ((uint64_t)1000000)  // in ns

static struct mid_pauses pauses;
static struct { uint64_t from, to; } known[MOST];
static size_t count;

static void again(void) {
  memset(&pauses, 0, sizeof pauses);
  count = 0;
}

static void add(uint64_t from, uint64_t to) {
  mid_pauses_add(&pauses, from, to);
  known[count].from = from;
  known[count++].to = to;
}

// ns of [from, to) that were stopped.
static uint64_t stopped_in(uint64_t from, uint64_t to) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t a = known[i].from > from ? known[i].from : from;
    uint64_t b = known[i].to < to ? known[i].to : to;
    if (b > a) sum += b - a;
  }
  return sum;
}

// The worst of the windows that begin or end where a pause does.
static uint64_t least_known(uint64_t window, uint64_t now) {
  uint64_t most = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t ends[] = {known[i].to, known[i].from + window, known[i].to + window, window};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
      if (ends[k] < window || ends[k] > now) continue;
      uint64_t stopped = stopped_in(ends[k] - window, ends[k]);
      if (stopped > most) most = stopped;
    }
  }
  return (window - most) / (window / 1000000);
}

static uint64_t share_known(uint64_t window, uint64_t now, uint64_t millionths) {
  uint64_t share[101] = {0}, below = 0, windows = now / window;
  for (uint64_t k = 0; k < windows; k++)
    share[100 * (window - stopped_in(k * window, (k + 1) * window)) / window]++;
  for (uint64_t s = 0; s <= 100; s++) {
    below += share[s];
    if (below > 0 && below * 1000000 >= windows * millionths) return s;
  }
  return 100;
}

static void compare(uint64_t now) {
  for (unsigned k = 0; k < MID_FEED_WINDOWS; k++) {
    uint64_t window = mid_feed_window_ns(k);
    if (now < window) {
      CHECK_EQ(mid_pauses_least(&pauses, k, now), UINT64_MAX);
      CHECK_EQ(mid_pauses_utilisation(&pauses, k, now, 500000), UINT64_MAX);
      continue;
    }
    CHECK_EQ(mid_pauses_least(&pauses, k, now), least_known(window, now));
    static const uint64_t shares[] = {10000, 500000, 990000};
    for (size_t i = 0; i < 3; i++)
      CHECK_EQ(mid_pauses_utilisation(&pauses, k, now, shares[i]),
               share_known(window, now, shares[i]));
  }
}

TEST(windows_are_1_2_5_10_milliseconds_up_to_a_second)
{
  CHECK_EQ(mid_feed_window_ns(0), MS);
  CHECK_EQ(mid_feed_window_ns(2), 5 * MS);
  CHECK_EQ(mid_feed_window_ns(3), 10 * MS);
  CHECK_EQ(mid_feed_window_ns(MID_FEED_WINDOWS - 1), 1000 * MS);
}

TEST(a_bucket_holds_what_is_from_its_start_to_the_next_one)
{
  for (unsigned i = 0; i < MID_FEED_PAUSES; i++) {
    CHECK_EQ(mid_feed_pause_bucket(mid_feed_pause_from(i)), i);
    if (i > 0) CHECK_EQ(mid_feed_pause_bucket(mid_feed_pause_from(i) - 1), i - 1);
  }
  CHECK_EQ(mid_feed_pause_bucket(UINT64_MAX), MID_FEED_PAUSES - 1);
}

TEST(a_window_without_a_pause_is_whole_and_one_within_a_pause_has_nothing)
{
  again();
  add(100 * MS, 105 * MS);
  CHECK_EQ(mid_pauses_least(&pauses, 0, 2000 * MS), 0);
  CHECK_EQ(mid_pauses_least(&pauses, 3, 2000 * MS), 500000);
  CHECK_EQ(mid_pauses_least(&pauses, 9, 2000 * MS), 995000);
  CHECK_EQ(mid_pauses_utilisation(&pauses, 0, 2000 * MS, 500000), 100);
  compare(2000 * MS);
}

TEST(a_pause_over_many_windows_and_a_long_time_without_any_are_counted)
{
  again();
  add(3 * MS + 7, 250 * MS + 11);
  compare(300 * MS);
  add(4000 * MS, 4001 * MS);
  compare(4001 * MS);
  compare(9000 * MS);
}

TEST(utilisation_is_that_of_every_window_of_random_pauses)
{
  srand(7);
  for (int round = 0; round < 20; round++) {
    again();
    uint64_t now = 0;
    for (int i = 0; i < MOST; i++) {
      now += (uint64_t)rand() % (round < 10 ? 8 * MS : 300 * MS);
      uint64_t pause = (uint64_t)rand() % (i % 7 == 0 ? 40 * MS : 2 * MS);
      add(now, now + pause);
      now += pause;
    }
    compare(now);
    compare(now + 3 * MS);
  }
}

TEST(percentiles_are_no_more_than_a_quarter_above_the_truth)
{
  again();
  for (uint64_t i = 0; i < 100; i++) add(i * 1000 * MS, i * 1000 * MS + (i + 1) * MS / 4);
  CHECK_EQ(pauses.longest, 25 * MS);
  CHECK_EQ(mid_pauses_percentile(&pauses, 1000000), 25 * MS);
  for (uint64_t p = 10; p <= 90; p += 10) {
    uint64_t truth = p * MS / 4, said = mid_pauses_percentile(&pauses, p * 10000);
    CHECK(said >= truth && said <= truth + truth / 4);
  }
}
