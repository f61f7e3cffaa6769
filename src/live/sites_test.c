// live/sites_test.c -- sites over time: rates, growth, order, filters.
// SPDX-License-Identifier: MIT
#include "live/sites.h"

#include <math.h>

#include "test.h"

#include "live/profile_made_test.h"

static struct mid_sites sites;

// Looks a second apart: cache_put grows by 1 MiB a second, Parse is busy, listener_add is small.
static void look(int from, int to) {
  for (int i = from; i < to; i++) {
    struct mid_profile p = made_profile(10 + i);
    made_set(0, 1048576.0 * i, 100 * i, 2097152.0 * i);
    made_set(1, 500, 5, 1e9 * i);
    made_set(2, 70000, 1000, 70000);
    CHECK(!mid_sites_take(&sites, &p, 1000 + i, 1));
    mid_sites_name(sites.row, sites.count, &p, NULL, 10);
  }
}

static uint32_t first_by(enum mid_site_column column, bool reverse, const char *filter) {
  struct mid_site_row **order = NULL;
  size_t count = mid_sites_order(&sites, column, reverse, filter, &order);
  uint32_t stack = count > 0 ? order[0]->now.stack : 0;
  free(order);
  return stack;
}

TEST(each_column_sorts_by_what_it_shows_and_the_other_way_about)
{
  look(1, 40);
  CHECK_EQ(sites.count, 3);
  CHECK_EQ(first_by(MID_SITE_LIVE, false, ""), 1);
  CHECK_EQ(first_by(MID_SITE_LIVE, true, ""), 2);
  CHECK_EQ(first_by(MID_SITE_GROWTH, false, ""), 1);
  CHECK_EQ(first_by(MID_SITE_GROWTH, true, ""), 2);  // of two that do not grow, the first seen
  CHECK_EQ(first_by(MID_SITE_RATE, false, ""), 2);
  CHECK_EQ(first_by(MID_SITE_BLOCKS, false, ""), 1);
  CHECK_EQ(first_by(MID_SITE_BLOCKS, true, ""), 2);
  CHECK_EQ(first_by(MID_SITE_NAME, false, ""), 1);  // cache_put, listener_add, Parse
  CHECK_EQ(first_by(MID_SITE_NAME, true, ""), 2);
  mid_sites_close(&sites);
}

TEST(growth_and_rate_are_those_of_the_figures)
{
  look(1, 40);
  CHECK(fabs(mid_site_growth(sites.row[0]) / (1048576.0 * 3600) - 1) < 0.01);
  CHECK(mid_site_growth(sites.row[1]) == 0);
  CHECK(fabs(sites.row[0]->rate / 2097152.0 - 1) < 0.01);
  CHECK(fabs(sites.row[1]->rate / 1e9 - 1) < 0.01);
  CHECK(sites.row[2]->rate < 10);
  mid_sites_close(&sites);
}

TEST(a_filter_looks_into_the_whole_stack_in_any_case)
{
  look(1, 3);
  struct mid_site_row **order = NULL;
  CHECK_EQ(mid_sites_order(&sites, MID_SITE_LIVE, false, "SERVE", &order), 2);
  CHECK_EQ(mid_sites_order(&sites, MID_SITE_LIVE, false, "main.c", &order), 3);
  CHECK_EQ(mid_sites_order(&sites, MID_SITE_LIVE, false, "parse", &order), 1);
  CHECK_EQ(order[0]->now.stack, 2);
  CHECK_EQ(mid_sites_order(&sites, MID_SITE_LIVE, false, "nowhere", &order), 0);
  free(order);
  mid_sites_close(&sites);
}

TEST(rows_keep_their_names_when_the_profile_is_gone_and_no_name_is_no_crash)
{
  struct mid_profile p = made_profile(5);
  CHECK(!mid_sites_take(&sites, &p, 1, 1));
  CHECK_STR(mid_site_place(sites.row[0]).function, "...");
  CHECK(mid_site_matches(sites.row[0], ""));
  CHECK(!mid_site_matches(sites.row[0], "cache"));
  CHECK(mid_sites_name(sites.row, sites.count, &p, NULL, 10));
  memset(made_frame, 0, sizeof made_frame);
  CHECK_STR(mid_site_place(sites.row[0]).function, "cache_put");
  CHECK_EQ(mid_site_place(sites.row[2]).line, 12);
  mid_sites_close(&sites);
}

TEST(a_profile_of_another_program_begins_anew)
{
  look(1, 5);
  struct mid_profile p = made_profile(0.1);
  p.sites = 1;
  CHECK(mid_sites_take(&sites, &p, 2000, 1));
  CHECK_EQ(sites.count, 1);
  CHECK_EQ(sites.row[0]->live.count, 1);
  mid_sites_close(&sites);
}
