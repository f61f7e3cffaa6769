// live/list_test.c -- moving in lists that are longer than the screen.
// SPDX-License-Identifier: MIT
#include "live/list.h"

#include "test.h"

TEST(the_chosen_row_stays_in_the_list_and_on_the_screen)
{
  struct mid_list l = {.count = 100};
  CHECK(mid_list_move(&l, MID_KEY_UP, 10));
  CHECK_EQ(l.at, 0);
  for (int i = 0; i < 12; i++) CHECK(mid_list_move(&l, 'j', 10));
  CHECK_EQ(l.at, 12);
  CHECK_EQ(l.first, 3);
  CHECK(mid_list_move(&l, MID_KEY_PAGE_DOWN, 10));
  CHECK_EQ(l.at, 22);
  CHECK(mid_list_move(&l, MID_KEY_END, 10));
  CHECK_EQ(l.at, 99);
  CHECK_EQ(l.first, 90);
  CHECK(mid_list_move(&l, 'k', 10));
  CHECK_EQ(l.first, 90);
  CHECK(mid_list_move(&l, 'g', 10));
  CHECK_EQ(l.at + l.first, 0);
  CHECK(!mid_list_move(&l, 'x', 10));
}

TEST(a_list_that_shrank_and_one_without_rows_have_no_place_outside)
{
  struct mid_list l = {.count = 100, .at = 99, .first = 90};
  l.count = 5;
  mid_list_settle(&l, 10);
  CHECK_EQ(l.at, 4);
  CHECK_EQ(l.first, 0);
  l.count = 0;
  mid_list_settle(&l, 10);
  CHECK_EQ(l.at, 0);
  CHECK(mid_list_move(&l, 'j', 0));
  CHECK_EQ(l.at, 0);
}

TEST(text_scrolls_no_further_than_its_last_line)
{
  struct mid_list l = {.count = 25};
  CHECK(mid_list_scroll(&l, MID_KEY_PAGE_DOWN, 10));
  CHECK_EQ(l.first, 10);
  CHECK(mid_list_scroll(&l, MID_KEY_PAGE_DOWN, 10));
  CHECK_EQ(l.first, 15);
  CHECK(mid_list_scroll(&l, 'k', 10));
  CHECK_EQ(l.first, 14);
  l.count = 3;
  CHECK(!mid_list_scroll(&l, MID_KEY_NONE, 10));
  CHECK_EQ(l.first, 0);
}
