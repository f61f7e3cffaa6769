// observe/collections_test.c -- which collections are remembered, and the rows of the histogram.
// SPDX-License-Identifier: MIT
#include "observe/collections.h"

#include "test.h"

static struct mid_feed_image image;

static void again(void) {
  memset(&image, 0, sizeof image);
  for (unsigned i = 0; i < MID_FEED_PAUSES; i++)
    image.collections.pause[i].from = mid_feed_pause_from(i);
}

TEST(only_the_last_collections_are_remembered)
{
  again();
  image.last_collections = MID_FEED_LAST;
  CHECK(mid_collections_last(&image, 0) == NULL);
  image.collections.work.minor = 5;
  CHECK(mid_collections_last(&image, 4) == &image.collections.last[4]);
  CHECK(mid_collections_last(&image, 5) == NULL);
  image.collections.work.minor = MID_FEED_LAST;
  image.collections.work.major = 3;
  CHECK(mid_collections_last(&image, 2) == NULL);
  CHECK(mid_collections_last(&image, 3) == &image.collections.last[3]);
  CHECK(mid_collections_last(&image, MID_FEED_LAST) == &image.collections.last[0]);
  image.last_collections = 0;  // a feed that has none
  CHECK(mid_collections_last(&image, MID_FEED_LAST) == NULL);
}

static uint64_t rows_sum(const struct mid_pause_row *row, unsigned rows) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < rows; i++) {
    sum += row[i].pauses;
    CHECK(row[i].from < row[i].to);
    if (i > 0) CHECK_EQ(row[i].from, row[i - 1].to);
  }
  return sum;
}

TEST(a_histogram_goes_from_the_shortest_pause_to_the_longest_and_loses_none)
{
  struct mid_pause_row row[MID_PAUSE_ROWS];
  again();
  CHECK_EQ(mid_collections_pauses(&image, row), 0);
  for (unsigned first = 0; first < MID_FEED_PAUSES; first++)
    for (unsigned last = first; last < MID_FEED_PAUSES; last++) {
      again();
      image.collections.pause[first].pauses = 3;
      image.collections.pause[last].pauses += 4;
      image.collections.work.longest = mid_feed_pause_from(last) + 1;
      unsigned rows = mid_collections_pauses(&image, row);
      CHECK(rows > 0 && rows <= MID_PAUSE_ROWS);
      CHECK_EQ(rows_sum(row, rows), 7);
      CHECK(row[0].pauses >= 3 && row[rows - 1].pauses >= 4);
    }
}
