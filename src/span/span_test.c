// span/span_test.c -- taking and giving runs: what is counted, limited, kept and given back.
// SPDX-License-Identifier: MIT
//
// The heap that this program may run on uses spans too, so figures are relative; between two of
// them nothing may allocate.
#include "span/span.h"

#include "base/bits.h"
#include "base/options.h"
#include "os/os.h"
#include "span/bound.h"
#include "span/limit.h"
#include "support.h"
#include "test.h"

static struct mid_feed_process at_start;

static void start(void) {
  mid_span_purge_all();
  mid_bound_work((size_t)1 << 44, 0, mid_span_totals().used);  // no peak of the past
  mid_bound_reset();
  at_start = mid_span_totals();
  CHECK_EQ(at_start.dirty, 0);
  CHECK_WHOLE(mid_span_broken());
}

// What happened to a figure since the start.
#define SINCE(field) (mid_span_totals().field - at_start.field)

static struct mid_span *take(size_t slices) {
  struct mid_span *span = mid_span_take(slices, MID_SLICE_BYTES, MID_SPAN_LARGE, false);
  CHECK(span != NULL);
  CHECK_WHOLE(mid_span_broken());
  return span;
}

static struct mid_span *take_charged(size_t slices, size_t bytes) {
  struct mid_span *span = take(slices);
  CHECK(mid_span_charge(span, bytes, false));
  CHECK_EQ(span->bytes, bytes);
  return span;
}

static void give(struct mid_span *span) {
  mid_span_give(span);
  CHECK_WHOLE(mid_span_broken());
}

static char *base_of(const struct mid_span *span) { return (char *)mid_span_base(span); }

// ---- take ----

TEST(a_span_has_its_length_its_alignment_and_a_clear_record)
{
  for (size_t align = 1; align <= (size_t)1 << 30; align *= 2) {
    struct mid_span *span = mid_span_take(3, align, MID_SPAN_LARGE, false);
    CHECK(span != NULL);
    CHECK_EQ(mid_span_base(span) % mid_max(align, MID_SLICE_BYTES), 0);
    CHECK_EQ(span->slices, 3);
    CHECK_EQ(span->state, MID_SPAN_LARGE);
    CHECK(span->bytes == 0 && span->asked == 0 && span->block_bytes == 0 && span->carved == 0);
    CHECK(span->ready == NULL && span->freed == NULL && span->next == NULL && span->prev == NULL);
    CHECK(atomic_load(&span->heap) == NULL && atomic_load(&span->xfreed) == 0);
    CHECK_EQ(atomic_load(&span->limit), 0);
    base_of(span)[0] = base_of(span)[3 * MID_SLICE_BYTES - 1] = 1;
    CHECK(mid_span_charge(span, 3 * MID_SLICE_BYTES, false));
    give(span);
  }
}

TEST(spans_taken_and_free_runs_are_counted)
{
  start();
  struct mid_span *a = take(2), *b = take(2);
  CHECK_EQ(SINCE(spans_used), 2);
  give(a);
  CHECK_EQ(SINCE(spans_used), 1);
  give(b);
  CHECK_EQ(SINCE(spans_used), 0);
  CHECK_EQ(SINCE(used), 0);
}

TEST(absurd_lengths_and_alignments_are_refused_and_counted)
{
  start();
  static const size_t slices[] = {(size_t)1 << 31, ((size_t)1 << 32) - 1, (size_t)1 << 32,
                                  ((size_t)1 << 32) + 1, SIZE_MAX >> MID_SLICE_SHIFT};
  for (int i = 0; i < 5; i++) CHECK(mid_span_take(slices[i], 1, MID_SPAN_LARGE, false) == NULL);
  CHECK(mid_span_take(1, (size_t)1 << 47, MID_SPAN_LARGE, false) == NULL);
  CHECK(mid_span_take(1, (size_t)1 << 62, MID_SPAN_LARGE, false) == NULL);
  CHECK_EQ(SINCE(refused), 7);
  CHECK_EQ(SINCE(spans_used), 0);
  CHECK_EQ(SINCE(mapped), 0);
  CHECK_WHOLE(mid_span_broken());
}

