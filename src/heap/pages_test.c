// heap/pages_test.c -- pages given back from within a span: which, what of their blocks, and back.
// SPDX-License-Identifier: MIT
//
// As in heap_test.c each test has a class of its own.
#include <string.h>

#include "heap/heap.h"
#include "midden/malloc.h"
#include "test.h"

enum { MOST = 40000 };
static unsigned char *block[MOST];

// Fill the heap with `count` blocks and free all but one in `every`, which keep their contents.
static void thin_out(size_t bytes, size_t count, size_t every) {
  CHECK(count <= MOST);
  mid_thread_heap_get()->lent[mid_class_of(bytes)] = MID_LENT_MOST;
  for (size_t i = 0; i < count; i++) {
    CHECK((block[i] = midden_malloc(bytes)) != NULL);
    memset(block[i], (int)(i % 251), bytes);
  }
  for (size_t i = 0; i < count; i++)
    if (i % every != 0) midden_free(block[i]), block[i] = NULL;
}

static void check_kept(size_t bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; block[i] != NULL && k < bytes; k++) CHECK_EQ(block[i][k], i % 251);
}

static void check_whole(void) {
  struct mid_heap *heap = mid_thread_heap_get();
  mid_lock_take(&heap->lock);
  const char *broken = mid_heap_broken(heap);
  mid_lock_give(&heap->lock);
  CHECK_WHOLE(broken);
}

static void drop(size_t count) {
  for (size_t i = 0; i < count; i++) midden_free(block[i]);
  check_whole();
}

static struct mid_feed_count told(size_t bytes) { return mid_tell_sum(mid_class_of(bytes)); }

// Bytes of the spans that hold the blocks kept, each counted once.
struct held {
  uint64_t resident, spans, gone_blocks;
};
static struct held held_by_kept(size_t count) {
  struct held held = {0};
  const struct mid_span *last = NULL;
  for (size_t i = 0; i < count; i++) {
    const struct mid_span *span = block[i] != NULL ? mid_map_find_head(block[i]) : last;
    if (span == last) continue;
    last = span;
    held.spans++;
    held.resident +=
        mid_os_resident_in((void *)mid_span_base(span), span->slices * MID_SLICE_BYTES);
    held.gone_blocks += mid_pages_gone_blocks(span);
  }
  return held;
}

TEST(a_little_that_is_free_is_kept)
{
  enum { BYTES = 720, COUNT = 1000, EVERY = 50 };  // 720 KiB
  mid_thread_heap_get()->regret = 0;
  thin_out(BYTES, COUNT, EVERY);
  CHECK_EQ(held_by_kept(COUNT).gone_blocks, 0);
  drop(COUNT);
}

TEST(pages_without_a_block_in_use_go_and_those_with_one_stay)
{
  enum { BYTES = 480, COUNT = 20000, EVERY = 100 };  // 136 a span, of which one or two stay
  mid_thread_heap_get()->regret = 0;
  thin_out(BYTES, COUNT, EVERY);
  struct held held = held_by_kept(COUNT);
  CHECK(held.spans > 100);
  CHECK(held.resident < held.spans * MID_SLICE_BYTES / 2);
  CHECK(held.gone_blocks > held.spans * 68);
  check_kept(BYTES, COUNT);
  check_whole();
  drop(COUNT);
}

TEST(blocks_of_pages_that_went_are_made_anew_before_the_heap_grows)
{
  enum { BYTES = 528, COUNT = 20000, EVERY = 100 };
  mid_thread_heap_get()->regret = 0;
  struct mid_feed_count before = told(BYTES);
  thin_out(BYTES, COUNT, EVERY);
  struct mid_feed_count thin = told(BYTES);
  CHECK_EQ(thin.allocated - before.allocated, COUNT);
  CHECK_EQ(thin.freed - before.freed, COUNT - COUNT / EVERY);
  CHECK(thin.dropped - before.dropped > COUNT / 2);
  CHECK(held_by_kept(COUNT).gone_blocks > COUNT / 2);
  for (size_t i = 0; i < COUNT; i++) {
    if (block[i] != NULL) continue;
    CHECK((block[i] = midden_malloc(BYTES)) != NULL);
    memset(block[i], (int)(i % 251), BYTES);
    if (i % 1000 == 0) check_whole();
  }
  struct mid_feed_count again = told(BYTES);
  CHECK_EQ(again.opened, thin.opened);
  CHECK_EQ(again.allocated - again.freed - (before.allocated - before.freed), COUNT);
  CHECK_EQ(held_by_kept(COUNT).gone_blocks, 0);
  check_kept(BYTES, COUNT);
  check_whole();
  drop(COUNT);
}

