// span/bound_test.c -- how much dirty memory may stay, held against what bound.h says.
// SPDX-License-Identifier: MIT
#include "span/bound.h"

#include "base/bits.h"
#include "base/options.h"
#include "support.h"
#include "test.h"

static const size_t floor_bytes = 512 << 10;
static const size_t endless = (size_t)1 << 44;  // so much work that nothing is left of the past

// Forget what the program itself did: no boost, and a recent peak of `peak`.
static void start(size_t peak) {
  mid_bound_work(endless, 0, 0);
  mid_bound_reset();
  mid_bound_work(0, 0, peak);
}

// With nothing in use the bound is the boost, or the floor.
static size_t boost(void) { return mid_bound_now(0); }

TEST(a_small_heap_may_keep_the_floor)
{
  start(0);
  CHECK_EQ(mid_bound_now(0), floor_bytes);
  CHECK_EQ(mid_bound_now(1 << 20), floor_bytes);
}

TEST(a_large_heap_may_keep_its_share)
{
  start(0);
  size_t used = (size_t)1 << 30;
  CHECK_EQ(mid_bound_now(used), used / 100 * mid_options.dirty_share);
  CHECK_EQ(mid_bound_now(100 * MIB), MIB * mid_options.dirty_share);
}

TEST(the_share_is_the_options)
{
  start(0);
  uint64_t kept = mid_options.dirty_share;
  mid_options.dirty_share = 0;
  size_t none = mid_bound_now((size_t)1 << 30);
  mid_options.dirty_share = 100;
  size_t all = mid_bound_now(100 * MIB);
  mid_options.dirty_share = kept;
  CHECK_EQ(none, floor_bytes);
  CHECK_EQ(all, 100 * MIB);
}

TEST(work_alone_raises_nothing)
{
  start(1024 * MIB);
  for (int i = 0; i < 100; i++) mid_bound_work(100 * MIB, 0, (size_t)(i % 10) * 100 * MIB);
  CHECK_EQ(boost(), floor_bytes);
}

TEST(pages_touched_again_raise_the_bound_by_as_much)
{
  start(1024 * MIB);
  mid_bound_work(0, 10 * MIB, 0);
  CHECK(boost() <= 10 * MIB && boost() >= 10 * MIB - 16);
  mid_bound_work(0, 30 * MIB, 0);
  CHECK(boost() <= 40 * MIB && boost() >= 40 * MIB - 16);
}

TEST(the_boost_is_at_most_a_quarter_of_the_recent_peak)
{
  start(1024 * MIB);
  mid_bound_work(0, 2048 * MIB, 1024 * MIB);
  CHECK_EQ(boost(), 256 * MIB);
  mid_bound_work(0, 2048 * MIB, 1024 * MIB);
  CHECK_EQ(boost(), 256 * MIB);
}

TEST(the_boost_and_the_share_do_not_add_up)
{
  start(1024 * MIB);
  mid_bound_work(0, 50 * MIB, 1024 * MIB);
  CHECK_EQ(mid_bound_now(1000 * MIB), 1000 * MIB / 100 * mid_options.dirty_share);
  CHECK(mid_bound_now(100 * MIB) <= 50 * MIB && mid_bound_now(100 * MIB) >= 49 * MIB);
}

TEST(eight_peaks_of_work_leave_about_a_third_of_the_boost)
{
  for (size_t step = MIB; step <= 256 * MIB; step *= 16) {
    start(1024 * MIB);
    mid_bound_work(0, 200 * MIB, 1024 * MIB);
    for (size_t done = 0; done < 8 * 1024 * MIB; done += step) mid_bound_work(step, 0, 1024 * MIB);
    CHECK(boost() > 200 * MIB / 100 * 33 && boost() < 200 * MIB / 100 * 39);  // 1/e = 0.368
  }
}

TEST(a_peak_that_is_long_past_bounds_the_boost_no_more)
{
  start(1024 * MIB);
  for (size_t done = 0; done < 64 * 1024 * MIB; done += 64 * MIB)
    mid_bound_work(64 * MIB, 64 * MIB, 80 * MIB);
  CHECK(boost() >= 15 * MIB && boost() <= 25 * MIB);  // of about 80 MiB
}

TEST(a_peak_falls_with_work_and_not_below_what_is_used)
{
  start(1024 * MIB);
  mid_bound_work(endless, 1024 * MIB, 400 * MIB);
  CHECK_EQ(boost(), 100 * MIB);
}

TEST(endless_work_leaves_the_floor)
{
  start(1024 * MIB);
  mid_bound_work(0, 200 * MIB, 1024 * MIB);
  mid_bound_work(endless, 0, 0);
  CHECK_EQ(boost(), floor_bytes);
}

TEST(work_in_tiny_pieces_wears_the_boost_down_too)
{
  start(64 * MIB);
  mid_bound_work(0, 16 * MIB, 64 * MIB);
  for (int i = 0; i < 40000; i++) mid_bound_work(64 << 10, 0, 64 * MIB);  // 2500 MiB: 4.9 times 8
  CHECK_EQ(boost(), floor_bytes);
}

TEST(a_trim_starts_anew)
{
  start(1024 * MIB);
  mid_bound_work(0, 200 * MIB, 1024 * MIB);
  mid_bound_reset();
  CHECK_EQ(boost(), floor_bytes);
}

TEST(no_history_takes_the_bound_out_of_its_bounds)
{
  uint64_t seed = 1;
  start(0);
  size_t highest = 0, before = boost();
  for (int i = 0; i < 100000; i++) {
    size_t used = test_random_size(&seed, (size_t)1 << 38);
    size_t taken = test_random_size(&seed, (size_t)1 << 36);
    size_t retouched = test_random(&seed) % 3 ? 0 : test_random(&seed) % (taken + 1);
    highest = mid_max(highest, used);
    mid_bound_work(taken, retouched, used);
    size_t now = mid_bound_now(used), share = used / 100 * mid_options.dirty_share;
    CHECK(now >= floor_bytes && now >= share);
    CHECK(now <= mid_max(mid_max(floor_bytes, share), highest / 4));
    CHECK(boost() <= before + retouched);  // only by what was touched again
    before = boost();
  }
  start(0);
}
