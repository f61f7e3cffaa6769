// base/options_test.c -- the option table: what is read, what is refused and how that is said.
// SPDX-License-Identifier: MIT
#include "base/options.h"

#include <stdio.h>
#include <unistd.h>

#include "test.h"

static struct mid_options options;
static char why_room[320];

// What mid_options_read says of `list`, from the defaults; "" when it understood all.
static const char *complaint(const char *list) {
  options = mid_options_default;
  struct mid_text why = mid_text_open(why_room, sizeof why_room);
  bool good = mid_options_read(&options, list, &why);
  CHECK_EQ(good, why_room[0] == 0);
  return why_room;
}

static void check_all_default(void) {
  CHECK_EQ(memcmp(&options, &mid_options_default, sizeof options), 0);
}

TEST(every_row_has_a_name_a_meaning_and_a_default_within_its_bounds)
{
  for (int i = 0; i < MID_OPTION_COUNT; i++) {
    const struct mid_option_row *row = &mid_option_rows[i];
    CHECK(row->name[0] != 0 && row->unit[0] != 0 && row->meaning[0] != 0);
    CHECK(row->min <= row->def && row->def <= row->max);
    CHECK_EQ(mid_option_value(&mid_options_default, row), row->def);
    CHECK(strcspn(row->name, ",= ") == strlen(row->name));
    for (int k = 0; k < i; k++) CHECK(strcmp(row->name, mid_option_rows[k].name) != 0);
  }
}

TEST(every_row_takes_its_bounds_and_its_words_and_nothing_beyond)
{
  for (int i = 0; i < MID_OPTION_COUNT; i++) {
    const struct mid_option_row *row = &mid_option_rows[i];
    char list[256];
    snprintf(list, sizeof list, "%s=%llu", row->name, (unsigned long long)row->min);
    CHECK_STR(complaint(list), "");
    CHECK_EQ(mid_option_value(&options, row), row->min);
    snprintf(list, sizeof list, "%s=%llu", row->name, (unsigned long long)row->max);
    CHECK_STR(complaint(list), "");
    CHECK_EQ(mid_option_value(&options, row), row->max);
    snprintf(list, sizeof list, "%s=%llu", row->name, (unsigned long long)row->max + 1);
    CHECK(complaint(list)[0] != 0);
    check_all_default();
    if (row->words[0] == 0) continue;
    snprintf(list, sizeof list, "%s=%.*s", row->name, (int)strcspn(row->words, "|"), row->words);
    CHECK_STR(complaint(list), "");
    CHECK_EQ(mid_option_value(&options, row), row->max + 1);
  }
}

TEST(a_word_stands_for_the_value_that_the_code_compares_with)
{
  CHECK_STR(complaint("heap_limit=cgroup,feed=keep"), "");
  CHECK_EQ(options.heap_limit, MID_OPTION_HEAP_LIMIT_CGROUP);
  CHECK_EQ(options.feed, MID_OPTION_FEED_KEEP);
  CHECK(complaint("heap_limit=cgrou")[0] != 0);
  CHECK(complaint("heap_limit=cgroups")[0] != 0);
  CHECK(complaint("feed=2")[0] != 0);  // the number behind a word is no way to write it
}

TEST(a_list_sets_what_it_names_and_nothing_else)
{
  CHECK_STR(complaint("heap_limit=64M,dirty_share=25"), "");
  struct mid_options expected = mid_options_default;
  expected.heap_limit = 64 << 20;
  expected.dirty_share = 25;
  CHECK_EQ(memcmp(&options, &expected, sizeof options), 0);
}

TEST(the_last_of_two_places_counts)
{
  CHECK_STR(complaint("dirty_share=25,dirty_share=30"), "");
  CHECK_EQ(options.dirty_share, 30);
}

TEST(empty_lists_and_empty_places_are_fine)
{
  CHECK_STR(complaint(""), "");
  check_all_default();
  CHECK_STR(complaint(",,dirty_share=7,,"), "");
  CHECK_EQ(options.dirty_share, 7);
}

TEST(a_bad_place_leaves_its_field_and_the_rest_is_still_read)
{
  complaint("dirty_share=5,heap_limit=much,hardened=1");
  CHECK_EQ(options.dirty_share, 5);
  CHECK_EQ(options.heap_limit, mid_options_default.heap_limit);
  CHECK_EQ(options.hardened, 1);
}

TEST(a_bad_value_is_named_with_what_could_be_given)
{
  CHECK_STR(complaint("dirty_share=many"),
            "option dirty_share cannot be 'many': give 0 % to 100 %");
  CHECK_STR(complaint("dirty_share=101"), "option dirty_share cannot be '101': give 0 % to 100 %");
  CHECK_STR(complaint("dirty_share=-1"), "option dirty_share cannot be '-1': give 0 % to 100 %");
  CHECK_STR(complaint("hardened"), "option hardened cannot be '': give 0 to 1");
  CHECK_STR(complaint("hardened="), "option hardened cannot be '': give 0 to 1");
  CHECK_STR(complaint("heap_limit=x"),
            "option heap_limit cannot be 'x': give 0 B to 128.0 TiB or cgroup");
  CHECK_STR(complaint("feed=1=1"), "option feed cannot be '1=1': give 0 to 1 or keep");
}

TEST(a_number_that_overflows_is_refused_not_wrapped)
{
  CHECK_STR(complaint("heap_limit=18446744073709551617"),
            "option heap_limit cannot be '18446744073709551617': give 0 B to 128.0 TiB or cgroup");
  check_all_default();
  CHECK(complaint("heap_limit=16777217T")[0] != 0);  // 1 TiB past 2^64
  check_all_default();
}

