// span/runs_test.c -- the free runs: joined, split, found; by cases and against a reference.
// SPDX-License-Identifier: MIT
//
// The heap that this program may run on has free runs of its own.  Each test sets those aside and
// works on an area that nobody else knows; in between nothing may allocate.
#include "span/runs.h"

#include "base/bits.h"
#include "os/os.h"
#include "span/map.h"
#include "support.h"
#include "test.h"

enum { SLICES = 256, ASIDE_MOST = 4096 };

static struct mid_span *area;  // of SLICES records; the slices around it are never free
static struct mid_span *aside[ASIDE_MOST];
static size_t aside_count;

static void collect(struct mid_span *span, void *unused) {
  (void)unused;
  if (mid_runs_at(span) == NULL) return;
  if (aside_count == ASIDE_MOST) abort();
  aside[aside_count++] = span;
}

static void take_all_aside(void) {
  aside_count = 0;
  mid_span_visit(collect, NULL);
  for (size_t i = 0; i < aside_count; i++) mid_runs_cut(aside[i], aside[i]->slices);
  CHECK_EQ(mid_runs_count(), 0);
  CHECK_EQ(mid_runs_dirty_bytes(), 0);
}

static void area_open(void) {
  if (area == NULL) {
    // Aligned to more than its size, so that it lies in one window.
    size_t bytes = (SLICES + 2) * MID_SLICE_BYTES;
    char *base = mid_os_map_aligned(bytes, (size_t)32 << 20);
    CHECK(base != NULL);
    CHECK(mid_map_add((uintptr_t)base, bytes));
    area = mid_map_find(base) + 1;
  }
  take_all_aside();
}

// The test's own runs go, and the others come back.
static void area_close(void) {
  struct mid_span *kept[ASIDE_MOST];
  size_t count = aside_count;
  memcpy(kept, aside, count * sizeof *kept);
  take_all_aside();
  for (size_t i = 0; i < count; i++) mid_runs_put(kept[i]);
  CHECK_WHOLE(mid_span_broken());
}

enum { PAGE_BYTES = 4096 };

// Have `slices` slices hold `bytes`, as many of them at first as can be.
static void fill(struct mid_span *span, size_t slices, size_t bytes) {
  for (size_t i = 0; i < slices; i++) {
    size_t part = mid_min(bytes, MID_SLICE_BYTES);
    span[i].before = (uint16_t)(part / PAGE_BYTES);
    bytes -= part;
  }
  CHECK_EQ(bytes, 0);
}

static struct mid_span *put_held(size_t first, size_t slices) {
  struct mid_span *span = area + first;
  span->slices = (uint32_t)slices;
  span->asked = 0;
  span->moved = false;
  span = mid_runs_put(span);
  CHECK_WHOLE(mid_span_broken());
  return span;
}

static struct mid_span *put(size_t first, size_t slices, size_t bytes) {
  fill(area + first, slices, bytes);
  return put_held(first, slices);
}

static struct mid_span *take(size_t slices, size_t align) {
  struct mid_span *span = mid_runs_take(slices, align);
  CHECK_WHOLE(mid_span_broken());
  if (span == NULL) return NULL;
  CHECK_EQ(span->slices, slices);
  CHECK(mid_runs_at(span) == NULL);
  return span;
}

// The free run that starts at slice `first` has `slices` of them.
static void check_run(size_t first, size_t slices) {
  CHECK(mid_runs_at(area + first) == area + first);
  CHECK_EQ(area[first].slices, slices);
}

// ---- join ----

TEST(runs_that_touch_are_one_run)
{
  area_open();
  CHECK(put(10, 5, 0) == area + 10);
  CHECK(put(15, 3, 0) == area + 10);  // after it
  CHECK(put(7, 3, 0) == area + 7);    // before it
  check_run(7, 11);
  CHECK_EQ(mid_runs_count(), 1);
  area_close();
}

TEST(a_run_that_fills_a_gap_joins_both_sides)
{
  area_open();
  put(0, 4, 0), put(5, 1, 0);
  CHECK_EQ(mid_runs_count(), 2);
  CHECK(put(4, 1, 0) == area);
  check_run(0, 6);
  CHECK_EQ(mid_runs_count(), 1);
  area_close();
}