TEST(a_run_of_half_a_window_is_a_mapping_of_its_own_and_goes_at_once)
{
  start();
  size_t bytes = MID_WINDOW_SLICES / 2 * MID_SLICE_BYTES;
  struct mid_span *span = mid_span_take(MID_WINDOW_SLICES / 2, 1, MID_SPAN_LARGE, false);
  if (span == NULL) skip();
  CHECK(span->own_mapping && span->zero);
  CHECK_EQ(SINCE(mapped), bytes);
  CHECK(mid_span_charge(span, PAGE, false));
  char *base = base_of(span);
  base[0] = 1;
  give(span);
  CHECK_EQ(SINCE(mapped), 0);
  CHECK_EQ(SINCE(used), 0);
  CHECK_EQ(SINCE(dirty), 0);
  CHECK(!test_resident(base));
}

// ---- charge and give ----

TEST(what_is_charged_is_used_and_then_dirty_and_then_purged)
{
  start();
  struct mid_span *span = take(4);
  CHECK_EQ(SINCE(used), 0);
  CHECK(mid_span_charge(span, 3 * PAGE, false));
  CHECK(mid_span_charge(span, 2 * PAGE, false));
  CHECK_EQ(span->bytes, 5 * PAGE);
  CHECK_EQ(SINCE(used), 5 * PAGE);
  CHECK_EQ(SINCE(dirty), 0);
  memset(base_of(span), 1, 5 * PAGE);
  char *base = base_of(span);
  give(span);
  CHECK_EQ(SINCE(used), 0);
  CHECK_EQ(SINCE(dirty), 5 * PAGE);
  CHECK_EQ(mid_span_purge_all(), 5 * PAGE);
  CHECK_EQ(SINCE(dirty), 0);
  CHECK_EQ(SINCE(purged), 5 * PAGE);
  CHECK_EQ(test_resident_pages(base, 4 * MID_SLICE_BYTES), 0);
  CHECK_EQ(mid_span_purge_all(), 0);
}

TEST(a_span_that_was_never_charged_leaves_nothing_dirty)
{
  start();
  give(take(4));
  CHECK_EQ(SINCE(dirty), 0);
}

TEST(what_was_dirty_before_stays_dirty_though_the_next_use_charges_less)
{
  start();
  give(take_charged(4, 4 * MID_SLICE_BYTES));
  struct mid_span *span = take_charged(4, PAGE);
  CHECK(!span->zero);
  CHECK_EQ(SINCE(dirty), 0);
  give(span);
  CHECK_EQ(SINCE(dirty), 4 * MID_SLICE_BYTES);  // its pages are still resident
}

TEST(a_span_that_says_zero_reads_as_zero)
{
  start();
  uint64_t seed = 1;
  size_t zero = 0;
  for (int round = 0; round < 300; round++) {
    size_t slices = 1 + test_random(&seed) % 20;
    struct mid_span *span = take_charged(slices, slices * MID_SLICE_BYTES);
    if (span->zero) CHECK(test_zeroed(base_of(span), slices * MID_SLICE_BYTES));
    zero += span->zero;
    memset(base_of(span), 0x5a, slices * MID_SLICE_BYTES);
    give(span);
    if (round % 3 == 0) mid_span_purge_all();
  }
  CHECK(zero > 50 && zero < 300);
}

TEST(what_lies_behind_pages_that_were_moved_away_stays_dirty)
{
  start();
  give(take_charged(1, MID_SLICE_BYTES));
  mid_span_give_moved(take_charged(1, 5 * PAGE));
  CHECK_EQ(SINCE(dirty), 11 * PAGE);
  mid_span_give_moved(take_charged(1, 12 * PAGE));
  CHECK_EQ(SINCE(dirty), 4 * PAGE);  // and not all of it clean
}

TEST(pages_that_are_gone_leave_the_others_of_their_span_dirty)
{
  start();
  struct mid_span *span = mid_span_take(8, MID_SLICE_BYTES, MID_SPAN_SMALL, false);
  CHECK(mid_span_charge(span, 8 * MID_SLICE_BYTES, false));
  atomic_store(&span->gone, 0xffff);
  mid_span_uncharge(span, MID_SLICE_BYTES);
  CHECK_EQ(SINCE(used), 7 * MID_SLICE_BYTES);
  CHECK_EQ(SINCE(stale), 0);
  CHECK(mid_span_recharge(span, MID_SLICE_BYTES / 2, false));
  atomic_store(&span->gone, 0xff00);
  CHECK_EQ(SINCE(stale), 0);
  give(span);
  CHECK_EQ(SINCE(dirty), 8 * MID_SLICE_BYTES - MID_SLICE_BYTES / 2);
}

