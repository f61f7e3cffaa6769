// region/stack_test.c -- frames, their guards, and what stops the program.
// SPDX-License-Identifier: MIT
#include "midden/stack.h"

#include <errno.h>

#include "region/region.h"
#include "support.h"
#include "test.h"

static midden_stack *open_stack(size_t bytes) {
  midden_stack *s = NULL;
  CHECK_EQ(midden_stack_open(bytes, &s), MIDDEN_OK);
  return s;
}

// This test comes first: cmocka sets a handler for SIGSEGV before each test, and the first stack
// that is opened sets ours.
static void write_past_the_end(void) {
  midden_stack *s = open_stack(5000);
  volatile char *p = midden_stack_alloc(s, 5000);
  for (size_t i = 0; i < 20000; i++) p[i] = 1;
}

static void write_before_the_start(void) {
  volatile char *p = midden_stack_alloc(open_stack(5000), 16);
  for (ptrdiff_t i = 0; i < 4096; i++) p[-i - 4096] = 1;
}

TEST(a_write_past_the_end_is_reported_as_an_overflow)
{
  test_stops(write_past_the_end, "midden: overflow of a midden_stack at 0x");
  test_stops(write_before_the_start, "midden: underflow of a midden_stack at 0x");
}

static size_t live(midden_stack *s) {
  CHECK_WHOLE(mid_stack_broken(s));
  return midden_stack_stats(s).live_bytes;
}

// Take at random, call itself at random, and give all back; what the callers took stays whole.
static void descend(midden_stack *s, uint64_t *seed, int depth) {
  size_t before = live(s), bytes = test_random_size(seed, 2000);
  midden_stack_frame *frame = midden_stack_enter(s);
  unsigned char *p = midden_stack_alloc(s, bytes);
  test_fill(p, bytes, (uint64_t)depth);
  for (int i = 0; i < 3 && depth < 7; i++) descend(s, seed, depth + 1);
  CHECK(test_filled(p, bytes, (uint64_t)depth));
  midden_stack_leave(s, frame);
  CHECK_EQ(live(s), before);
}

TEST(frames_nest_and_give_back_what_was_taken_in_them)
{
  midden_stack *s = open_stack(MIB);
  uint64_t seed = 1;
  descend(s, &seed, 0);
  midden_stack_close(s);
}

TEST(leaving_an_outer_frame_ends_the_inner_ones)
{
  midden_stack *s = open_stack(MIB);
  midden_stack_frame *outer = midden_stack_enter(s);
  for (int i = 0; i < 10; i++) CHECK(midden_stack_enter(s) != NULL);
  midden_stack_leave(s, outer);
  CHECK_EQ(live(s), 0);
  midden_stack_close(s);
}

TEST(a_full_stack_refuses_and_serves_again)
{
  midden_stack *s = open_stack(10000);
  midden_stack_frame *frame = midden_stack_enter(s);
  size_t count = 0;
  while (midden_stack_alloc(s, 100) != NULL) count++;
  CHECK(count >= 10000 / 112);
  CHECK_EQ(errno, ENOMEM);
  while (midden_stack_enter(s) != NULL) continue;
  errno = 0;
  CHECK(midden_stack_alloc(s, SIZE_MAX) == NULL);
  CHECK_EQ(errno, ENOMEM);
  midden_stack_leave(s, frame);
  for (; count > 0; count--) CHECK(midden_stack_alloc(s, 100) != NULL);
  midden_stack_close(s);
}

TEST(memory_is_taken_as_it_is_touched)
{
  midden_stack *s = open_stack(64 * MIB);
  char *p = midden_stack_alloc(s, 32 * MIB);
  CHECK(test_resident_pages(p, 32 * MIB) <= 1);
  memset(p, 1, 10 * PAGE);
  if (!SANITIZED) CHECK(test_resident_pages(p, 32 * MIB) <= 11);
  midden_stack_close(s);
}

TEST(absurd_stacks_are_refused)
{
  midden_stack *s = NULL;
  CHECK_EQ(midden_stack_open(0, &s), MIDDEN_INVALID);
  CHECK_EQ(midden_stack_open(SIZE_MAX, &s), MIDDEN_INVALID);
  CHECK_EQ(midden_stack_open(PTRDIFF_MAX / 2, &s), MIDDEN_NOMEM);
  CHECK(s == NULL);
  midden_stack_close(NULL);
}

// ---- crimes ----

static void leave_twice(void) {
  midden_stack *s = open_stack(5000);
  midden_stack_frame *outer = midden_stack_enter(s), *frame = midden_stack_enter(s);
  midden_stack_leave(s, outer);
  midden_stack_leave(s, frame);
}

static void free_an_outer_block(void) {
  midden_allocator *a = midden_stack_allocator(open_stack(5000));
  void *p = a->alloc(a, 10, 0);
  a->free(a, p, 10);
  a->free(a, p, 10);
}

TEST(frames_and_blocks_that_are_gone_stop_the_program)
{
  test_stops(leave_twice, "midden: leaving a frame that is not entered at 0x");
  test_stops(free_an_outer_block, "midden: free of a block that is not in the innermost frame");
}

static bool other_fault_seen(void) {
  midden_stack_close(open_stack(5000));
  volatile char *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 1;
  return true;
}

TEST(other_faults_are_what_they_were)
{
  signal(SIGSEGV, SIG_DFL);  // cmocka's own handler would exit
  int status = test_in_child(other_fault_seen);
  if (!SANITIZED) CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
