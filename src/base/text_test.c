// base/text_test.c -- sentences that fit or are cut, and sizes as people write them.
// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "test.h"

static struct mid_text text;
static char room[128];

static void start(size_t bytes) {
  memset(room, '#', sizeof room);
  text = mid_text_open(room, bytes);
}

TEST(a_text_is_a_string_from_the_start_and_after_every_word)
{
  start(sizeof room);
  CHECK_STR(room, "");
  mid_text_add(&text, "one");
  CHECK_STR(room, "one");
  mid_text_add(&text, "");
  mid_text_add(&text, " two");
  CHECK_STR(room, "one two");
  CHECK(!text.cut);
}

TEST(what_just_fits_is_whole_and_one_letter_more_is_cut)
{
  start(4);
  mid_text_add(&text, "abc");
  CHECK(!text.cut);
  mid_text_add(&text, "");
  CHECK(!text.cut);
  mid_text_add(&text, "d");
  CHECK(text.cut);
  CHECK_STR(room, "abc");
  CHECK_EQ(room[4], '#');
}

TEST(room_for_nothing_but_the_end_holds_nothing)
{
  start(1);
  mid_text_add(&text, "abc");
  mid_text_number(&text, 7);
  CHECK_STR(room, "");
  CHECK(text.cut);
  CHECK_EQ(room[1], '#');
}

TEST(a_cut_number_keeps_its_first_digits_and_stays_cut)
{
  start(4);
  mid_text_number(&text, 123456);
  CHECK_STR(room, "123");
  mid_text_add(&text, "");
  CHECK(text.cut);
}

static const char *number(uint64_t n) {
  start(sizeof room);
  mid_text_number(&text, n);
  return room;
}

static const char *hex(uint64_t n) {
  start(sizeof room);
  mid_text_hex(&text, n);
  return room;
}

TEST(numbers_are_written_from_zero_to_the_largest)
{
  CHECK_STR(number(0), "0");
  CHECK_STR(number(9), "9");
  CHECK_STR(number(10), "10");
  CHECK_STR(number(UINT64_MAX), "18446744073709551615");
  CHECK_STR(hex(0), "0x0");
  CHECK_STR(hex(0xdeadbeef), "0xdeadbeef");
  CHECK_STR(hex(UINT64_MAX), "0xffffffffffffffff");
}

static const char *size(uint64_t bytes) {
  start(sizeof room);
  mid_text_size(&text, bytes);
  return room;
}

TEST(a_size_is_shown_in_the_unit_that_a_person_would_use)
{
  CHECK_STR(size(0), "0 B");
  CHECK_STR(size(1023), "1023 B");
  CHECK_STR(size(1024), "1.0 KiB");
  CHECK_STR(size(1536), "1.5 KiB");
  CHECK_STR(size(1024 + 51), "1.0 KiB");  // 1.0498
  CHECK_STR(size(1024 + 52), "1.1 KiB");  // 1.0508
  CHECK_STR(size((1 << 20) - 103), "1023.9 KiB");
  CHECK_STR(size(1 << 20), "1.0 MiB");
  CHECK_STR(size(3ull << 29), "1.5 GiB");
  CHECK_STR(size(1ull << 40), "1.0 TiB");
  CHECK_STR(size(1ull << 50), "1.0 PiB");
  CHECK_STR(size(1ull << 60), "1.0 EiB");
  CHECK_STR(size(UINT64_MAX), "16.0 EiB");
}

// ---- reading ----

static uint64_t read_as;

static bool reads(const char *words) {
  read_as = 77;
  return mid_text_read_size(words, strlen(words), &read_as);
}

TEST(every_way_of_writing_a_unit_is_read)
{
  static const char *const ends[][6] = {{"k", "K", "kb", "KB", "kiB", "KiB"},
                                        {"m", "M", "mb", "MB", "miB", "MiB"},
                                        {"g", "G", "gb", "GB", "giB", "GiB"},
                                        {"t", "T", "tb", "TB", "tiB", "TiB"}};
  for (int unit = 0; unit < 4; unit++)
    for (int way = 0; way < 6; way++) {
      char words[8] = "3";
      strcat(words, ends[unit][way]);
      CHECK(reads(words));
      CHECK_EQ(read_as, 3ull << (10 * (unit + 1)));
    }
  CHECK(reads("0"));
  CHECK_EQ(read_as, 0);
  CHECK(reads("007"));
  CHECK_EQ(read_as, 7);
  CHECK(reads("12b"));
  CHECK_EQ(read_as, 12);
  CHECK(reads("12B"));
  CHECK_EQ(read_as, 12);
}

