// live/top_test.c -- what keys do to what is shown.
// SPDX-License-Identifier: MIT
#include "live/top.h"

#include <signal.h>
#include <unistd.h>

#include "test.h"

#include "live/page.h"
#include "live/profile_made_test.h"

enum { ROWS = 10 };
static struct mid_top top;

// This process runs on Midden itself.  Its sites are made up, and it is paused so that they stay.
static void begin(void) {
  CHECK(mid_top_open(&top, getpid()));
  struct mid_profile p = made_profile(1e9);
  made_set(0, 3e6, 30, 3e6);
  made_set(1, 2e6, 20, 9e9);
  made_set(2, 1e6, 10, 1e6);
  mid_sites_close(&top.sites);
  top.table = (struct mid_list){0};
  mid_sites_take(&top.sites, &p, top.now, 1);
  mid_sites_name(top.sites.row, top.sites.count, &p, NULL, 10);
  top.paused = true;
  mid_top_key(&top, '<', ROWS);  // there is none before the first
  top.column = MID_SITE_GROWTH;
  mid_top_key(&top, '<', ROWS);
  CHECK_EQ(top.column, MID_SITE_LIVE);
}

static enum mid_top_wish type(const char *keys) {
  enum mid_top_wish wish = MID_TOP_NOTHING;
  for (; *keys != 0; keys++) wish = mid_top_key(&top, (unsigned char)*keys, ROWS);
  return wish;
}

static const char *chosen(void) { return mid_site_place(top.shown[top.table.at]).function; }

#if MIDDEN_STANDARD_NAMES  // else this process is not on Midden
TEST(it_shows_this_process_with_its_live_heap)
{
  begin();
  CHECK(top.process.lives && top.process.has_feed);
  CHECK(top.process.live > 0 && top.process.memory.rss > top.process.live / 2);
  CHECK_EQ(top.live.count, 1);
  CHECK(top.process.limit > top.process.memory.rss);
  mid_top_close(&top);
}
#endif

TEST(arrows_and_letters_move_and_the_row_keeps_its_site_when_the_order_turns)
{
  begin();
  CHECK_STR(chosen(), "cache_put");
  type("j");
  CHECK_STR(chosen(), "Parse");
  mid_top_key(&top, MID_KEY_DOWN, ROWS);
  CHECK_STR(chosen(), "listener_add");
  type("r");
  CHECK_EQ(top.table.at, 0);
  mid_top_key(&top, MID_KEY_END, ROWS);
  CHECK_STR(chosen(), "cache_put");
  type("r");
  CHECK_STR(chosen(), "cache_put");
  mid_top_close(&top);
}

TEST(the_menu_and_the_arrows_of_columns_sort)
{
  begin();
  type(">>");
  CHECK_EQ(top.column, MID_SITE_RATE);
  type("s");
  CHECK_EQ(top.page, MID_TOP_SORT);
  type("jj\n");
  CHECK_EQ(top.page, MID_TOP_SITES);
  CHECK_EQ(top.column, MID_SITE_NAME);
  type(">");
  CHECK_EQ(top.column, MID_SITE_NAME);
  type("s\033");
  CHECK_EQ(top.page, MID_TOP_SITES);
  mid_top_close(&top);
}

TEST(a_filter_hides_rows_and_an_empty_one_shows_all)
{
  begin();
  type("fserve\n");
  CHECK_EQ(top.table.count, 2);
  type("f");
  CHECK_STR(top.typed, "serve");
  type("\177\177\177\177\177\n");
  CHECK_EQ(top.table.count, 3);
  type("fnowhere\033");  // left without a change
  CHECK_EQ(top.table.count, 3);
  type("fnowhere\nj\n");
  CHECK_EQ(top.table.count, 0);
  CHECK_EQ(top.page, MID_TOP_SITES);
  mid_top_close(&top);
}

