// export/changes_test.c -- sites are matched by their keys, and growth is judged.
// SPDX-License-Identifier: MIT
#include "export/changes.h"

#include "test.h"

#include "export/made_test.h"

// Of two runs, as JSON lists of sites.
static struct mid_kept before, after;
static struct mid_changes changes_of(const char *first, const char *second) {
  before = made_run(first);
  after = made_run(second);
  return mid_changes_make(&before, &after);
}

static void forget(struct mid_changes *c) {
  mid_changes_close(c);
  mid_kept_close(&before);
  mid_kept_close(&after);
}

#define SITE(stack, bytes, blocks) \
  "{\"stack\": " stack ", \"live_bytes\": " #bytes ", \"live_blocks\": " #blocks "}"

TEST(the_largest_change_is_first_and_what_did_not_change_is_left_out)
{
  struct mid_changes c = changes_of("[" SITE("[0]", 100, 1) "," SITE("[1]", 50, 5) "]",
                                    "[" SITE("[1]", 50, 5) "," SITE("[0, 1]", 70, 2) "]");
  CHECK_EQ(c.count, 2);
  CHECK(c.at[0].bytes == -100 && c.at[0].blocks == -1 && c.at[0].after == NULL);
  CHECK(c.at[1].bytes == 70 && c.at[1].blocks == 2 && c.at[1].before == NULL);
  CHECK(c.before_bytes == 150 && c.after_bytes == 120 && c.all.bytes == -30 && c.all.blocks == 1);
  forget(&c);
}

TEST(stacks_with_one_key_are_one_site)
{
  struct mid_changes c =
      changes_of("[" SITE("[0]", 100, 1) "," SITE("[0]", 20, 1) "]", "[" SITE("[0]", 200, 3) "]");
  CHECK_EQ(c.count, 1);
  CHECK(mid_change_before(&c.at[0]) == 120 && c.at[0].bytes == 80 && c.at[0].blocks == 1);
  forget(&c);
}

TEST(growth_by_more_than_a_size_exceeds_it)
{
  struct mid_changes c = changes_of("[" SITE("[0]", 100, 1) "]", "[" SITE("[0]", 200, 1) "]");
  CHECK(mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.bytes = 99}));
  CHECK(!mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.bytes = 100}));
  CHECK(mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.percent = 99}));
  CHECK(!mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.percent = 100}));
  forget(&c);
}

TEST(a_part_is_of_the_site_but_of_all_for_what_is_new)
{
  struct mid_changes c = changes_of("[" SITE("[0]", 1000, 1) "]",
                                    "[" SITE("[0]", 1005, 1) "," SITE("[1]", 101, 1) "]");
  CHECK(mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.percent = 10}));
  CHECK(!mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.percent = 11}));
  // Half a percent more, of a site that is all there was: under a hundredth.
  CHECK(!mid_changes_exceed(&c, &c.at[1], &(struct mid_threshold){.percent = 0.1}));
  CHECK(mid_changes_exceed(&c, &c.all, &(struct mid_threshold){.percent = 10.5}));
  forget(&c);
}

TEST(growth_within_the_error_of_its_estimate_is_none)
{
  struct mid_changes c = changes_of("[{\"stack\": [0], \"live_bytes\": 1000, \"live_error\": 30}]",
                                    "[{\"stack\": [0], \"live_bytes\": 1099, \"live_error\": 40}]");
  CHECK(c.at[0].error == 50);
  CHECK(!mid_changes_exceed(&c, &c.at[0], &(struct mid_threshold){.bytes = 0}));
  forget(&c);
}
