// span/map_test.c -- from any word to the span that it lies in, or to none.
// SPDX-License-Identifier: MIT
#include "span/map.h"

#include <unistd.h>

#include "base/bits.h"
#include "os/os.h"
#include "support.h"
#include "test.h"

static char *base_of(const struct mid_span *span) { return (char *)mid_span_base(span); }

static struct mid_span *take(size_t slices, uint8_t state) {
  struct mid_span *span = mid_span_take(slices, MID_SLICE_BYTES, state, false);
  CHECK(span != NULL);
  return span;
}

static void check_foreign(const void *p) {
  if (mid_map_find_head(p) != NULL) fail_msg("%p is none of ours", p);
}

TEST(foreign_addresses_of_every_kind_have_no_span)
{
  static int global;
  static const int constant = 7;
  int local;
  char *mapped = mid_os_map(NULL, MIB);
  check_foreign(NULL);
  check_foreign(&local);
  check_foreign(&global);
  check_foreign(&constant);
  check_foreign("a literal");
  check_foreign((void *)(uintptr_t)mid_map_find_head);
  check_foreign((void *)(uintptr_t)getppid);
  check_foreign(mapped);
  check_foreign(mapped + MIB - 1);
  check_foreign(sbrk(0));
  check_foreign(&mid_map);
  check_foreign(mid_map.spans);  // our own tables are no spans either
  mid_os_unmap(mapped, MIB);
  check_foreign(mapped);
}

TEST(words_that_are_no_addresses_have_no_span)
{
  for (unsigned bit = 0; bit < 64; bit++)
    for (int off = -17; off <= 17; off++) {
      uintptr_t word = ((uintptr_t)1 << bit) + (uintptr_t)(intptr_t)off;
      const struct mid_span *head = mid_map_find_head((void *)word);
      if (head != NULL) CHECK(word - mid_span_base(head) < head->slices * MID_SLICE_BYTES);
      if (bit < 16 || bit >= MID_ADDRESS_BITS) CHECK(head == NULL);
    }
  CHECK(mid_map_find((void *)UINTPTR_MAX) == NULL);
  CHECK(mid_map_find((void *)((uintptr_t)1 << MID_ADDRESS_BITS)) == NULL);
  CHECK(mid_map_find(NULL) == NULL);
}

TEST(random_words_have_no_span_or_one_that_covers_them)
{
  uint64_t seed = 1;
  struct mid_span *large = take(100, MID_SPAN_LARGE), *medium = take(8, MID_SPAN_SMALL);
  size_t found = 0;
  for (int i = 0; i < 1000000; i++) {
    uint64_t r = test_random(&seed);
    // Some anywhere, some in the window, most near the spans.
    uintptr_t word = i % 4 == 0 ? r >> r % 64
                     : i % 4 == 1
                         ? mid_map.base + (r & (((uintptr_t)1 << MID_WINDOW_SHIFT) - 1))
                         : mid_span_base(i % 4 == 2 ? large : medium) - 4 * MIB + r % (8 * MIB);
    const struct mid_span *head = mid_map_find_head((void *)word);
    if (head == NULL) continue;
    found++;
    CHECK(head->state == MID_SPAN_LARGE || head->state == MID_SPAN_SMALL);
    CHECK(word - mid_span_base(head) < head->slices * MID_SLICE_BYTES);
  }
  CHECK(found > 100000);
  mid_span_give(large), mid_span_give(medium);
}

// ---- inside spans ----

// Every slice of the span leads to its head, at its ends and in between; the words around do not.
static void check_inside(const struct mid_span *span) {
  const char *base = base_of(span);
  size_t bytes = span->slices * MID_SLICE_BYTES;
  for (size_t at = 0; at < bytes; at += MID_SLICE_BYTES) {
    CHECK(mid_map_find_head(base + at) == span);
    CHECK(mid_map_find_head(base + at + 4711) == span);
    CHECK(mid_map_find_head(base + at + MID_SLICE_BYTES - 1) == span);
  }
  CHECK(mid_map_find_head(base - 1) != span);
  CHECK(mid_map_find_head(base + bytes) != span);
}