TEST(runs_with_something_between_them_stay_apart)
{
  area_open();
  put(0, 4, 0), put(5, 4, 0);
  check_run(0, 4), check_run(5, 4);
  CHECK_EQ(mid_runs_count(), 2);
  area_close();
}

TEST(dirty_and_clean_runs_that_touch_stay_apart)
{
  area_open();
  put(0, 4, 0), put(4, 4, PAGE_BYTES), put(8, 4, 0);
  check_run(0, 4), check_run(4, 4), check_run(8, 4);
  CHECK_EQ(area[0].state, MID_SPAN_CLEAN);
  CHECK_EQ(area[4].state, MID_SPAN_DIRTY);
  CHECK_EQ(mid_runs_count(), 3);
  CHECK_EQ(mid_runs_dirty_bytes(), PAGE_BYTES);
  // Purged, it is one with both.
  struct mid_span *dirty = mid_runs_cut(area + 4, 4);
  fill(dirty, 4, 0);
  CHECK(mid_runs_put(dirty) == area);
  check_run(0, 12);
  CHECK_EQ(mid_runs_count(), 1);
  area_close();
}

TEST(what_is_known_of_joined_runs_adds_up)
{
  area_open();
  put(0, 4, 3 * PAGE_BYTES);
  area[4].asked = PAGE_BYTES;
  area[4].slices = 2;
  fill(area + 4, 2, PAGE_BYTES);
  area[4].moved = true;
  CHECK(mid_runs_put(area + 4) == area);
  CHECK_EQ(area->bytes, 4 * PAGE_BYTES);
  CHECK_EQ(area->asked, PAGE_BYTES);
  CHECK(area->moved);
  CHECK_EQ(mid_runs_dirty_bytes(), 4 * PAGE_BYTES);
  area_close();
}

// ---- split ----

TEST(what_is_over_is_a_free_run_again)
{
  area_open();
  put(0, 20, 0);
  CHECK(take(5, 1) == area);
  check_run(5, 15);
  CHECK(take(15, 1) == area + 5);
  CHECK_EQ(mid_runs_count(), 0);
  CHECK(take(1, 1) == NULL);
  area_close();
}

TEST(each_part_of_a_dirty_run_keeps_what_it_holds)
{
  area_open();
  put(0, 4, 3 * MID_SLICE_BYTES + PAGE_BYTES);
  struct mid_span *front = take(1, 1);
  CHECK_EQ(front->bytes, MID_SLICE_BYTES);
  CHECK_EQ(area[1].bytes, 2 * MID_SLICE_BYTES + PAGE_BYTES);
  CHECK_EQ(mid_runs_dirty_bytes(), 2 * MID_SLICE_BYTES + PAGE_BYTES);
  front = take(2, 1);
  CHECK_EQ(front->bytes, 2 * MID_SLICE_BYTES);
  CHECK_EQ(area[3].bytes, PAGE_BYTES);
  area_close();
}

TEST(what_is_cut_off_and_holds_nothing_is_clean_and_joins_what_is)
{
  area_open();
  put(0, 6, 2 * MID_SLICE_BYTES), put(6, 4, 0);
  CHECK_EQ(area[0].state, MID_SPAN_DIRTY);
  check_run(0, 6);
  CHECK(take(2, 1) == area);
  CHECK_EQ(area[2].state, MID_SPAN_CLEAN);
  check_run(2, 8);
  CHECK_EQ(mid_runs_count(), 1);
  area_close();
}

TEST(a_part_of_a_moved_run_is_a_moved_run)
{
  area_open();
  put(0, 4, PAGE_BYTES);
  area->moved = true;
  CHECK(take(1, 1)->moved);
  CHECK(area[1].moved);
  area_close();
}

// ---- find ----

