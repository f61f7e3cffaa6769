// os/written_test.c -- pages that were written are told, whoever wrote them, and no others.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "support.h"
#include "test.h"

#include "os/written_range_test.h"

static struct range b;

// ---- what is told ----

TEST(what_was_never_asked_for_is_told_the_first_time)
{
  FOLLOWED(&a, PAGES);
  for (size_t i = 0; i < PAGES; i++) a.written[i] = true;
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(where_nothing_is_written_nothing_is_told)
{
  FOLLOWED(&a, PAGES);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < PAGES; i++) (void)*(volatile unsigned char *)page_of(&a, i);
    memset(a.written, 0, sizeof a.written);
    CHECK(ask(&a));
    CHECK(told_right(&a, true));
  }
  CHECK(mid_written_news(&a.w) == NULL);
  unfollow(&a);
}

TEST(each_question_tells_of_what_is_new)
{
  FOLLOWED(&a, PAGES);
  (void)told_right(&a, false);
  for (size_t round = 0; round < 20; round++) {
    for (size_t i = 0; i <= round; i++) put(&a, i * 37 * (round + 1) % PAGES);
    CHECK(ask(&a));
    CHECK(told_right(&a, true));
  }
  unfollow(&a);
}

TEST(a_write_by_the_kernel_is_told)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  put_by_kernel(&a, 0);
  put_by_kernel(&a, PAGES - 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  CHECK_EQ(*page_of(&a, 0), 0);
  unfollow(&a);
}