TEST(an_unknown_name_is_named_with_the_nearest_one)
{
  CHECK_STR(complaint("heaplimit=1"), "there is no option 'heaplimit': did you mean 'heap_limit'?");
  CHECK_STR(complaint("hardend=1"), "there is no option 'hardend': did you mean 'hardened'?");
  CHECK_STR(complaint("colour=red"), "there is no option 'colour': `midden options` lists them");
  CHECK_STR(complaint("=1"), "there is no option '': `midden options` lists them");
  CHECK_STR(complaint("Hardened=1 "), "there is no option 'Hardened': did you mean 'hardened'?");
}

TEST(of_two_bad_places_the_first_is_told)
{
  CHECK_STR(complaint("dirty_share=x,colour=1"),
            "option dirty_share cannot be 'x': give 0 % to 100 %");
  CHECK_STR(complaint("hardened=1,colour=1,dirty_share=x"),
            "there is no option 'colour': `midden options` lists them");
}

TEST(a_place_too_long_to_repeat_is_cut_and_the_sentence_goes_on)
{
  char list[600] = "dirty_share=";
  memset(list + 12, 'x', 500);
  const char *said = complaint(list);
  CHECK(strlen(said) < 200);
  CHECK(strstr(said, "xx': give 0 % to 100 %") != NULL);
  memset(list, 'y', 12);
  CHECK(strstr(complaint(list), "there is no option 'yyyy") != NULL);
  CHECK(strstr(why_room, "': `midden options` lists them") != NULL);
}

static const char *printed(int option, uint64_t value) {
  static char room[64];
  struct mid_text out = mid_text_open(room, sizeof room);
  mid_option_print(&mid_option_rows[option], value, &out);
  return room;
}

TEST(values_are_printed_in_their_unit_or_as_their_word)
{
  CHECK_STR(printed(MID_OPTION_heap_limit, 64 << 20), "64.0 MiB");
  CHECK_STR(printed(MID_OPTION_heap_limit, MID_OPTION_HEAP_LIMIT_CGROUP), "cgroup");
  CHECK_STR(printed(MID_OPTION_dirty_share, 10), "10 %");
  CHECK_STR(printed(MID_OPTION_feed, 1), "1");
  CHECK_STR(printed(MID_OPTION_feed, MID_OPTION_FEED_KEEP), "keep");
}

// ---- the nearest name ----

static const char *const names[] = {"run", "top", "report", "options", "diff"};

static const char *nearest(const char *word) {
  const char *name = mid_nearest_name(word, strlen(word), names, 5);
  return name == NULL ? "none" : name;
}

TEST(a_letter_added_dropped_changed_or_swapped_is_near)
{
  CHECK_STR(nearest("report"), "report");
  CHECK_STR(nearest("reports"), "report");
  CHECK_STR(nearest("reprt"), "report");
  CHECK_STR(nearest("rebort"), "report");
  CHECK_STR(nearest("reoprt"), "report");
  CHECK_STR(nearest("rnu"), "run");
  CHECK_STR(nearest("optoins"), "options");
}

TEST(a_name_that_differs_in_more_than_a_third_is_not_near)
{
  CHECK_STR(nearest("reverb"), "none");
  CHECK_STR(nearest("xyz"), "none");
  CHECK_STR(nearest("rap"), "none");
  CHECK_STR(nearest(""), "none");
}

TEST(the_nearest_of_several_near_names_wins)
{
  CHECK_STR(nearest("tun"), "run");
  CHECK_STR(nearest("ton"), "top");
  CHECK_STR(nearest("diffs"), "diff");
}

TEST(words_as_long_as_no_name_is_are_near_to_none)
{
  char word[100];
  memset(word, 'r', sizeof word);
  for (size_t bytes = 8; bytes <= sizeof word; bytes++)
    CHECK(mid_nearest_name(word, bytes, names, 5) == NULL);
  const char *const long_name = "a_name_of_more_than_thirty_one_letters";
  CHECK(mid_nearest_name(long_name, strlen(long_name), &long_name, 1) == NULL);
}

TEST(only_the_given_letters_of_the_word_count)
{
  CHECK_STR(mid_nearest_name("runaway", 3, names, 5), "run");
  CHECK(mid_nearest_name("run", 3, names, 0) == NULL);
}

// ---- the process's own ----

// What mid_options_start says of `list` on standard error; the process's options are put back.
static const char *said_at_start(const char *list) {
  static char said[512];
  struct mid_options kept = mid_options;
  int ends[2], error = dup(STDERR_FILENO);
  CHECK_EQ(pipe(ends), 0);
  dup2(ends[1], STDERR_FILENO);
  mid_options_start(list);
  options = mid_options;
  mid_options = kept;
  dup2(error, STDERR_FILENO);
  close(error), close(ends[1]);
  ssize_t n = read(ends[0], said, sizeof said - 1);
  close(ends[0]);
  said[n > 0 ? n : 0] = 0;
  return said;
}

TEST(the_start_sets_the_processs_options_in_silence)
{
  CHECK_STR(said_at_start("dirty_share=33"), "");
  CHECK_EQ(options.dirty_share, 33);
  CHECK_STR(said_at_start(""), "");
}

TEST(the_start_says_what_it_leaves_out_and_keeps_the_rest)
{
  CHECK_STR(said_at_start("hardend=1,dirty_share=44"),
            "midden: MIDDEN_OPTIONS: there is no option 'hardend': did you mean 'hardened'?; it is "
            "left out\n");
  CHECK_EQ(options.dirty_share, 44);
}