TEST(pages_moved_away_are_not_dirty)
{
  start();
  struct mid_span *span = take_charged(4, 4 * MID_SLICE_BYTES);
  mid_span_give_moved(span);
  CHECK_EQ(SINCE(used), 0);
  CHECK_EQ(SINCE(dirty), 0);
}

TEST(no_more_is_touched_again_than_was_given_back)
{
  enum { SPANS = 200 };
  struct mid_span *span[SPANS];
  start();
  give(take_charged(1, MID_SLICE_BYTES));
  CHECK_EQ(mid_span_purge_all(), MID_SLICE_BYTES);
  for (int i = 0; i < SPANS; i++) span[i] = take(1);
  CHECK(SINCE(retouched) >= MID_SLICE_BYTES);  // one of them is it
  CHECK_EQ(SINCE(retouched) % mid_os_page_bytes(), 0);
  CHECK(mid_span_totals().retouched <= mid_span_totals().purged);
  for (int i = 0; i < SPANS; i++) give(span[i]);
}

TEST(what_was_used_and_never_given_back_is_not_touched_again)
{
  start();
  for (int i = 0; i < 3; i++) mid_span_give_moved(take_charged(4, 4 * MID_SLICE_BYTES));
  CHECK_EQ(SINCE(retouched), 0);
}

// ---- what long spans hold ----

enum { LONG = 640 };  // slices: 40 MiB

static struct mid_span *take_long(void) {
  struct mid_span *span = take_charged(LONG, LONG * MID_SLICE_BYTES);
  mid_span_back(span);
  return span;
}

static void touch(struct mid_span *span, size_t from, size_t bytes) {
  for (size_t at = from; at < from + bytes; at += PAGE) base_of(span)[at] = 1;
}

TEST(of_a_long_span_only_what_was_touched_is_dirty)
{
  start();
  struct mid_span *span = take_long();
  touch(span, 0, PAGE), touch(span, 30 * MIB, PAGE);
  give(span);
  CHECK_EQ(SINCE(dirty), 2 * PAGE);
  mid_span_purge_all();
  CHECK_EQ(SINCE(dirty), 0);
}

TEST(the_untouched_parts_of_a_long_span_are_clean_runs_that_read_as_zero)
{
  start();
  struct mid_span *span = take_long();
  char *base = base_of(span);
  touch(span, 0, MIB);
  give(span);
  for (size_t part = 1; part < 16; part++) {
    size_t slices = LONG / 16;
    struct mid_span *clean = mid_map_find(base + part * slices * MID_SLICE_BYTES);
    CHECK(mid_map_was_used(clean));
  }
  CHECK_EQ(test_resident_pages(base + 20 * MIB, 20 * MIB), 0);
}

TEST(a_long_span_is_put_together_of_dirty_and_clean_neighbours)
{
  start();
  struct mid_span *span = take_long();
  touch(span, 0, 100 * MID_SLICE_BYTES);
  give(span);
  CHECK(SINCE(dirty) >= 100 * MID_SLICE_BYTES);
  uint64_t mapped = mid_span_totals().mapped;
  span = take_long();
  CHECK(mid_span_fresh(span) <= LONG * MID_SLICE_BYTES - 100 * MID_SLICE_BYTES);
  CHECK(!span->zero);
  CHECK_EQ(mid_span_totals().mapped, mapped);
  give(span);
}

TEST(a_heap_that_grows_by_a_long_span_gives_back_what_did_not_fit)
{
  enum { HOLES = 40 };
  struct mid_span *hole[HOLES], *wall[HOLES];
  start();
  for (int i = 0; i < HOLES; i++) {
    hole[i] = take_charged(20, 20 * MID_SLICE_BYTES);
    wall[i] = take_charged(1, PAGE);
    touch(hole[i], 0, hole[i]->bytes);
  }
  for (int i = 0; i < HOLES; i++) give(hole[i]);
  struct mid_feed_process before = mid_span_totals();
  struct mid_span *span = take_long();
  struct mid_feed_process after = mid_span_totals();
  CHECK(before.dirty >= 40 * MIB);
  CHECK(after.used + after.dirty <= before.used + before.dirty + MIB);
  give(span);
  for (int i = 0; i < HOLES; i++) give(wall[i]);
}

