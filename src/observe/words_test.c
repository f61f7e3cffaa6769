// observe/words_test.c -- figures as a person reads them.
// SPDX-License-Identifier: MIT
#include "observe/words.h"

#include <stdio.h>

#include "test.h"

TEST(counts_have_at_most_four_digits)
{
  struct mid_words w;
  CHECK_STR(mid_words_count(0, &w), "0");
  CHECK_STR(mid_words_count(999, &w), "999");
  CHECK_STR(mid_words_count(999.7, &w), "1.0 k");
  CHECK_STR(mid_words_count(12345678, &w), "12.3 M");
  CHECK_STR(mid_words_count(999960, &w), "1.0 M");
}

TEST(means_of_little_have_two_digits)
{
  struct mid_words w;
  CHECK_STR(mid_words_mean(0, &w), "0");
  CHECK_STR(mid_words_mean(0.0004, &w), "under 0.001");
  CHECK_STR(mid_words_mean(0.0342, &w), "0.034");
  CHECK_STR(mid_words_mean(2.52, &w), "2.5");
  CHECK_STR(mid_words_mean(9.94, &w), "9.9");
  CHECK_STR(mid_words_mean(9.95, &w), "10");
  CHECK_STR(mid_words_mean(12345, &w), "12.3 k");
}

TEST(times_are_in_the_unit_that_fits)
{
  struct mid_words w;
  CHECK_STR(mid_words_seconds(0, &w), "0 s");
  CHECK_STR(mid_words_seconds(0.00042, &w), "420 us");
  CHECK_STR(mid_words_seconds(0.0032, &w), "3.2 ms");
  CHECK_STR(mid_words_seconds(0.2504, &w), "250 ms");
  CHECK_STR(mid_words_seconds(12.44, &w), "12.4 s");
  CHECK_STR(mid_words_seconds(125, &w), "2 min 05 s");
  CHECK_STR(mid_words_seconds(7500, &w), "2 h 05 min");
  CHECK_STR(mid_words_seconds(200000, &w), "2 d 07 h");
}

TEST(sizes_are_powers_of_1024)
{
  struct mid_words w;
  CHECK_STR(mid_words_size(1503238553, &w), "1.4 GiB");
  CHECK_STR(mid_words_size(95, &w), "95 B");
}

TEST(a_share_of_nothing_is_nothing)
{
  CHECK(mid_words_share(5, 0) == 0);
  CHECK(mid_words_share(1, 4) == 25);
}

TEST(text_is_broken_at_blanks_and_letters_are_not_bytes)
{
  char *text;
  size_t bytes;
  FILE *out = open_memstream(&text, &bytes);
  mid_words_wrap(out, "one two three \u00e9\u00e9\u00e9 four", 2, 12);
  fclose(out);
  CHECK_STR(text, "one two\n  three \u00e9\u00e9\u00e9\n  four\n");
  free(text);
}