TEST(of_all_that_fit_the_length_asked_for_is_taken)
{
  area_open();
  for (size_t slices = 1, at = 0; slices <= 16; at += slices + 1, slices++) put(at, slices, 0);
  for (size_t slices = 16; slices > 0; slices--) {
    size_t before = mid_runs_count();
    CHECK(take(slices, 1) != NULL);
    CHECK_EQ(mid_runs_count(), before - 1);  // nothing was over
  }
  area_close();
}

TEST(a_shorter_run_is_split_before_a_much_longer_one)
{
  area_open();
  put(0, 100, 0), put(110, 30, 0), put(150, 60, 0);
  CHECK(take(20, 1) == area + 110);
  CHECK(take(33, 1) == area + 150);
  CHECK(take(61, 1) == area);
  area_close();
}

TEST(a_list_is_searched_to_its_end_for_a_run_that_is_long_enough)
{
  area_open();
  put(0, 19, 0), put(20, 18, 0), put(40, 17, 0);  // one list; the last stands first
  CHECK(take(19, 1) == area);
  CHECK(take(19, 1) == NULL);
  CHECK(take(18, 1) == area + 20);
  area_close();
}

TEST(dirty_runs_go_before_clean_ones_that_fit_better)
{
  area_open();
  put(0, 3, 0), put(10, 50, 49 * MID_SLICE_BYTES + PAGE_BYTES);
  CHECK(take(3, 1) == area + 10);
  CHECK_EQ(area[10].bytes, 3 * MID_SLICE_BYTES);
  CHECK(take(60, 1) == NULL);
  area_close();
}

TEST(a_clean_run_is_taken_where_no_dirty_one_is_long_enough)
{
  area_open();
  put(0, 2, PAGE_BYTES), put(10, 3, 0);
  CHECK(take(3, 1) == area + 10);
  CHECK(take(3, 1) == NULL);
  area_close();
}

TEST(an_aligned_run_leaves_its_front_and_its_end_free)
{
  area_open();
  put(0, 64, 0);  // the area starts one slice after a multiple of 32 MiB
  struct mid_span *span = take(4, 16 * MID_SLICE_BYTES);
  CHECK(span == area + 15);
  CHECK_EQ(mid_span_base(span) % (16 * MID_SLICE_BYTES), 0);
  check_run(0, 15), check_run(19, 45);
  CHECK(take(16, 16 * MID_SLICE_BYTES) == area + 31);
  CHECK(take(64, MID_SLICE_BYTES) == NULL);
  area_close();
}

TEST(a_run_that_is_long_enough_but_not_at_its_alignment_is_passed_over)
{
  area_open();
  put(0, 20, PAGE_BYTES);   // a multiple of 16 slices lies 15 in: 5 are left
  put(31, 16, PAGE_BYTES);  // starts on one
  CHECK(take(6, 16 * MID_SLICE_BYTES) == area + 31);
  CHECK(take(6, 16 * MID_SLICE_BYTES) == NULL);
  CHECK(take(5, 16 * MID_SLICE_BYTES) == area + 15);
  area_close();
}

TEST(a_run_is_put_together_of_neighbours_where_no_dirty_one_is_long_enough)
{
  area_open();
  put(10, 8, 0), put(18, 4, 4 * MID_SLICE_BYTES), put(22, 8, 0);
  put(100, 30, 0);
  struct mid_span *span = take(10, 1);
  CHECK(span == area + 18);
  CHECK_EQ(span->bytes, 4 * MID_SLICE_BYTES);
  check_run(10, 8), check_run(28, 2), check_run(100, 30);
  CHECK_EQ(mid_runs_count(), 3);
  CHECK_EQ(mid_runs_dirty_bytes(), 0);
  area_close();
}

TEST(of_two_places_the_one_with_more_resident_pages_is_taken)
{
  area_open();
  put(10, 8, 0), put(18, 4, 4 * MID_SLICE_BYTES);
  put(100, 8, 0), put(108, 5, 5 * MID_SLICE_BYTES), put(113, 20, 0), put(133, 5, PAGE_BYTES);
  CHECK(take(11, 1) == area + 108);
  CHECK(take(11, 1) == area + 11);  // it ends where the dirty run does
  area_close();
}

