// os/memory_test.c -- pages from the kernel: placed, aligned, given back, moved, guarded.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "os/os.h"
#include "support.h"
#include "test.h"

enum { PAGES = 16 };

static size_t page;

// A mapping whose pages are small ones whatever the machine does elsewhere, so that what is
// resident can be counted.
static char *map_pages(size_t pages) {
  page = mid_os_page_bytes();
  char *p = mid_os_map(NULL, pages * page);
  CHECK(p != NULL);
  CHECK_EQ(madvise(p, pages * page, MADV_NOHUGEPAGE), 0);
  return p;
}

static void fill_pages(char *p, size_t pages) {
  for (size_t i = 0; i < pages; i++) test_fill(p + i * page, page, i + 1);
}

static bool page_is(const char *p, size_t i, uint64_t id) {
  return test_filled(p + i * page, page, id);
}

TEST(pages_are_zero_and_writable_and_backed_on_first_touch)
{
  char *p = map_pages(PAGES);
  CHECK_EQ((uintptr_t)p % page, 0);
  CHECK_EQ(mid_os_resident_in(p, PAGES * page), 0);
  p[3 * page] = 1;
  CHECK_EQ(mid_os_resident_in(p, PAGES * page), page);
  p[3 * page] = 0;
  CHECK(test_zeroed(p, PAGES * page));
  mid_os_unmap(p, PAGES * page);
}

TEST(an_address_that_is_free_is_given_and_one_that_is_not_is_left_alone)
{
  char *p = map_pages(PAGES);
  mid_os_unmap(p, PAGES * page);
  CHECK(mid_os_map(p, PAGES * page) == p);
  fill_pages(p, PAGES);
  errno = 33;
  CHECK(mid_os_map(p, page) == NULL);
  CHECK(mid_os_map(p + (PAGES - 1) * page, 2 * page) == NULL);  // overlaps with its last page
  CHECK_EQ(errno, 33);
  for (size_t i = 0; i < PAGES; i++) CHECK(page_is(p, i, i + 1));
  mid_os_unmap(p, PAGES * page);
}

TEST(what_cannot_be_mapped_is_null_and_errno_stays)
{
  errno = 33;
  CHECK(mid_os_map(NULL, (size_t)1 << 60) == NULL);
  CHECK(mid_os_map_aligned((size_t)1 << 60, (size_t)1 << 21) == NULL);
  CHECK(mid_os_reserve((size_t)1 << 60) == NULL);
  CHECK_EQ(errno, 33);
}

// Whether anything is mapped at the page of `p`.
static bool is_mapped(const char *p) {
  unsigned char in;
  return mincore((void *)(uintptr_t)p, page, &in) == 0;
}

TEST(aligned_mappings_are_aligned_and_leave_nothing_beside_them)
{
  page = mid_os_page_bytes();
  size_t bytes = 3 * page;
  for (size_t align = page; align <= (size_t)1 << 30; align *= 2) {
    // The neighbours may belong to others, but hardly so on both sides of each of three.
    bool before = true, after = true;
    char *p[3];
    for (int i = 0; i < 3; i++) {
      p[i] = mid_os_map_aligned(bytes, align);
      CHECK(p[i] != NULL);
      CHECK_EQ((uintptr_t)p[i] % align, 0);
      p[i][0] = p[i][bytes - 1] = 1;
      before &= is_mapped(p[i] - page);
      after &= is_mapped(p[i] + bytes);
    }
    if (align > 4 * page) CHECK(!before && !after);
    for (int i = 0; i < 3; i++) mid_os_unmap(p[i], bytes);
  }
}

TEST(reserved_addresses_open_piece_by_piece)
{
  page = mid_os_page_bytes();
  char *p = mid_os_reserve(PAGES * page);
  CHECK(p != NULL);
  CHECK(mid_os_commit(p + 4 * page, 2 * page));
  fill_pages(p + 4 * page, 2);
  CHECK(mid_os_commit(p, PAGES * page));  // what was open keeps its contents
  CHECK(page_is(p + 4 * page, 0, 1) && page_is(p + 4 * page, 1, 2));
  CHECK(test_zeroed(p, 4 * page));
  mid_os_unmap(p, PAGES * page);
}

TEST(unmapped_pages_are_gone_and_their_neighbours_stay)
{
  char *p = map_pages(3);
  fill_pages(p, 3);
  mid_os_unmap(p + page, page);
  CHECK(page_is(p, 0, 1) && page_is(p, 2, 3));
  CHECK(mid_os_map(p + page, page) == p + page);  // free, so that it can be had
  CHECK(test_zeroed(p + page, page));
  mid_os_unmap(p, 3 * page);
}

// ---- purge, renew, move ----

static void check_given_back(const char *p, size_t first, size_t count) {
  CHECK_EQ(mid_os_resident_in(p, PAGES * page), (PAGES - count) * page);
  for (size_t i = 0; i < PAGES; i++) {
    bool gone = i >= first && i < first + count;
    CHECK(gone ? test_zeroed(p + i * page, page) : page_is(p, i, i + 1));
  }
}

TEST(purged_pages_are_not_resident_and_read_zero_and_the_others_stay)
{
  char *p = map_pages(PAGES);
  fill_pages(p, PAGES);
  errno = 33;
  mid_os_purge(p + 5 * page, 4 * page);
  CHECK_EQ(errno, 33);
  check_given_back(p, 5, 4);
  mid_os_unmap(p, PAGES * page);
}

