// heap/record_test.c -- a heap that is recorded: everything the slow way, and told.
// SPDX-License-Identifier: MIT
#include "heap/record.h"

#include <pthread.h>
#include <unistd.h>

#include "heap/fast.h"
#include "midden/malloc.h"
#include "support.h"
#include "test.h"

static void ask(uint64_t word) {
  midden_free(midden_malloc(1));  // there is a feed from here on
  _Atomic uint64_t *at = mid_feed_recording_at;
  CHECK(at != NULL);
  atomic_store(at, word);
  mid_record_look();
}

// Calls on after which this thread has switched over.
static void notice(void) { midden_free(midden_aligned_alloc(64, 64)); }

static bool is_inline(const void *p) { return mid_span_frees_inline(mid_map_guess(p), p); }

static size_t quicks(void) {
  size_t count = 0;
  for (size_t i = 0; i < MID_QUICKS; i++) count += mid_thread_heap->quick[i] != &mid_span_none;
  return count;
}

static void check_whole(void) {
  mid_lock_take(&mid_thread_heap->lock);
  CHECK_WHOLE(mid_heap_broken(mid_thread_heap));
  mid_lock_give(&mid_thread_heap->lock);
}

TEST(while_recorded_nothing_is_inline_and_afterwards_all_is_again)
{
  void *p = midden_malloc(100);
  CHECK(is_inline(p) && quicks() > 0);
  ask(9 * 2 + 1);
  notice();
  CHECK(mid_thread_heap->recorded && !is_inline(p) && quicks() == 0);
  void *q[1000];
  for (int i = 0; i < 1000; i++) CHECK((q[i] = midden_malloc(100)) != NULL && !is_inline(q[i]));
  CHECK_EQ(quicks(), 0);
  check_whole();
  for (int i = 0; i < 1000; i++) midden_free(q[i]);
  ask(9 * 2);
  notice();
  CHECK(!mid_thread_heap->recorded && is_inline(p));
  midden_free(p);
  midden_free(midden_malloc(100));
  CHECK(quicks() > 0);
  check_whole();
}

// No word may be taken for a block's start by a thread that its span's key does not name.
TEST(the_key_of_a_recorded_span_lets_no_word_of_its_slice_pass)
{
  ask(9 * 2 + 1);
  notice();
  for (unsigned klass = 0; klass < MID_CLASSES; klass++) {
    mid_thread_heap->lent[klass] = MID_LENT_MOST;
    char *p = midden_malloc(mid_class_bytes(klass));
    const struct mid_span *span = mid_map_find_head(p);
    CHECK_EQ(span->klass, klass);
    char *base = (char *)mid_span_base(span);
    for (size_t off = 0; off < MID_SLICE_BYTES; off++)
      if (is_inline(base + off)) fail_msg("offset %zu of class %u", off, klass);
    midden_free(p);
  }
  ask(9 * 2);
  notice();
}

static void *other(void *block) {
  midden_free(block);
  void *own = midden_malloc(50);
  CHECK(mid_thread_heap->recorded && !is_inline(own));
  return own;
}

TEST(threads_that_begin_and_end_while_recorded_hand_their_blocks_on)
{
  ask(9 * 2 + 1);
  notice();
  for (int i = 0; i < 50; i++) {
    pthread_t thread;
    void *left;
    CHECK_EQ(pthread_create(&thread, NULL, other, midden_malloc(70)), 0);
    pthread_join(thread, &left);
    midden_free(left);
  }
  check_whole();
  ask(9 * 2);
  notice();
}
