// trace/trace_test.c -- what is written is read again, whole or damaged.
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "test.h"
#include "trace/summary.h"
#include "trace/written_test.h"

// All events in order as words: "1:birth#0 2:free 1#0".
static const char *story(void) {
  static const char *const kinds[] = {"malloc", "calloc", "aligned", "realloc",
                                      "free",   "resize", "unborn",  "exit"};
  static char words[4096];
  size_t at = 0;
  words[0] = 0;
  mid_trace_rewind(t.trace, 0);
  while (mid_trace_next(t.trace)) {
    size_t count;
    const struct mid_trace_event *const *e = mid_trace_in_order(t.trace, &count);
    for (size_t i = 0; i < count && at < sizeof words - 64; i++) {
      at += (size_t)snprintf(words + at, 64, "%s%u:%s", at > 0 ? " " : "", e[i]->thread,
                             kinds[e[i]->kind]);
      if (mid_trace_has_block(e[i]->kind))
        at += (size_t)snprintf(words + at, 64, " %u#%u%s", e[i]->block.thread,
                               (unsigned)e[i]->block.number, e[i]->unseen ? "?" : "");
      if (mid_trace_has_bytes(e[i]->kind))
        at += (size_t)snprintf(words + at, 64, "=%u", (unsigned)e[i]->bytes);
    }
  }
  return words;
}

TEST(blocks_are_named_by_their_births)
{
  begin();
  birth(1, 10, 0x1000, 5);
  birth(1, 11, 0x2000, 6);
  give(1, 12, 0x1000);
  birth(1, 13, 0x1000, 7);
  resize(1, 14, 0x2000, 0x3000, 60);
  give(1, 15, 0x3000);
  give(1, 16, 0x1000);
  end();
  CHECK_STR(story(),
            "1:malloc 1#0=5 1:malloc 1#1=6 1:free 1#0 1:malloc 1#2=7 1:resize 1#1=60 1:free 1#1 "
            "1:free 1#2");
  CHECK(mid_trace_is_whole(t.trace) && mid_trace_damage(t.trace) == NULL);
  mid_trace_close(t.trace);
}

TEST(an_event_about_anothers_block_comes_after_the_others_last)
{
  begin();
  birth(2, 100, 0x1000, 5);
  give(1, 90, 0x1000);  // its processor's clock is behind
  birth(2, 100, 0x1000, 6);
  resize(1, 100, 0x1000, 0x1000, 7);
  give(2, 100, 0x1000);
  end();
  CHECK_STR(story(), "2:malloc 2#0=5 2:malloc 2#1=6 1:free 2#0 1:resize 2#1=7 2:free 2#1");
  mid_trace_rewind(t.trace, 0);
  CHECK(mid_trace_next(t.trace));
  size_t count;
  const struct mid_trace_event *const *e = mid_trace_in_order(t.trace, &count);
  CHECK(e[2]->passed && e[2]->resizes == 0 && e[4]->passed && e[4]->resizes == 1);
  CHECK_EQ(mid_trace_threads(t.trace), 2);
  mid_trace_close(t.trace);
}

TEST(a_place_that_is_given_out_twice_lost_its_free)
{
  begin();
  birth(1, 1, 0x1000, 5);
  birth(1, 2, 0x1000, 6);
  give(1, 3, 0x9000);
  resize(1, 4, 0x8000, 0x7000, 9);
  end();
  CHECK_STR(story(), "1:malloc 1#0=5 1:free 1#0? 1:malloc 1#1=6 1:unborn 1:realloc 1#2=9");
  mid_trace_close(t.trace);
}

TEST(a_resize_that_failed_leaves_the_block)
{
  begin();
  birth(1, 1, 0x1000, 5);
  resize(1, 2, 0x1000, 0, 1000);
  give(1, 3, 0x1000);
  end();
  CHECK_STR(story(), "1:malloc 1#0=5 1:free 1#0");
  mid_trace_close(t.trace);
}

// 5900 events in seven frames.
static void write_many(void) {
  begin();
  for (uint32_t i = 0; i < 3000; i++) {
    birth(1 + i % 3, i * (uint64_t)10000, 0x10000 + i * 64, i);
    if (i >= 100) give(1 + i / 7 % 3, i * (uint64_t)10000 + 5, 0x10000 + (i - 100) * 64);
    if (i % 500 == 499) mid_writer_flush(t.writer);
  }
  end();
}

static uint64_t count_events(void) {
  uint64_t events = 0;
  while (mid_trace_next(t.trace))
    for (size_t i = 0; i < mid_trace_threads(t.trace); i++)
      events += mid_trace_thread_at(t.trace, i)->events;
  return events;
}

TEST(reading_may_begin_anywhere)
{
  write_many();
  CHECK_EQ(count_events(), 5900);
  mid_trace_rewind(t.trace, 20000000);
  CHECK_EQ(count_events(), 2000);
  mid_trace_rewind(t.trace, UINT64_MAX);
  CHECK_EQ(count_events(), 0);
  mid_trace_rewind(t.trace, 0);
  CHECK_EQ(count_events(), 5900);
  mid_trace_close(t.trace);
}

TEST(a_trace_without_its_end_is_read_up_to_there)
{
  write_many();
  mid_trace_close(t.trace);
  uint64_t last = 0;
  for (size_t size = 24; size < t.size; size += 97) {
    const char *why;
    t.trace = mid_trace_parse(t.bytes, size, &why);
    CHECK(t.trace != NULL && !mid_trace_is_whole(t.trace));
    uint64_t events = count_events();
    CHECK(events >= last && events <= 5900);
    last = events;
    mid_trace_close(t.trace);
  }
  CHECK_EQ(last, 5900);
}

TEST(a_trace_with_a_flipped_bit_says_where_or_shows_nothing_else)
{
  write_many();
  mid_trace_close(t.trace);
  for (size_t at = 0; at < t.size; at += 13) {
    const char *why;
    t.bytes[at] ^= 4;
    t.trace = mid_trace_parse(t.bytes, t.size, &why);
    CHECK(t.trace != NULL || why != NULL);
    if (t.trace != NULL) {
      uint64_t events = count_events();
      CHECK(events == 5900 || (events < 5900 && mid_trace_damage(t.trace) != NULL));
      mid_trace_close(t.trace);
    }
    t.bytes[at] ^= 4;
  }
}

TEST(the_summary_adds_up)
{
  struct mid_summary s;
  write_many();
  mid_summary_open(&s);
  while (mid_trace_next(t.trace)) mid_summary_add(&s, t.trace);
  mid_summary_end(&s);
  CHECK_EQ(s.births, 3000);
  CHECK_EQ(s.frees, 2900);
  CHECK_EQ(s.live_blocks, 100);
  CHECK_EQ(s.live_bytes, 100 * 2900 + 99 * 100 / 2);
  CHECK_EQ(s.peak_blocks, 101);
  CHECK_EQ(s.broken + s.unseen + s.unborn + s.lost, 0);
  CHECK_EQ(s.threads, 3);
  uint64_t sizes = 0, lives = 0;
  for (int i = 0; i < MID_SUMMARY_SIZES; i++) sizes += s.sizes[i].blocks;
  for (int i = 0; i < MID_SUMMARY_LIVES; i++) lives += s.lives[i].blocks;
  CHECK(sizes == 3000 && lives == 3000);
  CHECK_EQ(s.lives[MID_SUMMARY_LIVES - 1].blocks, 100);
  mid_summary_close(&s);
  mid_trace_close(t.trace);
}
