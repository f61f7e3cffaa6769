// span/touch_test.c -- which blocks are backed early, held against what touch.h says.
// SPDX-License-Identifier: MIT
#include "span/touch.h"

#include "support.h"
#include "test.h"

// Forget what the program itself did, and every block there was.
static void start(void) {
  mid_touch_learn((size_t)1 << 40, (size_t)1 << 40, 0);
  for (int i = 0; i < 1000; i++) mid_touch_learn(MIB, MIB, MIB);
  mid_touch_learn(MIB, 4 * MIB, 0);
  CHECK_EQ(mid_touch_expect(MIB, MIB), MID_TOUCH_NONE);
}

TEST(nothing_seen_is_nothing_trusted)
{
  start();
  CHECK_EQ(mid_touch_expect(4 * MIB, 4 * MIB), MID_TOUCH_NONE);
  CHECK_EQ(mid_touch_expect(MIB, 1), MID_TOUCH_NONE);
}

TEST(after_a_block_that_was_touched_others_are_backed)
{
  start();
  mid_touch_learn(40 * MIB, 40 * MIB, 35 * MIB);
  CHECK_EQ(mid_touch_expect(40 * MIB, 40 * MIB), MID_TOUCH_ALL);
}

TEST(a_block_over_twice_the_largest_that_was_touched_is_not)
{
  start();
  mid_touch_learn(40 * MIB, 40 * MIB, 40 * MIB);
  CHECK_EQ(mid_touch_expect(80 * MIB + 1, MIB), MID_TOUCH_NONE);
  CHECK_EQ(mid_touch_expect(80 * MIB, MIB), MID_TOUCH_ALL);
}

TEST(trust_is_used_up_and_half_way_a_place_is_kept_to_look_at)
{
  start();
  mid_touch_learn(40 * MIB, 40 * MIB, 40 * MIB);
  CHECK_EQ(mid_touch_expect(40 * MIB, 20 * MIB), MID_TOUCH_ALL);
  CHECK_EQ(mid_touch_expect(40 * MIB, 20 * MIB), MID_TOUCH_ALL);
  CHECK_EQ(mid_touch_expect(40 * MIB, 20 * MIB), MID_TOUCH_MOST);
  CHECK_EQ(mid_touch_expect(40 * MIB, 40 * MIB), MID_TOUCH_MOST);  // the last of it
  CHECK_EQ(mid_touch_expect(40 * MIB, 1), MID_TOUCH_NONE);
}

TEST(a_place_that_was_touched_brings_trust_back_by_its_bytes)
{
  start();
  mid_touch_learn(40 * MIB, 40 * MIB, 40 * MIB);
  while (mid_touch_expect(40 * MIB, 40 * MIB) != MID_TOUCH_NONE) continue;
  mid_touch_learn(40 * MIB, MIB / 2, MIB / 2);
  CHECK_EQ(mid_touch_expect(40 * MIB, 31 * MIB), MID_TOUCH_MOST);
  CHECK_EQ(mid_touch_expect(40 * MIB, MIB), MID_TOUCH_MOST);
  CHECK_EQ(mid_touch_expect(40 * MIB, MIB), MID_TOUCH_NONE);
}

TEST(a_block_that_comes_back_untouched_takes_trust_away)
{
  start();
  mid_touch_learn(40 * MIB, 40 * MIB, 40 * MIB);
  mid_touch_learn(40 * MIB, 20 * MIB, 15 * MIB);  // 40 of the 80
  CHECK_EQ(mid_touch_expect(40 * MIB, 40 * MIB), MID_TOUCH_MOST);
  CHECK_EQ(mid_touch_expect(40 * MIB, MIB), MID_TOUCH_NONE);
}

TEST(one_large_block_long_ago_vouches_for_no_large_one_now)
{
  start();
  mid_touch_learn(1024 * MIB, 1024 * MIB, 1024 * MIB);
  for (int i = 0; i < 100; i++) mid_touch_learn(8 * MIB, 8 * MIB, 8 * MIB);
  CHECK_EQ(mid_touch_expect(24 * MIB, MIB), MID_TOUCH_NONE);
  CHECK_EQ(mid_touch_expect(16 * MIB, MIB), MID_TOUCH_ALL);
}
