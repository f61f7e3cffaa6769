// walk/shapes_test.c -- blocks that look alike are given to the sites they may be of.
// SPDX-License-Identifier: MIT
#include "walk/shapes.h"
#include "test.h"

TEST(a_shape_is_a_size_and_a_first_word)
{
  struct mid_shapes s = {0};
  uint32_t a = mid_shapes_find(&s, 64, 0), b = mid_shapes_find(&s, 64, 0x5000);
  CHECK(a != b);
  CHECK(mid_shapes_find(&s, 80, 0) != a);
  for (uint64_t i = 0; i < 5000; i++) mid_shapes_find(&s, 16 * i, 8 * i);
  CHECK_EQ(mid_shapes_find(&s, 64, 0), a);
  CHECK_EQ(mid_shapes_find(&s, 64, 0x5000), b);
  CHECK_EQ(s.count, 3 + 5000);
  mid_shapes_close(&s);
}

TEST(blocks_are_shared_out_to_the_last_one)
{
  for (uint64_t unknown = 0; unknown < 200; unknown++) {
    struct mid_shapes s = {0};
    mid_shapes_find(&s, 64, 0);
    struct mid_shape *shape = s.shape;
    size_t got[3] = {0};
    mid_shape_known(shape, 0, 10);
    mid_shape_known(shape, 1, 20);
    mid_shape_known(shape, 2, 50);
    mid_shape_known(shape, 1, 20);
    shape->unknown = unknown;
    mid_shape_share(shape);
    for (uint64_t i = 0; i < unknown; i++) got[mid_shape_give(shape)]++;
    CHECK_EQ(mid_shape_give(shape), MID_SHAPE_NO_SITE);
    CHECK(got[0] <= unknown / 10 + 1 && got[0] >= unknown / 10);
    CHECK(got[2] <= unknown / 2 + 1 && got[2] + 1 >= unknown / 2);
    mid_shapes_close(&s);
  }
}

TEST(without_a_known_block_none_is_given_away)
{
  struct mid_shapes s = {0};
  mid_shapes_find(&s, 64, 0);
  s.shape[0].unknown = 3;
  mid_shape_share(&s.shape[0]);
  CHECK_EQ(mid_shape_give(&s.shape[0]), MID_SHAPE_NO_SITE);
  mid_shapes_close(&s);
}

TEST(where_all_samples_stand_for_themselves_the_rest_is_of_any_of_them)
{
  struct mid_shapes s = {0};
  mid_shapes_find(&s, 64, 0);
  mid_shape_known(&s.shape[0], 7, 0);
  s.shape[0].unknown = 2;
  mid_shape_share(&s.shape[0]);
  CHECK_EQ(mid_shape_give(&s.shape[0]), 7);
  CHECK_EQ(mid_shape_give(&s.shape[0]), 7);
  mid_shapes_close(&s);
}

TEST(sites_are_borrowed_with_what_they_stand_for)
{
  struct mid_shapes s = {0};
  CHECK(mid_shapes_known(&s, 64, 0) == NULL);
  mid_shapes_find(&s, 64, 0);
  mid_shapes_find(&s, 80, 0);
  CHECK(mid_shapes_known(&s, 64, 0) == NULL);
  mid_shape_known(&s.shape[0], 7, 1);
  mid_shape_known(&s.shape[0], 8, 3);
  CHECK(mid_shapes_known(&s, 64, 0) == &s.shape[0]);
  mid_shape_borrow(&s.shape[1], &s.shape[0]);
  s.shape[1].unknown = 4;
  mid_shape_share(&s.shape[1]);
  CHECK_EQ(mid_shape_give(&s.shape[1]), 7);
  for (int i = 0; i < 3; i++) CHECK_EQ(mid_shape_give(&s.shape[1]), 8);
  mid_shapes_close(&s);
}
