// span/bound_test.c -- how much dirty memory may stay, held against what bound.h says.
// SPDX-License-Identifier: MIT
#include "span/bound.h"

#include "base/bits.h"
#include "base/options.h"
#include "support.h"
#include "test.h"

static const size_t floor_bytes = 2 << 20;
static const size_t endless = (size_t)1 << 44;  // so much work that nothing is left of the past

// Forget what the program itself did: no boost, and a recent peak of `peak`.
static void start(size_t peak) {
  mid_bound_work(endless, 0, 0);
  mid_bound_reset();
  mid_bound_work(0, 0, peak);
}

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
  CHECK_EQ(mid_bound_now(0), floor_bytes);
  CHECK_EQ(mid_bound_now(100 * MIB), MIB * mid_options.dirty_share);
}

TEST(pages_touched_again_raise_the_bound_by_twice_as_much)
{
  start(1024 * MIB);
  mid_bound_work(0, 10 * MIB, 0);
  CHECK_EQ(mid_bound_now(20 * MIB), 20 * MIB);
  mid_bound_work(0, 30 * MIB, 0);
  CHECK_EQ(mid_bound_now(20 * MIB), 80 * MIB);
}

TEST(what_stays_and_what_is_used_are_at_most_five_quarters_of_the_recent_peak)
{
  start(1024 * MIB);
  mid_bound_work(0, 4096 * MIB, 1024 * MIB);
  CHECK_EQ(mid_bound_now(1024 * MIB), 256 * MIB);
  CHECK_EQ(mid_bound_now(400 * MIB), 880 * MIB);
  CHECK_EQ(mid_bound_now(200 * MIB), 1024 * MIB);  // and never over the peak
  CHECK_EQ(mid_bound_room(1000 * MIB), 24 * MIB);
  CHECK_EQ(mid_bound_room(1024 * MIB), floor_bytes);
}

TEST(what_may_stay_goes_as_the_last_blocks_go)
{
  start(1024 * MIB);
  mid_bound_work(0, 1024 * MIB, 1024 * MIB);
  CHECK_EQ(mid_bound_now(10 * MIB), 160 * MIB);
  CHECK_EQ(mid_bound_now(MIB), 16 * MIB);
  CHECK_EQ(mid_bound_now(0), floor_bytes);
}

TEST(each_large_free_after_the_first_halves_what_may_stay)
{
  start(1024 * MIB);
  mid_bound_work(0, 256 * MIB, 1024 * MIB);
  for (size_t frees = 1; frees <= 4; frees++) {
    mid_bound_rest(50 * MIB);
    CHECK_EQ(mid_bound_now(100 * MIB), 512 * MIB >> (frees - 1));
  }
  for (int i = 0; i < 200; i++) mid_bound_rest(50 * MIB);
  CHECK_EQ(mid_bound_now(MIB), floor_bytes);
  CHECK_EQ(mid_bound_now(100 * MIB), MIB * mid_options.dirty_share);
}

TEST(small_frees_count_by_their_bytes_and_taking_makes_up_for_them)
{
  start(1024 * MIB);
  mid_bound_work(0, 256 * MIB, 1024 * MIB);
  for (int i = 0; i < 32; i++) mid_bound_rest(64 << 10);  // half of a large one
  CHECK_EQ(mid_bound_now(300 * MIB), 512 * MIB);
  for (int i = 0; i < 80; i++) mid_bound_rest(64 << 10);
  CHECK_EQ(mid_bound_now(300 * MIB), 512 * MIB);  // one and three quarters
  for (int i = 0; i < 80; i++) mid_bound_rest(64 << 10);
  CHECK_EQ(mid_bound_now(300 * MIB), 256 * MIB);  // three
  mid_bound_work(MIB, 0, 1024 * MIB);
  CHECK_EQ(mid_bound_now(300 * MIB), 512 * MIB);
}

TEST(the_boost_and_the_share_do_not_add_up)
{
  start(1024 * MIB);
  mid_bound_work(0, 25 * MIB, 1024 * MIB);
  CHECK_EQ(mid_bound_now(1000 * MIB), 1000 * MIB / 100 * mid_options.dirty_share);
  CHECK_EQ(mid_bound_now(100 * MIB), 50 * MIB);
}

TEST(eight_peaks_of_work_leave_about_a_third_of_the_boost)
{
  for (size_t step = MIB; step <= 256 * MIB; step *= 16) {
    start(1024 * MIB);
    mid_bound_work(0, 100 * MIB, 1024 * MIB);
    for (size_t done = 0; done < 8 * 1024 * MIB; done += step) mid_bound_work(step, 0, 1024 * MIB);
    size_t now = mid_bound_now(200 * MIB);
    CHECK(now > 200 * MIB / 100 * 33 && now < 200 * MIB / 100 * 39);  // 1/e = 0.368
  }
}

TEST(a_peak_that_is_long_past_bounds_the_boost_no_more)
{
  start(1024 * MIB);
  for (size_t done = 0; done < 64 * 1024 * MIB; done += 64 * MIB)
    mid_bound_work(64 * MIB, 64 * MIB, 80 * MIB);
  size_t now = mid_bound_now(20 * MIB);
  CHECK(now >= 60 * MIB && now <= 85 * MIB);  // of 80 MiB and a little
}

TEST(a_peak_falls_with_work_and_not_below_what_is_used)
{
  start(1024 * MIB);
  mid_bound_work(endless, 0, 400 * MIB);
  mid_bound_work(0, 1024 * MIB, 400 * MIB);
  CHECK_EQ(mid_bound_peak(), 400 * MIB);
  CHECK_EQ(mid_bound_now(100 * MIB), 400 * MIB);
}

TEST(endless_work_leaves_the_floor)
{
  start(1024 * MIB);
  mid_bound_work(0, 100 * MIB, 1024 * MIB);
  mid_bound_work(endless, 0, 0);
  CHECK_EQ(mid_bound_now(MIB), floor_bytes);
  CHECK(mid_bound_peak() <= floor_bytes);
}

TEST(work_in_tiny_pieces_wears_the_boost_down_too)
{
  start(64 * MIB);
  mid_bound_work(0, 8 * MIB, 64 * MIB);
  for (int i = 0; i < 40000; i++) mid_bound_work(64 << 10, 0, 64 * MIB);  // 2500 MiB: 4.9 times 8
  CHECK_EQ(mid_bound_now(MIB), floor_bytes);
}

TEST(a_trim_starts_anew)
{
  start(1024 * MIB);
  mid_bound_work(0, 100 * MIB, 1024 * MIB);
  mid_bound_reset();
  CHECK_EQ(mid_bound_now(MIB), floor_bytes);
}

TEST(no_history_takes_the_bound_out_of_its_bounds)
{
  uint64_t seed = 1;
  start(0);
  size_t highest = 0;
  for (int i = 0; i < 100000; i++) {
    size_t used = test_random_size(&seed, (size_t)1 << 38);
    size_t taken = test_random_size(&seed, (size_t)1 << 36);
    size_t retouched = test_random(&seed) % 3 ? 0 : test_random(&seed) % (taken + 1);
    highest = mid_max(highest, used);
    if (test_random(&seed) % 2)
      mid_bound_work(taken, retouched, used);
    else
      mid_bound_rest(taken);
    size_t now = mid_bound_now(used), share = used / 100 * mid_options.dirty_share;
    size_t least = mid_max(floor_bytes, share);
    CHECK(now >= least);
    CHECK(now == least || (now <= 16 * used && now + used <= highest / 4 * 5 + 4));
  }
  start(0);
}