TEST(of_two_equal_places_the_one_that_leaves_less_is_taken)
{
  area_open();
  put(10, 20, 20 * MID_SLICE_BYTES), put(30, 60, 0);
  put(100, 20, 20 * MID_SLICE_BYTES);
  put(130, 20, 20 * MID_SLICE_BYTES), put(150, 20, 0);
  CHECK(take(20, 1) == area + 100);
  area_close();
}

TEST(a_place_across_runs_is_aligned_too)
{
  area_open();
  put(0, 14, 0), put(14, 3, 3 * MID_SLICE_BYTES), put(17, 30, 0);
  CHECK(take(18, 16 * MID_SLICE_BYTES) == area + 15);
  CHECK(area[0].slices == 14 && area[14].bytes == MID_SLICE_BYTES);
  check_run(14, 1), check_run(33, 14);
  area_close();
}

TEST(the_run_to_purge_is_of_the_longest)
{
  area_open();
  CHECK(mid_runs_longest_dirty() == NULL);
  put(200, 50, 0);
  CHECK(mid_runs_longest_dirty() == NULL);
  put(0, 2, PAGE_BYTES), put(10, 30, PAGE_BYTES), put(50, 9, 9 * MID_SLICE_BYTES);
  CHECK(mid_runs_longest_dirty() == area + 10);
  check_run(10, 30);  // it stays where it is
  CHECK_EQ(mid_runs_count(), 4);
  mid_runs_cut(area + 10, 30);
  CHECK(mid_runs_longest_dirty() == area + 50);
  area_close();
}

// ---- at random, against a reference that knows each slice ----

enum { HELD, CLEAN, DIRTY };
static struct {
  uint8_t kind;
  size_t resident;
} model[SLICES];

static size_t model_length(size_t first) {
  size_t n = 0;
  while (first + n < SLICES && model[first + n].kind == model[first].kind) n++;
  return n;
}

static size_t model_resident(size_t first, size_t slices) {
  size_t bytes = 0;
  for (size_t i = first; i < first + slices; i++) bytes += model[i].resident;
  return bytes;
}

static void check_model(void) {
  size_t count = 0, dirty = 0;
  for (size_t i = 0; i < SLICES;) {
    size_t n = model[i].kind == HELD ? 1 : model_length(i);
    if (model[i].kind != HELD) {
      check_run(i, n);
      CHECK_EQ(area[i].state, model[i].kind == DIRTY ? MID_SPAN_DIRTY : MID_SPAN_CLEAN);
      CHECK_EQ(area[i].bytes, model_resident(i, n));
      for (size_t k = 1; k < n; k++) CHECK(mid_runs_at(area + i + k) == NULL);
      count++, dirty += area[i].bytes;
    } else {
      CHECK(mid_runs_at(area + i) == NULL);
    }
    i += n;
  }
  CHECK_EQ(mid_runs_count(), count);
  CHECK_EQ(mid_runs_dirty_bytes(), dirty);
  CHECK_WHOLE(mid_span_broken());
}

static bool model_has(bool across, uint8_t kind, size_t slices, size_t align) {
  for (size_t i = 0, n; i < SLICES; i += n) {
    for (n = 0; across && i + n < SLICES && model[i + n].kind != HELD;) n += model_length(i + n);
    if (n == 0) n = model_length(i);
    uintptr_t base = mid_span_base(area + i);
    size_t front = (mid_round_up(base, align) - base) / MID_SLICE_BYTES;
    bool is = across ? model[i].kind != HELD : model[i].kind == kind;
    if (is && n >= slices + front) return true;
  }
  return false;
}