// ---- backed early ----

static void take_touch_give(size_t times) {
  while (times-- > 0) {
    struct mid_span *span = take_long();
    touch(span, 0, span->bytes);
    give(span);
    mid_span_purge_all();
  }
}

TEST(long_spans_are_backed_once_the_program_was_seen_to_touch_them)
{
  start();
  take_touch_give(2);
  struct mid_span *span = take_long();
  CHECK(span->capacity > 0);
  // Whole but for a place to look at; before Linux 5.14 the program touches them as ever.
  size_t pages = test_resident_pages(base_of(span), span->bytes);
  CHECK(pages == 0 || pages >= (span->bytes - MIB) / PAGE);
  give(span);
}

TEST(long_spans_that_are_not_touched_are_not_backed)
{
  start();
  for (int i = 0; i < 20; i++) {
    give(take_long());
    mid_span_purge_all();  // what is resident anyway says nothing
  }
  struct mid_span *span = take_long();
  CHECK_EQ(span->capacity, 0);
  touch(span, 0, PAGE);
  CHECK_EQ(test_resident_pages(base_of(span), span->bytes), 1);
  give(span);
}

TEST(a_program_that_touches_no_more_is_not_backed_without_end)
{
  enum { SPANS = 16 };
  struct mid_span *span[SPANS];
  start();
  take_touch_give(3);
  size_t resident = mid_span_resident();
  for (int i = 0; i < SPANS; i++) {
    span[i] = take_long();
    for (size_t at = 0; at < span[i]->bytes; at += MIB) base_of(span[i])[at] = 1;
  }
  CHECK(mid_span_resident() - resident <= 5 * LONG * MID_SLICE_BYTES);
  for (int i = 0; i < SPANS; i++) give(span[i]);
}

// ---- faults ----

TEST(pages_of_a_fresh_span_are_there_before_they_are_touched)
{
  start();
  give(take(64));
  struct mid_span *span = take_charged(4, 4 * MID_SLICE_BYTES);
  CHECK_EQ(span->before, 0);
  mid_span_populate(span, PAGE, 8 * PAGE);
  size_t there = test_resident_pages(base_of(span), 4 * MID_SLICE_BYTES);
  CHECK(there == 8 || there == 0);  // before Linux 5.14
  if (there == 8) CHECK_EQ(test_resident_pages(base_of(span) + PAGE, 8 * PAGE), 8);
  CHECK(test_zeroed(base_of(span), 4 * MID_SLICE_BYTES));
  give(span);
}

TEST(a_span_of_a_dirty_run_is_left_as_it_is)
{
  start();
  struct mid_span *span = take_charged(4, 4 * MID_SLICE_BYTES);
  give(span);  // charged and not touched
  span = take_charged(4, PAGE);
  CHECK(span->before > 0);
  mid_span_populate(span, 0, 4 * MID_SLICE_BYTES);
  CHECK_EQ(test_resident_pages(base_of(span), 4 * MID_SLICE_BYTES), 0);
  give(span);
}

// ---- resize ----

TEST(a_span_grows_into_the_free_run_behind_it_and_shrinks_again)
{
  start();
  struct mid_span *span = take_charged(64, 2 * MID_SLICE_BYTES);
  CHECK(mid_span_resize(span, 2, 2 * MID_SLICE_BYTES, false));  // so that there is one
  memset(base_of(span), 7, 2 * MID_SLICE_BYTES);
  CHECK(mid_span_resize(span, 40, 39 * MID_SLICE_BYTES, false));
  CHECK_WHOLE(mid_span_broken());
  CHECK_EQ(span->slices, 40);
  CHECK_EQ(span->bytes, 39 * MID_SLICE_BYTES);
  CHECK_EQ(SINCE(used), 39 * MID_SLICE_BYTES);
  CHECK(test_zeroed(base_of(span) + 2 * MID_SLICE_BYTES, 37 * MID_SLICE_BYTES));
  CHECK(mid_map_find_head(base_of(span) + 39 * MID_SLICE_BYTES) == span);
  memset(base_of(span), 7, 39 * MID_SLICE_BYTES);
  CHECK(mid_span_resize(span, 1, 3 * PAGE, false));
  CHECK_WHOLE(mid_span_broken());
  CHECK_EQ(span->slices, 1);
  CHECK_EQ(SINCE(used), 3 * PAGE);
  CHECK(SINCE(dirty) >= 38 * MID_SLICE_BYTES);  // what was cut off
  CHECK(mid_map_find_head(base_of(span) + MID_SLICE_BYTES) == NULL);
  CHECK_EQ(base_of(span)[3 * PAGE - 1], 7);
  give(span);
  // With what lay between the block's end and the slice's.
  CHECK(SINCE(dirty) >= 39 * MID_SLICE_BYTES);
  mid_span_purge_all();
  CHECK_EQ(SINCE(dirty), 0);
}