TEST(every_slice_of_a_small_a_medium_and_a_large_span_leads_to_its_head)
{
  struct mid_span *small = take(1, MID_SPAN_SMALL), *medium = take(8, MID_SPAN_SMALL);
  struct mid_span *large = take(300, MID_SPAN_LARGE), *one = take(1, MID_SPAN_LARGE);
  check_inside(small), check_inside(medium), check_inside(large), check_inside(one);
  mid_span_give(medium), mid_span_give(one);
  check_inside(small), check_inside(large);
  mid_span_give(small), mid_span_give(large);
}

static void check_outside(const char *base, size_t bytes) {
  for (size_t at = 0; at < bytes; at += MID_SLICE_BYTES / 2)
    CHECK(mid_map_find_head(base + at) == NULL);
}

TEST(nothing_of_a_span_that_was_given_back_leads_anywhere)
{
  struct mid_span *medium = take(8, MID_SPAN_SMALL), *large = take(300, MID_SPAN_LARGE);
  char *medium_base = base_of(medium), *large_base = base_of(large);
  CHECK(mid_span_charge(large, 3 * PAGE, false));
  mid_span_give(medium), mid_span_give(large);
  check_outside(medium_base, 8 * MID_SLICE_BYTES);
  check_outside(large_base, 300 * MID_SLICE_BYTES);
  mid_span_purge_all();
  check_outside(medium_base, 8 * MID_SLICE_BYTES);
  check_outside(large_base, 300 * MID_SLICE_BYTES);
}

TEST(a_span_used_again_for_another_kind_leads_to_its_new_heads)
{
  struct mid_span *all = take(64, MID_SPAN_LARGE);
  char *base = base_of(all);
  CHECK(mid_span_charge(all, 64 * MID_SLICE_BYTES, false));
  mid_span_give(all);  // dirty: what is taken next comes from it
  struct mid_span *part[8];
  for (int i = 0; i < 8; i++) part[i] = take(8, i % 2 ? MID_SPAN_LARGE : MID_SPAN_SMALL);
  size_t inside = 0;
  for (int i = 0; i < 8; i++) {
    check_inside(part[i]);
    inside += base_of(part[i]) >= base && base_of(part[i]) < base + 64 * MID_SLICE_BYTES;
  }
  CHECK(inside > 0);
  for (int i = 0; i < 8; i++) mid_span_give(part[i]);
}

TEST(a_span_of_half_a_window_leads_to_its_head_or_to_none_but_never_to_another)
{
  struct mid_span *huge = mid_span_take(MID_WINDOW_SLICES / 2, 1, MID_SPAN_LARGE, false);
  if (huge == NULL) skip();  // the system has no room for 8 GiB of addresses
  char *base = base_of(huge);
  CHECK(mid_map_find_head(base) == huge);
  CHECK(mid_map_find_head(base + 100) == huge);
  for (size_t i = 1; i < MID_WINDOW_SLICES / 2; i = i * 2 + 1) {
    const struct mid_span *head = mid_map_find_head(base + i * MID_SLICE_BYTES);
    CHECK(head == huge || head == NULL);
  }
  mid_span_give(huge);
  for (size_t i = 0; i < MID_WINDOW_SLICES / 2; i = i * 2 + 1)
    CHECK(mid_map_find_head(base + i * MID_SLICE_BYTES) == NULL);
}

// ---- was it used ----

static bool was_used(const char *p) { return mid_map_was_used(mid_map_find(p)); }

TEST(a_span_was_used_once_it_is_free_again_in_every_slice)
{
  struct mid_span *before = take(1, MID_SPAN_SMALL), *span = take(20, MID_SPAN_LARGE);
  char *base = base_of(span);
  CHECK(mid_span_charge(span, 20 * MID_SLICE_BYTES, false));
  for (size_t i = 0; i < 20; i++) CHECK(!was_used(base + i * MID_SLICE_BYTES));  // it is used now
  mid_span_give(span);
  for (size_t i = 0; i < 20; i++) CHECK(was_used(base + i * MID_SLICE_BYTES));
  mid_span_purge_all();
  for (size_t i = 0; i < 20; i++) CHECK(was_used(base + i * MID_SLICE_BYTES));
  mid_span_give(before);
}