TEST(renewed_pages_are_not_resident_and_read_zero_and_the_others_stay)
{
  char *p = map_pages(PAGES);
  fill_pages(p, PAGES);
  errno = 33;
  CHECK(mid_os_renew(p + 5 * page, 4 * page));
  CHECK_EQ(errno, 33);
  check_given_back(p, 5, 4);
  p[6 * page] = 1;  // and are writable
  mid_os_unmap(p, PAGES * page);
}

TEST(purged_pages_that_are_locked_in_memory_read_zero_too)
{
  char *p = map_pages(PAGES);
  if (mlock(p, PAGES * page) != 0) skip();
  fill_pages(p, PAGES);
  errno = 33;
  mid_os_purge(p, 4 * page);
  CHECK_EQ(errno, 33);
  CHECK(test_zeroed(p, 4 * page));
  CHECK(page_is(p, 4, 5));
  mid_os_unmap(p, PAGES * page);
}

TEST(moved_pages_arrive_with_their_contents_and_leave_zero_behind)
{
  char *from = map_pages(PAGES), *to = map_pages(PAGES);
  fill_pages(from, PAGES);
  memset(to, 0x55, PAGES * page);
  errno = 33;
  CHECK(mid_os_move(from, to, PAGES * page));
  CHECK_EQ(errno, 33);
  for (size_t i = 0; i < PAGES; i++) CHECK(page_is(to, i, i + 1));
  CHECK_EQ(mid_os_resident_in(from, PAGES * page), 0);
  CHECK(test_zeroed(from, PAGES * page));
  from[0] = 1;  // still ours
  mid_os_unmap(from, PAGES * page);
  mid_os_unmap(to, PAGES * page);
}

TEST(pages_move_into_the_middle_of_a_mapping_and_can_be_renewed_there)
{
  char *from = map_pages(2), *to = map_pages(PAGES);
  fill_pages(from, 2);
  fill_pages(to, PAGES);
  CHECK(mid_os_move(from, to + 3 * page, 2 * page));
  CHECK(page_is(to, 2, 3) && page_is(to, 3, 1) && page_is(to, 4, 2) && page_is(to, 5, 6));
  CHECK(mid_os_renew(to + 3 * page, 2 * page));
  check_given_back(to, 3, 2);
  mid_os_unmap(from, 2 * page);
  mid_os_unmap(to, PAGES * page);
}

TEST(a_move_that_the_kernel_refuses_changes_nothing)
{
  char *from = map_pages(2), *to = map_pages(2);
  fill_pages(from, 2);
  memset(to, 0x55, 2 * page);
  errno = 33;
  CHECK(!mid_os_move(from, to + 1, 2 * page));  // no page's start
  CHECK_EQ(errno, 33);
  CHECK(page_is(from, 0, 1) && page_is(from, 1, 2));
  CHECK_EQ(to[0], 0x55);
  mid_os_unmap(from, 2 * page);
  mid_os_unmap(to, 2 * page);
}

// ---- backed early ----

TEST(populated_pages_are_resident_and_zero_and_those_that_were_there_stay)
{
  char *p = map_pages(PAGES);
  p[5 * page] = 7;
  errno = 33;
  mid_os_populate(p + 4 * page, 8 * page);
  CHECK_EQ(errno, 33);
  size_t there = mid_os_resident_in(p, PAGES * page) / page;
  CHECK(there == 8 || there == 1);  // before Linux 5.14
  CHECK_EQ(p[5 * page], 7);
  p[5 * page] = 0;
  CHECK(test_zeroed(p, PAGES * page));
  mid_os_unmap(p, PAGES * page);
}

TEST(pages_that_cannot_be_populated_leave_errno_and_the_next_call_alone)
{
  char *p = map_pages(2), *gone = map_pages(1);
  mid_os_unmap(gone, page);
  errno = 33;
  mid_os_populate(gone, page);
  CHECK_EQ(errno, 33);
  mid_os_populate(p, page);
  p[0] = 1;
  CHECK_EQ(mid_os_resident_in(p, 2 * page), page);
  mid_os_unmap(p, 2 * page);
}

// ---- access: the kernel answers EFAULT where a program would die ----

static bool readable(const char *p) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  bool read = write(ends[1], p, 1) == 1;
  close(ends[0]), close(ends[1]);
  return read;
}

static bool writable(char *p) {
  int ends[2];
  if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1) abort();
  bool written = read(ends[0], p, 1) == 1;
  close(ends[0]), close(ends[1]);
  return written;
}

TEST(guarded_pages_cannot_be_touched_and_come_back_as_they_were)
{
  char *p = map_pages(3);
  fill_pages(p, 3);
  CHECK(mid_os_guard(p + page, page));
  CHECK(!readable(p + page) && !writable(p + page));
  CHECK(readable(p + page - 1) && readable(p + 2 * page));
  CHECK(mid_os_unguard(p + page, page));
  CHECK(page_is(p, 1, 2));
  CHECK(writable(p + page));
  mid_os_unmap(p, 3 * page);
}

TEST(reserved_pages_read_zero_and_cannot_be_written_until_they_are_open)
{
  page = mid_os_page_bytes();
  char *p = mid_os_reserve(2 * page);
  CHECK(readable(p) && p[0] == 0 && !writable(p));
  CHECK(mid_os_commit(p, page));
  CHECK(readable(p) && writable(p));
  CHECK(readable(p + page) && !writable(p + page));
  mid_os_unmap(p, 2 * page);
}

TEST(sealed_pages_can_be_read_and_not_written)
{
  char *p = map_pages(1);
  fill_pages(p, 1);
  mid_os_seal(p, page);
  CHECK(readable(p) && !writable(p));
  CHECK(page_is(p, 0, 1));
  mid_os_unmap(p, page);
}