TEST(a_span_grows_within_its_slices_without_a_neighbour)
{
  start();
  struct mid_span *span = take_charged(1, PAGE);
  CHECK(mid_span_resize(span, 1, 5 * PAGE, false));
  CHECK_EQ(span->slices, 1);
  CHECK_EQ(SINCE(used), 5 * PAGE);
  give(span);
}

TEST(a_span_does_not_grow_over_its_neighbour_and_nothing_changes)
{
  start();
  struct mid_span *all = take(12);
  char *base = base_of(all);
  CHECK(mid_span_charge(all, 12 * MID_SLICE_BYTES, false));
  give(all);  // the one dirty run: the next are cut from its front
  struct mid_span *span = take(4), *next = take(4);
  CHECK(base_of(span) == base && next == span + 4);
  CHECK(mid_span_charge(span, PAGE, false));
  struct mid_feed_process before = mid_span_totals();
  CHECK(!mid_span_resize(span, 5, 5 * MID_SLICE_BYTES, false));
  CHECK(!mid_span_resize(next, 10000, 10000 * MID_SLICE_BYTES, false));  // longer than what is free
  CHECK_EQ(span->slices, 4);
  CHECK_EQ(span->bytes, PAGE);
  struct mid_feed_process after = mid_span_totals();
  CHECK_EQ(memcmp(&before, &after, sizeof after), 0);
  give(span), give(next);
}

// ---- limits ----

static void limit_to(uint64_t limit) {
  mid_options.heap_limit = limit;
  mid_limit_start();
}

TEST(the_limit_refuses_what_would_pass_it_and_counts_that)
{
  start();
  struct mid_span *span = take(4);
  limit_to(at_start.used + 3 * PAGE);
  bool exact = mid_span_charge(span, 3 * PAGE, false);
  bool over = mid_span_charge(span, 1, false);
  bool urgent = mid_span_charge(span, PAGE, true);
  bool grown = mid_span_resize(span, 4, 5 * PAGE, false);
  bool shrunk = mid_span_resize(span, 4, PAGE, false);
  bool again = mid_span_resize(span, 4, 2 * PAGE, false);  // pages that it has since before
  struct mid_feed_process then = mid_span_totals();
  limit_to(0);
  CHECK(exact && !over && urgent && !grown && shrunk && again);
  CHECK_EQ(then.refused - at_start.refused, 2);
  CHECK_EQ(then.limit, at_start.used + 3 * PAGE);
  CHECK_EQ(then.used - at_start.used, 2 * PAGE);
  CHECK_EQ(then.stale - at_start.stale, 2 * PAGE);
  CHECK_EQ(span->bytes, 2 * PAGE);
  CHECK(mid_span_charge(span, 2 * PAGE, false));  // no limit, no refusal
  CHECK_EQ(SINCE(limit), 0);
  give(span);
}

TEST(what_a_span_holds_since_an_earlier_use_counts_until_it_is_charged)
{
  start();
  give(take_charged(4, 4 * MID_SLICE_BYTES));
  struct mid_span *span = take_charged(4, PAGE);
  CHECK_EQ(SINCE(used), PAGE);
  CHECK_EQ(SINCE(stale), 4 * MID_SLICE_BYTES - PAGE);
  limit_to(at_start.used + 4 * MID_SLICE_BYTES);
  bool landed = mid_span_charge(span, 4 * MID_SLICE_BYTES - PAGE, false);
  struct mid_feed_process then = mid_span_totals();
  struct mid_span *more = take(1);
  bool over = mid_span_charge(more, PAGE, false);
  limit_to(0);
  CHECK(landed && !over);
  CHECK_EQ(then.stale, at_start.stale);
  CHECK_EQ(then.used - at_start.used, 4 * MID_SLICE_BYTES);
  give(span), give(more);
  CHECK_EQ(SINCE(stale), 0);
}