TEST(only_the_given_letters_are_read)
{
  CHECK(mid_text_read_size("123456", 3, &read_as));
  CHECK_EQ(read_as, 123);
  CHECK(mid_text_read_size("12kk", 3, &read_as));
  CHECK_EQ(read_as, 12 << 10);
}

TEST(anything_else_is_no_size_and_changes_nothing)
{
  static const char *const bad[] = {"",    "k",   "-1",   "+1",   " 1",   "1 ",  "1.5k", "0x10",
                                    "1kk", "1bb", "1bib", "1kib", "1kIB", "1ki", "1p",   "1KiBs",
                                    "1 k", "1k ", "1e3",  "1,",   "k1",   "1\n", "1kx",  "1mk"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (reads(bad[i])) fail_msg("'%s' was read as a size", bad[i]);
    CHECK_EQ(read_as, 77);
  }
  CHECK(!mid_text_read_size("1\0", 2, &read_as));
}

TEST(the_largest_number_is_read_and_one_more_overflows)
{
  CHECK(reads("18446744073709551615"));
  CHECK_EQ(read_as, UINT64_MAX);
  CHECK(!reads("18446744073709551616"));
  CHECK(!reads("99999999999999999999"));
  CHECK(!reads("100000000000000000000000000"));
}

TEST(a_unit_that_shifts_the_number_out_overflows)
{
  CHECK(reads("16777215T"));
  CHECK_EQ(read_as, 16777215ull << 40);
  CHECK(!reads("16777216T"));
  CHECK(!reads("18014398509481984k"));
  CHECK(reads("18014398509481983k"));
  CHECK_EQ(read_as, 18014398509481983ull << 10);
}

// ---- writing ----

TEST(a_text_is_written_whole_and_nothing_after_it)
{
  int ends[2];
  char got[32] = {0};
  CHECK_EQ(pipe(ends), 0);
  start(sizeof room);
  mid_text_add(&text, "said once");
  mid_text_write(&text, ends[1]);
  close(ends[1]);
  CHECK_EQ(read(ends[0], got, sizeof got), 9);
  CHECK_STR(got, "said once");
  close(ends[0]);
}

TEST(writing_to_nowhere_ends)
{
  start(sizeof room);
  mid_text_add(&text, "lost");
  errno = 0;
  mid_text_write(&text, -1);
  CHECK_EQ(errno, EBADF);
}

// A reader that takes a little at a time, while signals cut the writer's calls short.
enum { LONG_BYTES = 300000 };
struct reader {
  int from;
  pthread_t writer;
  size_t bytes;
  bool right;
};

static void interrupted(int number) { (void)number; }

static void *read_slowly(void *with) {
  struct reader *reader = with;
  char some[1000];
  ssize_t n;
  for (reader->right = true; (n = read(reader->from, some, sizeof some)) > 0;) {
    for (ssize_t i = 0; i < n; i++)
      reader->right &= some[i] == (char)('a' + (reader->bytes + (size_t)i) % 26);
    reader->bytes += (size_t)n;
    // The last byte may free the writer, which must not be signalled after its end.
    if (reader->bytes < LONG_BYTES - 100000) pthread_kill(reader->writer, SIGUSR1);
  }
  return NULL;
}

TEST(a_long_text_gets_through_short_writes_and_signals)
{
  static char letters[LONG_BYTES + 1];
  struct sigaction action = {.sa_handler = interrupted}, before;
  struct reader reader = {.writer = pthread_self()};
  pthread_t thread;
  int ends[2];
  CHECK_EQ(pipe(ends), 0);
  CHECK_EQ(sigaction(SIGUSR1, &action, &before), 0);
  for (size_t i = 0; i < LONG_BYTES; i++) letters[i] = (char)('a' + i % 26);
  struct mid_text whole = {letters, letters + LONG_BYTES, letters + LONG_BYTES, false};
  reader.from = ends[0];
  CHECK_EQ(pthread_create(&thread, NULL, read_slowly, &reader), 0);
  mid_text_write(&whole, ends[1]);
  close(ends[1]);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  close(ends[0]);
  sigaction(SIGUSR1, &before, NULL);
  CHECK_EQ(reader.bytes, LONG_BYTES);
  CHECK(reader.right);
}