static void take_at_random(uint64_t *seed) {
  size_t slices = 1 + test_random_size(seed, 40), align = MID_SLICE_BYTES << test_random(seed) % 6;
  bool dirty = model_has(false, DIRTY, slices, align),
       clean = model_has(false, CLEAN, slices, align);
  bool across = slices > 1 && model_has(true, 0, slices, align);
  struct mid_span *span = take(slices, align);
  if (dirty || clean) CHECK(span != NULL);
  if (span != NULL) CHECK(dirty || clean || across);
  if (span == NULL) return;
  size_t first = (size_t)(span - area), of_dirty = 0;
  CHECK(first + slices <= SLICES);
  CHECK_EQ(mid_span_base(span) % align, 0);
  CHECK_EQ(span->bytes, model_resident(first, slices));
  for (size_t i = first; i < first + slices; i++) {
    CHECK(model[i].kind != HELD);
    of_dirty += model[i].kind == DIRTY;
    model[i].kind = HELD;
  }
  CHECK_EQ(span->bytes > 0, of_dirty > 0);
  if (dirty) CHECK(of_dirty > 0);
}

// Free a part of what is held: any, so that neighbours are free, held or none.
static void put_at_random(uint64_t *seed) {
  size_t first = test_random(seed) % SLICES;
  if (model[first].kind != HELD) return;
  size_t slices = 1 + test_random(seed) % mid_min(model_length(first), 30);
  bool dirty = test_random(seed) % 2;
  for (size_t i = first; i < first + slices; i++) {
    model[i].kind = dirty ? DIRTY : CLEAN;
    model[i].resident = dirty ? (1 + test_random_size(seed, 15)) * PAGE_BYTES : 0;
    fill(area + i, 1, model[i].resident);
  }
  put_held(first, slices);
}

static void purge_at_random(void) {
  struct mid_span *span = mid_runs_longest_dirty();
  if (span == NULL) return;
  size_t slices = span->slices, first = (size_t)(span - area);
  for (size_t i = first; i < first + slices; i++) model[i].kind = CLEAN, model[i].resident = 0;
  mid_runs_cut(span, slices);
  put(first, slices, 0);
}

TEST(any_order_of_taking_giving_and_purging_agrees_with_the_reference)
{
  uint64_t seed = 1;
  area_open();
  memset(model, 0, sizeof model);
  for (int round = 0; round < (SANITIZED ? 2000 : 20000); round++) {
    uint64_t what = test_random(&seed) % 16;
    if (what == 0)
      purge_at_random();
    else if (what < 9)
      put_at_random(&seed);
    else
      take_at_random(&seed);
    check_model();
  }
  area_close();
}

// ---- the check itself ----

// `place`, where `spoilt` stands for a moment, is what `sentence` is about.
#define CHECK_SPOILT(place, spoilt, sentence)  \
  do {                                         \
    __typeof__(place) kept_ = (place);         \
    (place) = (spoilt);                        \
    const char *found_ = mid_span_broken();    \
    (place) = kept_;                           \
    CHECK_STR(found_ ? found_ : "", sentence); \
    CHECK_WHOLE(mid_span_broken());            \
  } while (0)

TEST(each_damage_to_a_free_run_is_found_and_named)
{
  area_open();
  put(0, 4, PAGE_BYTES), put(10, 4, 0), put(20, 4, 0);
  CHECK_SPOILT(area[0].state, MID_SPAN_CLEAN, "a free run of another kind");
  CHECK_SPOILT(area[10].state, MID_SPAN_SMALL, "a free run of another kind");
  CHECK_SPOILT(area[0].slices, 5, "a free run in a wrong list");
  CHECK_SPOILT(area[0].slices, 0, "a free run in a wrong list");
  CHECK_SPOILT(area[10].bytes, PAGE_BYTES, "a clean run with resident bytes");
  CHECK_SPOILT(area[2].before, 1, "a free run whose slices hold other than it says");
  CHECK_SPOILT(area[3].state, MID_SPAN_NONE, "a free run whose tail does not lead to its head");
  CHECK_SPOILT(area[13].slices, 2, "a free run whose tail does not lead to its head");
  CHECK_SPOILT(area[10].prev, NULL, "a list of free runs that does not link");
  area[0].before++, area[0].bytes += PAGE_BYTES;
  const char *found = mid_span_broken();
  area[0].before--, area[0].bytes -= PAGE_BYTES;
  CHECK_STR(found ? found : "", "a wrong count of dirty bytes");
  CHECK_SPOILT(area[20].next, NULL, "a wrong count of free runs");
  area_close();
}