TEST(near_a_limit_a_span_of_blocks_gives_back_what_an_earlier_use_left)
{
  start();
  give(take_charged(1, MID_SLICE_BYTES));
  limit_to(at_start.used + MID_SLICE_BYTES + PAGE);
  struct mid_span *span = mid_span_take(1, 1, MID_SPAN_SMALL, false);
  bool admitted = span != NULL && mid_span_charge(span, PAGE, false);
  struct mid_feed_process then = mid_span_totals();
  limit_to(0);
  CHECK(admitted && span->zero);
  CHECK_EQ(then.stale, at_start.stale);
  CHECK_EQ(mid_os_resident_in(base_of(span), MID_SLICE_BYTES), 0);
  give(span);
}

TEST(dirty_memory_makes_way_before_the_limit_refuses)
{
  start();
  struct mid_span *span = take(1);
  give(take_charged(4, 4 * MID_SLICE_BYTES));
  limit_to(at_start.used + 4 * MID_SLICE_BYTES);
  bool admitted = mid_span_charge(span, MID_SLICE_BYTES, false);
  struct mid_feed_process then = mid_span_totals();
  limit_to(0);
  CHECK(admitted);
  CHECK(then.used + then.dirty <= at_start.used + 4 * MID_SLICE_BYTES);
  give(span);
}

// ---- the bound ----

TEST(settling_gives_back_what_passes_the_bound_and_leaves_what_does_not)
{
  start();
  give(take_charged(1, MID_SLICE_BYTES));
  CHECK_EQ(mid_span_settle(), 0);
  CHECK_EQ(SINCE(dirty), MID_SLICE_BYTES);
  struct mid_span *span = take_charged(1000, 1000 * MID_SLICE_BYTES);
  memset(base_of(span), 1, span->bytes);
  mid_span_purge_all();  // nor does it count that they were given back before
  give(span);
  struct mid_feed_process over = mid_span_totals();
  CHECK(over.dirty > over.dirty_bound);
  CHECK(mid_span_settle() > 0);
  struct mid_feed_process after = mid_span_totals();
  CHECK(after.dirty <= after.dirty_bound);
  CHECK_EQ(over.dirty - after.dirty, after.purged - over.purged);
  CHECK_EQ(mid_span_settle(), 0);
}

// ---- at random, against sums and contents of our own ----

enum { SPANS = 40 };
static struct {
  struct mid_span *span;
  uint64_t id;
} held[SPANS];

static void fill(int i) {
  held[i].id = held[i].id * 31 + (uint64_t)i + 1;
  for (size_t at = 0; at < held[i].span->bytes; at += PAGE)
    test_fill(base_of(held[i].span) + at, 64, held[i].id + at);
}

static void check_filled(int i, size_t bytes) {
  for (size_t at = 0; at < bytes; at += PAGE)
    CHECK(test_filled(base_of(held[i].span) + at, 64, held[i].id + at));
}

static void change_at_random(int i, uint64_t *seed) {
  size_t slices = 1 + test_random_size(seed, 60);
  size_t bytes = (1 + test_random(seed) % (slices * 16)) * PAGE;
  if (held[i].span == NULL) {
    held[i].span = take_charged(slices, bytes);
  } else if (test_random(seed) % 3 == 0) {
    size_t kept = mid_min(bytes, held[i].span->bytes);
    mid_span_resize(held[i].span, slices, bytes, false);
    check_filled(i, kept);
  } else {
    check_filled(i, held[i].span->bytes);
    give(held[i].span);
    held[i].span = NULL;
    return;
  }
  fill(i);
}

static void check_sums(void) {
  size_t used = 0, count = 0;
  for (int i = 0; i < SPANS; i++)
    if (held[i].span != NULL) used += held[i].span->bytes, count++;
  struct mid_feed_process now = mid_span_totals();
  CHECK_EQ(now.used - at_start.used, used);
  CHECK_EQ(now.spans_used - at_start.spans_used, count);
  CHECK(now.used + now.dirty <= now.peak_committed);
  CHECK_WHOLE(mid_span_broken());
}