TEST(what_was_made_anew_is_regretted)
{
  enum { BYTES = 592, COUNT = 20000, EVERY = 100 };
  struct mid_heap *heap = mid_thread_heap_get();
  heap->regret = 0;
  thin_out(BYTES, COUNT, EVERY);
  uint64_t gone = held_by_kept(COUNT).gone_blocks;
  CHECK(gone > 0 && heap->regret == 0);
  size_t taken = 0;
  for (size_t i = 0; i < COUNT; i++)
    if (block[i] == NULL) CHECK((block[i] = midden_malloc(BYTES)) != NULL), taken++;
  CHECK(heap->regret > 0);
  for (size_t i = 0; i < COUNT; i++)
    if (i % EVERY != 0) midden_free(block[i]), block[i] = NULL;
  CHECK(held_by_kept(COUNT).gone_blocks < gone / 4);  // this time most is kept
  check_whole();
  drop(COUNT);
}

TEST(large_blocks_that_cover_several_pages_go_and_come_whole)
{
  enum { BYTES = 13000, COUNT = 1500, EVERY = 25 };  // 4 pages, 39 a span
  mid_thread_heap_get()->regret = 0;
  thin_out(BYTES, COUNT, EVERY);
  struct held held = held_by_kept(COUNT);
  CHECK(held.gone_blocks > held.spans * 10);
  check_kept(BYTES, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    if (block[i] != NULL) continue;
    CHECK((block[i] = midden_malloc(BYTES)) != NULL);
    memset(block[i], (int)(i % 251), BYTES);
  }
  CHECK(held_by_kept(COUNT).gone_blocks <= 2 * 39);  // the last span had room that was untouched
  check_kept(BYTES, COUNT);
  drop(COUNT);
}

TEST(a_copy_of_the_mark_in_a_block_in_use_keeps_its_page)
{
  enum { BYTES = 656, COUNT = 20000, EVERY = 100 };
  mid_thread_heap_get()->regret = 0;
  mid_thread_heap_get()->lent[mid_class_of(BYTES)] = MID_LENT_MOST;
  for (size_t i = 0; i < COUNT; i++) CHECK((block[i] = midden_malloc(BYTES)) != NULL);
  for (size_t i = 0; i < COUNT; i += EVERY) {
    const struct mid_span *span = mid_map_find_head(block[i]);
    memcpy(block[i], &span, sizeof span);
    memset(block[i] + 8, 7, BYTES - 8);
  }
  for (size_t i = 0; i < COUNT; i++)
    if (i % EVERY != 0) midden_free(block[i]), block[i] = NULL;
  for (size_t i = 0; i < COUNT; i += EVERY)
    for (size_t k = 8; k < BYTES; k++) CHECK_EQ(block[i][k], 7);
  for (size_t i = 0; i < COUNT; i += EVERY) memset(block[i], 0, 8);
  drop(COUNT);
}

TEST(the_first_blocks_of_a_class_come_from_a_coarser_one)
{
  enum { BYTES = 1500 };  // 1536 is a class of both kinds
  unsigned klass = mid_class_of(1340), coarse = mid_class_of(BYTES);
  CHECK(klass != coarse && mid_class_coarse(klass) == coarse);
  void *p[MID_LENT_MOST + 1];
  for (int i = 0; i < MID_LENT_MOST; i++) {
    CHECK((p[i] = midden_malloc(1340)) != NULL);
    CHECK_EQ(mid_map_find_head(p[i])->klass, coarse);
  }
  CHECK((p[MID_LENT_MOST] = midden_malloc(1340)) != NULL);
  CHECK_EQ(mid_map_find_head(p[MID_LENT_MOST])->klass, klass);
  for (int i = 0; i <= MID_LENT_MOST; i++) midden_free(p[i]);
  check_whole();
}