TEST(a_search_goes_round_and_says_when_there_is_none)
{
  begin();
  type("/listener\n");
  CHECK_STR(chosen(), "listener_add");
  type("/SERVE\n");
  CHECK_STR(chosen(), "listener_add");
  type("n");
  CHECK_STR(chosen(), "cache_put");
  type("/nowhere\n");
  CHECK_STR(chosen(), "cache_put");
  CHECK_STR(top.message, "no site has 'nowhere' in its stack");
  mid_top_close(&top);
}

TEST(keys_that_are_typed_into_a_prompt_do_nothing_else)
{
  begin();
  CHECK_EQ(type("/qwr"), MID_TOP_NOTHING);
  CHECK_STR(top.typed, "qwr");
  type("\303\266\177");  // of two bytes, gone as one
  CHECK_STR(top.typed, "qwr");
  mid_top_close(&top);
}

TEST(enter_opens_a_stack_and_escape_goes_back)
{
  begin();
  type("j\n");
  CHECK_EQ(top.page, MID_TOP_STACK);
  bool has_place = false, has_caller = false;
  for (size_t i = 0; i < mid_page_lines(top.line); i++) {
    has_place = has_place || strcmp(top.line[i], " > Parse  src/made.c:11") == 0;
    has_caller = has_caller || strcmp(top.line[i], "   work  src/main.c:5") == 0;
  }
  CHECK(has_place && has_caller);
  type("?");
  CHECK_EQ(top.page, MID_TOP_HELP);
  type("\033");
  CHECK_EQ(top.page, MID_TOP_STACK);
  type("\033");
  CHECK_EQ(top.page, MID_TOP_SITES);
  CHECK_STR(chosen(), "Parse");
  CHECK_EQ(type("\033"), MID_TOP_QUIT);
  mid_top_close(&top);
}

TEST(every_key_of_the_help_wishes_or_changes_what_it_says)
{
  begin();
  CHECK_EQ(type("q"), MID_TOP_QUIT);
  CHECK_EQ(type("w"), MID_TOP_WRITE);
  CHECK_EQ(type("\f"), MID_TOP_REDRAW);
  type(" ");
  CHECK(!top.paused);
  type("+");
  CHECK(top.interval == 2);
  type("---------");
  CHECK(top.interval == 0.25);
  type("++++++++++++");
  CHECK(top.interval == 64);
  mid_top_close(&top);
}

#if MIDDEN_STANDARD_NAMES
TEST(without_a_process_there_is_a_list_to_choose_from_and_to_come_back_to)
{
  CHECK(mid_top_open(&top, 0));
  CHECK_EQ(top.page, MID_TOP_PROCESSES);
  CHECK_EQ(type("w"), MID_TOP_NOTHING);
  type("s");
  CHECK_EQ(top.page, MID_TOP_PROCESSES);
  char search[16];
  snprintf(search, sizeof search, "/%d\n", (int)getpid());
  type("/nobody is called this\n");
  CHECK_STR(top.message, "no process is, or is called, 'nobody is called this'");
  type(search);
  type("\n");
  CHECK_EQ(top.page, MID_TOP_SITES);
  CHECK_EQ(top.process.pid, getpid());
  CHECK_EQ(type("\033"), MID_TOP_NOTHING);
  CHECK_EQ(top.page, MID_TOP_PROCESSES);
  CHECK_EQ(type("\033"), MID_TOP_QUIT);
  mid_top_close(&top);
}
#endif

TEST(a_process_that_ended_stays_as_it_was)
{
  pid_t child = fork();
  if (child == 0) pause();
  CHECK(mid_top_open(&top, child));
  kill(child, SIGKILL);
  while (top.process.lives) mid_top_look(&top);
  uint64_t rss = top.process.memory.rss;
  CHECK(rss > 0);
  mid_top_look(&top);
  CHECK_EQ(top.process.memory.rss, rss);
  CHECK_EQ(type("\033"), MID_TOP_QUIT);
  mid_top_close(&top);
  CHECK(!mid_top_open(&top, 0x3fffffff));
}