TEST(fresh_address_space_was_never_used)
{
  size_t slices = 1000, bytes = slices * MID_SLICE_BYTES;
  char *base = mid_os_map_aligned(bytes, (size_t)64 << 20);
  CHECK(base != NULL && mid_map_add((uintptr_t)base, bytes));
  for (size_t i = 0; i < slices; i++) CHECK(!was_used(base + i * MID_SLICE_BYTES));
  check_outside(base, bytes);
}

TEST(a_large_span_ends_where_it_ends_though_nothing_follows_it)
{
  char *base = mid_os_map_aligned(10 * MID_SLICE_BYTES, (size_t)1 << 20);
  CHECK(base != NULL && mid_map_add((uintptr_t)base, 10 * MID_SLICE_BYTES));
  struct mid_span *span = mid_map_find(base);
  span->slices = 3;
  span->state = MID_SPAN_LARGE;
  for (size_t i = 0; i < 10; i++)
    CHECK(mid_map_find_head(base + i * MID_SLICE_BYTES) == (i < 3 ? span : NULL));
  span->state = MID_SPAN_NONE;
  mid_os_unmap(base, 10 * MID_SLICE_BYTES);
}

// ---- records and their addresses ----

TEST(a_record_and_its_address_lead_to_each_other_in_every_window)
{
  struct mid_span *span = take(8, MID_SPAN_LARGE);
  for (size_t i = 0; i < 8; i++) {
    CHECK(mid_map_find(base_of(span) + i * MID_SLICE_BYTES) == span + i);
    CHECK_EQ(mid_span_base(span + i), mid_span_base(span) + i * MID_SLICE_BYTES);
    CHECK(mid_map_find_far(mid_span_base(span + i)) == span + i);
  }
  mid_span_give(span);
  // Two windows that the heap does not use: at the end of one and the start of the next.
  uintptr_t edge = 0;
  for (size_t w = 100; w < MID_WINDOWS - 1 && edge == 0; w++) {
    if (atomic_load(&mid_map_root[w].spans) || atomic_load(&mid_map_root[w + 1].spans)) continue;
    edge = (uintptr_t)(w + 1) << MID_WINDOW_SHIFT;
  }
  CHECK(edge != 0);
  CHECK(mid_map_add(edge - 2 * MID_SLICE_BYTES, 4 * MID_SLICE_BYTES));
  for (uintptr_t at = edge - 2 * MID_SLICE_BYTES; at < edge + 2 * MID_SLICE_BYTES;
       at += MID_SLICE_BYTES) {
    const struct mid_span *record = mid_map_find((void *)(at + 99));
    CHECK(record != NULL);
    CHECK_EQ(mid_span_base(record), at);
  }
}

// ---- a visit of all ----

struct seen {
  struct mid_span *wanted[3];
  size_t times[3];
  bool in_order;
  uintptr_t last_end;
};

static void see(struct mid_span *span, void *context) {
  struct seen *seen = context;
  uintptr_t base = mid_span_base(span);
  seen->in_order &= base >= seen->last_end;
  seen->last_end = base + span->slices * MID_SLICE_BYTES;
  for (int i = 0; i < 3; i++) seen->times[i] += span == seen->wanted[i];
}

TEST(a_visit_meets_every_span_once_from_the_lowest_address)
{
  struct seen seen = {.in_order = true};
  seen.wanted[0] = take(8, MID_SPAN_SMALL);
  seen.wanted[1] = take(30, MID_SPAN_LARGE);
  seen.wanted[2] = take(1, MID_SPAN_SMALL);
  mid_span_give(seen.wanted[1]);
  seen.wanted[1] = take(30, MID_SPAN_LARGE);
  mid_span_visit(see, &seen);
  for (int i = 0; i < 3; i++) CHECK_EQ(seen.times[i], 1);
  CHECK(seen.in_order);
  for (int i = 0; i < 3; i++) mid_span_give(seen.wanted[i]);
}
