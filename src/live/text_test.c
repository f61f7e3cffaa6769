// live/text_test.c -- words and charts that fit, in UTF-8 and in ASCII.
// SPDX-License-Identifier: MIT
#include "live/text.h"

#include <locale.h>

#include "test.h"

static struct mid_line room;
static struct mid_words words;

static void in_utf8(void) { CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL); }
static void in_ascii(void) { CHECK(setlocale(LC_CTYPE, "C") != NULL); }

TEST(sizes_have_three_digits_and_take_eight_columns_at_most)
{
  CHECK_STR(mid_short_size(0, &words), "0 B");
  CHECK_STR(mid_short_size(1023, &words), "1023 B");
  CHECK_STR(mid_short_size(1024, &words), "1.00 KiB");
  CHECK_STR(mid_short_size(1.27 * 1073741824, &words), "1.27 GiB");
  CHECK_STR(mid_short_size(98.04 * 1024, &words), "98.0 KiB");
  CHECK_STR(mid_short_size(1023.9 * 1024, &words), "1.00 MiB");
  CHECK_STR(mid_short_size(-5, &words), "0 B");
  for (double n = 1; n < 0x1p63; n *= 1.01) CHECK(strlen(mid_short_size(n, &words)) <= 8);
  CHECK_STR(mid_signed_size(3072, &words), "+3.00 KiB");
  CHECK_STR(mid_signed_size(-3072, &words), "-3.00 KiB");
  CHECK_STR(mid_signed_size(0.1, &words), "0 B");
}

TEST(what_is_too_long_gets_an_ellipsis_at_its_end_or_in_its_middle)
{
  in_utf8();
  CHECK_STR(mid_fit("abcdef", 6, MID_CUT_END, &room), "abcdef");
  CHECK_STR(mid_fit("abcdef", 5, MID_CUT_END, &room), "abcd\u2026");
  CHECK_STR(mid_fit("abcdefghi", 6, MID_CUT_MIDDLE, &room), "abc\u2026hi");
  CHECK_STR(mid_fit("abcdef", 0, MID_CUT_END, &room), "");
  in_ascii();
  CHECK_STR(mid_fit("abcdef", 5, MID_CUT_END, &room), "abcd~");
}

TEST(columns_are_counted_and_not_bytes)
{
  in_utf8();
  CHECK_EQ(mid_columns("gr\u00f6\u00dfe"), 5);
  CHECK_EQ(mid_columns("\u4e2d\u6587"), 4);
  CHECK_STR(mid_fit("\u4e2d\u6587\u4e2d", 5, MID_CUT_END, &room), "\u4e2d\u6587\u2026");
  CHECK_STR(mid_fit("\u4e2d\u6587\u4e2d", 4, MID_CUT_END, &room), "\u4e2d\u2026");
}

TEST(what_would_command_a_terminal_becomes_question_marks)
{
  in_utf8();
  CHECK_STR(mid_fit("a\033[2Jb\a\x80", 20, MID_CUT_END, &room), "a?[2Jb??");
  CHECK_STR(mid_fit("\xc2\x9b"
                    "31m",
                    20, MID_CUT_END, &room),
            "?31m");  // CSI in one character
  in_ascii();
  CHECK_STR(mid_fit("gr\u00f6\u00dfe", 20, MID_CUT_END, &room), "gr????e");
}

TEST(of_a_path_the_last_folders_and_the_first_are_kept)
{
  in_utf8();
  const char *path = "/usr/src/redis/src/dict.c";
  CHECK_STR(mid_fit_path(path, 41, 40, &room), "/usr/src/redis/src/dict.c:41");
  CHECK_STR(mid_fit_path(path, 41, 24, &room), "/usr/\u2026/src/dict.c:41");
  CHECK_STR(mid_fit_path(path, 41, 18, &room), "/usr/\u2026/dict.c:41");
  CHECK_STR(mid_fit_path(path, 41, 12, &room), "\u2026/dict.c:41");
  CHECK_STR(mid_fit_path(path, 41, 9, &room), "dict.c:41");
  CHECK_STR(mid_fit_path(path, 41, 6, &room), "dict.\u2026");
  CHECK_STR(mid_fit_path("dict.c", 0, 6, &room), "dict.c");
  CHECK_STR(mid_fit_path("", 0, 6, &room), "");
}

TEST(a_chart_rises_with_its_values_and_has_its_newest_at_the_right)
{
  struct mid_series s;
  mid_series_open(&s, 8, 1, 1);
  for (int i = 0; i < 8; i++) mid_series_add(&s, i, 100 * (i + 1));
  in_utf8();
  CHECK_STR(mid_chart(&s, 8, 1, 0, &room), "\u2581\u2581\u2582\u2583\u2585\u2586\u2587\u2588");
  CHECK_STR(mid_chart(&s, 10, 1, 0, &room), "  \u2581\u2581\u2582\u2583\u2585\u2586\u2587\u2588");
  CHECK_STR(mid_chart(&s, 4, 1, 0, &room), "\u2581\u2583\u2586\u2588");
  in_ascii();
  CHECK_STR(mid_chart(&s, 8, 1, 0, &room), "..:-+*%#");
  CHECK_STR(mid_chart(&s, 8, 2, 1, &room), "    .-*#");
  CHECK_STR(mid_chart(&s, 8, 2, 0, &room), ".:+%####");
  mid_series_close(&s);
}

TEST(a_chart_of_what_hardly_changes_does_not_make_much_of_it)
{
  struct mid_series s;
  mid_series_open(&s, 4, 1, 1);
  for (int i = 0; i < 4; i++) mid_series_add(&s, i, 1e6 + i);
  in_ascii();
  CHECK_STR(mid_chart(&s, 4, 1, 0, &room), "====");
  for (int i = 4; i < 8; i++) mid_series_add(&s, i, 0);
  CHECK_STR(mid_chart(&s, 4, 1, 0, &room), "    ");
  mid_series_close(&s);
}