TEST(more_runs_than_one_call_can_tell_are_told_and_end_where_the_range_ends)
{
  FOLLOWED(&a, MOST);
  memset(a.written, 0, sizeof a.written);
  for (size_t i = 0; i < MOST; i += 2) put(&a, i);
  a.pages = MOST - 128;  // the rest is not asked for, and keeps its news
  a.bytes = a.pages * mid_os_page_bytes();
  bool rest[128];
  memcpy(rest, a.written + a.pages, sizeof rest);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  memcpy(a.written + a.pages, rest, sizeof rest);
  a.pages = MOST, a.bytes = MOST * mid_os_page_bytes();
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(a_question_without_a_listener_makes_all_of_it_old)
{
  FOLLOWED(&a, MOST);
  for (size_t i = 0; i < MOST; i += 2) put(&a, i);
  CHECK(mid_written_scan(&a.w, a.p, a.bytes, NULL, NULL));
  memset(a.written, 0, sizeof a.written);
  put(&a, 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(a_peek_tells_and_leaves_all_as_it_was)
{
  FOLLOWED(&a, PAGES);
  bool written[PAGES];
  for (size_t i = 0; i < PAGES; i += 3) put(&a, i);
  memcpy(written, a.written, sizeof written);
  memset(a.told, 0, sizeof a.told);
  CHECK(mid_written_peek(&a.w, a.p, a.bytes, tell, &a));
  CHECK(told_right(&a, true));
  memcpy(a.written, written, sizeof written);
  put(&a, 0), put(&a, 1);  // told before, and new
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(two_trackers_know_nothing_of_each_other)
{
  FOLLOWED(&a, PAGES);
  FOLLOWED(&b, PAGES);
  memset(a.written, 0, sizeof a.written);
  memset(b.written, 0, sizeof b.written);
  put(&a, 3), put(&b, 4);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 5);
  mid_written_close(&b.w);  // takes nothing along but its own
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  mid_os_unmap(b.p, b.bytes);
  unfollow(&a);
}

TEST(errno_stays)
{
  const char *why;
  struct mid_written w;
  FOLLOWED(&a, PAGES);
  errno = 33;
  CHECK(ask(&a));
  CHECK(!mid_written_track(&a.w, (void *)16, 16));
  CHECK(!mid_written_scan(&a.w, (void *)16, 16, NULL, NULL));
  CHECK(mid_written_open(&w, &why));
  mid_written_close(&w);
  unfollow(&a);
  CHECK_EQ(errno, 33);
}

// ---- threads ----

enum { WRITERS = 3, WRITES = 30000 };
static _Atomic int writing;

static void *write_all_over(void *seed) {
  uint64_t random = (uintptr_t)seed;
  for (int i = 0; i < WRITES; i++) {
    _Atomic uint32_t *count = (void *)page_of(&a, test_random(&random) % PAGES);
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
  }
  atomic_fetch_sub(&writing, 1);
  return NULL;
}

static uint32_t copied[PAGES];

static void copy(void *unused, uintptr_t from, uintptr_t to) {
  (void)unused;
  for (uintptr_t at = from; at < to; at += mid_os_page_bytes())
    copied[(at - (uintptr_t)a.p) / mid_os_page_bytes()] =
        atomic_load_explicit((_Atomic uint32_t *)at, memory_order_relaxed);
}

TEST(a_copy_of_the_pages_that_are_told_stays_true_while_threads_write)
{
  pthread_t thread[WRITERS];
  FOLLOWED(&a, PAGES);
  copy(NULL, (uintptr_t)a.p, (uintptr_t)a.p + a.bytes);
  writing = WRITERS;
  for (uintptr_t i = 0; i < WRITERS; i++)
    CHECK_EQ(pthread_create(&thread[i], NULL, write_all_over, (void *)(i + 1)), 0);
  while (atomic_load(&writing) != 0) CHECK(mid_written_scan(&a.w, a.p, a.bytes, copy, NULL));
  for (int i = 0; i < WRITERS; i++) pthread_join(thread[i], NULL);
  CHECK(mid_written_scan(&a.w, a.p, a.bytes, copy, NULL));
  for (size_t i = 0; i < PAGES; i++)
    CHECK_EQ(copied[i], atomic_load((_Atomic uint32_t *)page_of(&a, i)));
  unfollow(&a);
}

// ---- what happens to the memory ----

TEST(a_page_that_was_given_back_and_written_again_is_told)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  mid_os_purge(page_of(&a, 8), 8 * mid_os_page_bytes());
  for (size_t i = 8; i < 12; i++) put(&a, i);
  CHECK(ask(&a));
  CHECK(told_right(&a, false));
  for (size_t i = 8; i < 16; i++) put(&a, i);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(what_was_lifted_is_told_as_written)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  mid_written_lift(&a.w, page_of(&a, 8), 8 * mid_os_page_bytes());
  for (size_t i = 8; i < 16; i++) a.written[i] = true;
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 9);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(guarding_a_page_and_opening_it_again_is_no_write)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  CHECK(mid_os_guard(page_of(&a, 8), mid_os_page_bytes()));
  put(&a, 9);
  CHECK(mid_os_unguard(page_of(&a, 8), mid_os_page_bytes()));
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 8);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(memory_that_is_mapped_anew_counts_as_written_and_is_followed_again)
{
  FOLLOWED(&a, PAGES);
  memset(a.written, 0, sizeof a.written);
  CHECK(mid_os_renew(page_of(&a, 8), mid_os_page_bytes()));
  put(&a, 8);
  CHECK(!ask(&a));
  CHECK(strstr(mid_written_news(&a.w), "mapped anew") != NULL);
  memset(a.written, 0, sizeof a.written);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 8), put(&a, 20);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  CHECK(mid_os_renew(page_of(&a, 9), mid_os_page_bytes()));
  CHECK(!ask(&a));
  CHECK(mid_written_news(&a.w) == NULL);  // it was said
  unfollow(&a);
}

TEST(memory_that_is_no_longer_followed_is_refused_and_then_followed)
{
  FOLLOWED(&a, PAGES);
  mid_written_untrack(&a.w, a.p, a.bytes);
  CHECK(!ask(&a));
  memset(a.written, 0, sizeof a.written);
  put(&a, 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  unfollow(&a);
}

TEST(a_write_into_a_huge_page_is_told)
{
  enum { BYTES = 4 << 20 };
  FOLLOWED(&a, PAGES);
  size_t page = mid_os_page_bytes();
  unsigned char *small = a.p, *p = mid_os_map_aligned(BYTES, BYTES / 2);
  CHECK(p != NULL);
  (void)madvise(p, BYTES, MADV_HUGEPAGE);  // whether it is one is the kernel's business
  memset(p, 1, BYTES);
  a.p = p, a.bytes = BYTES, a.pages = BYTES / page;
  CHECK(mid_written_track(&a.w, p, BYTES));
  CHECK(ask(&a));
  memset(a.written, 0, sizeof a.written);
  CHECK(ask(&a));
  CHECK(told_right(&a, true));
  put(&a, 3), put(&a, a.pages - 1);
  CHECK(ask(&a));
  CHECK(told_right(&a, false));
  mid_os_unmap(small, PAGES * page);
  unfollow(&a);
}
