// trace/contest_test.c -- who is best, and what is advised.
// SPDX-License-Identifier: MIT
#include "trace/contest.h"
#include "test.h"

static struct mid_plan plan;
static const struct mid_planned planned = {.fd = -1, .plan = &plan};

static struct mid_contest judge(struct mid_row *row, size_t rows, uint32_t threads) {
  struct mid_contest c = {.planned = &planned, .row = row, .rows = rows};
  plan.threads = plan.lanes = threads;
  mid_contest_judge(&c);
  return c;
}

static const char *name_of(const struct mid_contest *c, int place) {
  return place < 0 ? "none" : c->row[place].name;
}

TEST(the_knee_is_nearest_to_best_at_both)
{
  struct mid_row row[] = {{.name = "glibc", .seconds = 4, .peak_rss = 4 << 20},
                          {.name = "slim", .seconds = 8, .peak_rss = 3 << 20},
                          {.name = "quick", .seconds = 2, .peak_rss = 9 << 20},
                          {.name = "even", .seconds = 2.2, .peak_rss = 5 << 20}};
  struct mid_contest c = judge(row, 4, 1);
  CHECK_STR(name_of(&c, c.best_time), "quick");
  CHECK_STR(name_of(&c, c.best_memory), "slim");
  CHECK_STR(name_of(&c, c.knee), "even");
  CHECK_STR(c.row[3].name, "slim");
  CHECK_STR(c.advice,
            "Take even, the nearest to best at both: 55 % of glibc's time, 125 % of its peak "
            "memory.");
}

TEST(what_has_no_threads_is_judged_only_where_there_are_none)
{
  struct mid_row row[] = {{.name = "glibc", .seconds = 4, .peak_rss = 4 << 20},
                          {.name = "tlsf", .seconds = 1, .peak_rss = 1 << 20, .policy = true},
                          {.name = "other", .seconds = 3, .peak_rss = 3 << 20}};
  struct mid_contest c = judge(row, 3, 2);
  CHECK_STR(name_of(&c, c.knee), "other");
  CHECK_STR(c.advice,
            "Take other, the best at both: 75 % of glibc's time, 75 % of its peak memory.");
  c = judge(row, 3, 1);
  CHECK_STR(name_of(&c, c.knee), "tlsf");
  CHECK_STR(c.advice,
            "tlsf suits these sizes and lifetimes best, in a region of your own (midden/fit.h); as "
            "the program's malloc take other: 75 % of glibc's time, 75 % of its peak memory.");
}

TEST(what_failed_stands_last_and_is_not_best)
{
  struct mid_row row[] = {{.name = "broken", .failure = "it fell"},
                          {.name = "full", .seconds = 1, .peak_rss = 1 << 20, .failures = 1},
                          {.name = "glibc", .seconds = 4, .peak_rss = 4 << 20}};
  struct mid_contest c = judge(row, 3, 1);
  CHECK_STR(c.row[2].name, "broken");
  CHECK_STR(name_of(&c, c.knee), "glibc");
  c = judge(row, 1, 1);
  CHECK_STR(name_of(&c, c.knee), "none");
  row[0] = (struct mid_row){.name = "broken", .failure = "it fell"};
  c = judge(row, 1, 1);
  CHECK_STR(c.advice, "No row finished: raise --limit or --time-limit.");
}

TEST(what_is_over_in_no_time_is_not_told_apart)
{
  struct mid_row row[] = {{.name = "a", .seconds = 1e-5, .peak_rss = 4096},
                          {.name = "b", .seconds = 0, .peak_rss = 0}};
  struct mid_contest c = judge(row, 2, 1);
  CHECK_STR(c.advice,
            "This trace is too short to tell allocators apart by time: record a longer run.");
}

// Labels of marks in one spot stand a line apart each.
TEST(a_plot_of_rows_that_are_alike_has_a_line_for_each)
{
  enum { ROWS = 40 };
  static struct mid_row row[ROWS];
  static char words[ROWS * 512];
  for (int i = 0; i < ROWS; i++) {
    row[i].seconds = 0.1 + i * 1e-7;
    row[i].peak_rss = (uint64_t)(1000000 + i);
    snprintf(row[i].name, sizeof row[i].name, "<row-%02d>", i);
  }
  struct mid_contest c = judge(row, ROWS, 1);
  c.command = "program";
  FILE *out = fmemopen(words, sizeof words, "w");
  CHECK(out != NULL);
  mid_contest_svg(&c, out);
  CHECK(fclose(out) == 0);
  long at = 0;
  for (int i = 0; i < ROWS; i++) {
    char name[32];
    snprintf(name, sizeof name, ">&lt;row-%02d&gt;", i);
    const char *label = strstr(words, name);
    CHECK(label != NULL);
    while (strncmp(label, " y=\"", 4) != 0) label--;
    long y = strtol(label + 4, NULL, 10);
    CHECK(i == 0 || y >= at + 14);
    at = y;
  }
}