TEST(any_order_of_calls_keeps_the_sums_the_contents_and_the_bound)
{
  uint64_t seed = 1;
  start();
  for (int round = 0; round < 6000; round++) {
    change_at_random((int)(test_random(&seed) % SPANS), &seed);
    if (round % 4 == 0) {
      mid_span_settle();
      struct mid_feed_process now = mid_span_totals();
      CHECK(now.dirty <= now.dirty_bound);
    }
    if (round % 500 == 0) mid_span_purge_all();
    check_sums();
  }
  for (int i = 0; i < SPANS; i++)
    if (held[i].span != NULL) check_filled(i, held[i].span->bytes), give(held[i].span);
  CHECK_EQ(SINCE(used), 0);
}

TEST(resident_pages_are_never_more_than_what_is_counted)
{
  start();
  uint64_t seed = 2, resident = mid_span_resident();
  struct mid_span *span[SPANS];
  for (int i = 0; i < SPANS; i++) {
    size_t slices = 1 + test_random(&seed) % 8;
    span[i] = take_charged(slices, slices * MID_SLICE_BYTES);
    memset(base_of(span[i]), 1, span[i]->bytes);
  }
  CHECK_EQ(mid_span_resident() - resident, SINCE(used));
  for (int i = 0; i < SPANS; i += 2) give(span[i]);
  CHECK_EQ(mid_span_resident() - resident, SINCE(used) + SINCE(dirty));
  mid_span_purge_all();
  CHECK_EQ(mid_span_resident() - resident, SINCE(used));
  for (int i = 1; i < SPANS; i += 2) give(span[i]);
}

// ---- counters and records ----

TEST(large_blocks_are_counted_as_they_come_change_and_go)
{
  start();
  struct mid_span *span = take_charged(4, 9 * PAGE);
  span->asked = 33000;
  mid_span_count_large(span, true, false);
  CHECK_EQ(SINCE(large_blocks), 1);
  CHECK_EQ(SINCE(large_bytes), 9 * PAGE);
  CHECK_EQ(SINCE(large_asked), 33000);
  CHECK_EQ(SINCE(large_allocated), 1);
  CHECK_EQ(SINCE(large_allocated_bytes), 9 * PAGE);
  mid_span_count_large(span, false, true);
  span->asked = 50;
  mid_span_count_large(span, true, true);
  CHECK_EQ(SINCE(large_blocks), 1);
  CHECK_EQ(SINCE(large_asked), 50);
  CHECK_EQ(SINCE(large_allocated), 1);  // a resized block is no new one
  mid_span_count_large(span, false, false);
  CHECK(SINCE(large_blocks) == 0 && SINCE(large_bytes) == 0 && SINCE(large_asked) == 0);
  give(span);
}

TEST(heaps_are_counted_and_their_peak_is_kept)
{
  start();
  mid_span_count_heaps(1), mid_span_count_heaps(1);
  CHECK_EQ(SINCE(heaps_open), 2);
  CHECK_EQ(SINCE(heaps_started), 2);
  uint64_t peak = mid_span_totals().heaps_peak;
  CHECK(peak >= mid_span_totals().heaps_open);
  mid_span_count_heaps(-1), mid_span_count_heaps(-1);
  CHECK_EQ(SINCE(heaps_open), 0);
  CHECK_EQ(SINCE(heaps_started), 2);
  CHECK_EQ(mid_span_totals().heaps_peak, peak);
}

TEST(a_change_is_seen_once)
{
  start();
  mid_span_changed();
  CHECK(!mid_span_changed());
  struct mid_span *span = take_charged(1, PAGE);
  CHECK(mid_span_changed());
  CHECK(!mid_span_changed());
  give(span);
  CHECK(mid_span_changed());
}

TEST(records_are_zero_apart_and_counted)
{
  start();
  char *before = NULL;
  size_t sum = 0;
  for (size_t bytes = 1; bytes < 400000; bytes = bytes * 3 / 2 + 1) {
    char *p = mid_meta_take(bytes);
    CHECK(p != NULL && p != before);
    CHECK_EQ((uintptr_t)p % 64, 0);
    CHECK(test_zeroed(p, bytes));
    memset(p, 0xff, bytes);  // an overlap would show in the next
    sum += mid_round_up(bytes, 64);
    before = p;
    CHECK(mid_map_find_head(p) == NULL);
  }
  CHECK_EQ(SINCE(metadata), sum);
  CHECK(mid_meta_take((size_t)1 << 60) == NULL);
  CHECK_EQ(SINCE(metadata), sum);
}
