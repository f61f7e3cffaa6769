// region/fit_test.c -- the fit heap: worked traces for each policy, tags that lie, wrong use.
// SPDX-License-Identifier: MIT
#include "region/fit.h"

#include <errno.h>
#include <stdio.h>

#include "region/fit_tlsf.h"
#include "support.h"
#include "test.h"

enum { ROOM = 65536 };
static _Alignas(65536) char region[ROOM];
static _Alignas(64) char apart[2 * ROOM + 64], policy_state[8192];

// A heap of exactly `bytes` from the start of the region, as textbooks have it: the control is
// elsewhere, and with `header` 0 the tags are, too.
static midden_fit textbook_heap(const char *policy, uint32_t bytes, uint32_t header) {
  midden_fit fit = {.region = region,
                    .base = region,
                    .tags = header ? region : apart,
                    .stride = header ? 16 : 32,
                    .header = header,
                    .granules = bytes / 16,
                    .policy = mid_fit_policy_named(policy),
                    .state = policy_state};
  CHECK(fit.policy != NULL && fit.policy->state_bytes <= sizeof policy_state);
  return fit;
}

// Run a trace, "a96" to take and "-a" to give; what it prints: where each block went ("x":
// refused), then the holes.
static void run_trace(midden_fit *fit, const char *trace, char *said, size_t room) {
  void *block[128] = {0};
  char *end = said + room;
  for (const char *op = trace; *op != 0; op += strcspn(op, " "), op += *op == ' ') {
    if (*op == '-') {
      midden_fit_free(fit, block[(int)op[1]]);
    } else {
      size_t bytes = strtoul(op + 1, NULL, 10);
      char *p = block[(int)*op] = midden_fit_alloc(fit, bytes);
      if (p != NULL) memset(p, 0xff, bytes);
      said += p == NULL ? snprintf(said, (size_t)(end - said), "x ")
                        : snprintf(said, (size_t)(end - said), "%zd ", p - region);
    }
    CHECK_WHOLE(mid_fit_broken(fit));
  }
  snprintf(said, (size_t)(end - said), "|");
}

static bool say_hole(size_t offset, size_t bytes, void *said) {
  sprintf((char *)said + strlen(said), " %zu:%zu", offset, bytes);
  return true;
}

static void expect(const char *policy, uint32_t bytes, uint32_t header, const char *trace,
                   const char *table) {
  char said[512];
  midden_fit fit = textbook_heap(policy, bytes, header);
  mid_fit_prepare(&fit);
  run_trace(&fit, trace, said, sizeof said);
  CHECK(midden_fit_holes(&fit, say_hole, said));
  CHECK_STR(said, table);
}

#define TRACE "a96 b208 c64 d160 e48 f112 -b -d g144 h80 -a i48 j96 -c k176 -f l240 -g m64 n192"
#define LONG_TRACE \
  "a1040 b16 c1072 d16 e1200 f16 -c -a -e g1040 h1040 i304 j1008 -b k1040 l32 m128 n4096"
#define LONG_SIX "0 1040 1056 2128 2144 3344 "
#define FIRST_SIX_A "0 96 304 368 528 576 "
#define FIRST_SIX_B "16 128 352 432 608 672 "

TEST(first_fit_places_the_worked_trace)
{
  expect("first-fit", 1024, 0, TRACE,
         FIRST_SIX_A "96 368 0 688 784 x 48 112 | 304:64 448:80 576:112 960:64");
  expect("first-fit", 1280, 1, TRACE,
         FIRST_SIX_B "128 432 16 800 912 x 80 160 | 352:64 512:80 656:128 1088:192");
}

TEST(next_fit_places_the_worked_trace)
{
  expect("next-fit", 1024, 0, TRACE, FIRST_SIX_A "688 832 912 0 96 272 576 640 | 512:16 960:64");
  expect("next-fit", 1280, 1, TRACE,
         FIRST_SIX_B "800 960 1056 1120 16 208 464 672 | 528:64 864:80 1216:64");
}

TEST(best_fit_places_the_worked_trace)
{
  expect("best-fit", 1024, 0, TRACE,
         FIRST_SIX_A "368 96 0 176 688 x 576 272 | 48:48 464:64 640:48 864:160");
  expect("best-fit", 1280, 1, TRACE,
         FIRST_SIX_B "432 128 16 224 800 992 672 336 | 64:48 528:64 736:48 1232:48");
}

TEST(worst_fit_places_the_worked_trace)
{
  expect("worst-fit", 1024, 0, TRACE,
         FIRST_SIX_A "688 96 832 368 176 x 576 640 | 0:96 352:16 464:64 880:144");
  expect("worst-fit", 1280, 1, TRACE,
         FIRST_SIX_B "800 960 16 80 192 x 672 1056 | 368:224 736:208 1248:32");
}

TEST(segregated_fit_places_the_worked_traces)
{
  expect("segregated-fit", 1024, 0, TRACE,
         FIRST_SIX_A "368 96 0 176 688 x 576 272 | 48:48 464:64 640:48 864:160");
  expect("segregated-fit", 1280, 1, TRACE,
         FIRST_SIX_B "432 128 16 224 800 992 672 336 | 64:48 528:64 736:48 1232:48");
  expect("segregated-fit", 8192, 0, LONG_TRACE,
         LONG_SIX "2144 0 1056 3360 4368 3184 3216 x | 1040:16 1360:768 5408:2784");
}

TEST(tlsf_places_the_worked_traces)
{
  expect("tlsf", 1024, 0, TRACE,
         FIRST_SIX_A "368 96 0 176 688 x 576 272 | 48:48 464:64 640:48 864:160");
  expect("tlsf", 1280, 1, TRACE,
         FIRST_SIX_B "432 128 16 224 800 992 672 336 | 64:48 528:64 736:48 1232:48");
  expect("tlsf", 8192, 0, LONG_TRACE,
         LONG_SIX "1056 2144 0 3360 4368 2096 3184 x | 304:752 3312:32 5408:2784");
}

TEST(tlsf_sorts_sizes_into_its_lists)
{
  static const struct {
    size_t bytes;
    struct mid_tlsf_list insert, search;
  } rows[] = {{96, {0, 12}, {0, 12}},  {248, {0, 31}, {0, 31}},   {256, {1, 0}, {1, 0}},
              {400, {1, 18}, {1, 18}}, {1000, {2, 30}, {2, 31}},  {1008, {2, 31}, {2, 31}},
              {4104, {5, 0}, {5, 1}},  {100000, {9, 16}, {9, 17}}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct mid_tlsf_list insert = mid_tlsf_insert(rows[i].bytes);
    struct mid_tlsf_list search = mid_tlsf_search(rows[i].bytes);
    CHECK_EQ(insert.fl, rows[i].insert.fl);
    CHECK_EQ(insert.sl, rows[i].insert.sl);
    CHECK_EQ(search.fl, rows[i].search.fl);
    CHECK_EQ(search.sl, rows[i].search.sl);
  }
}

TEST(tlsf_is_good_fit_and_leaves_a_hole_of_exactly_the_size_alone)
{
  // 1040 lies inside a list of 1024 to 1055 bytes, 1056 begins one.
  expect("tlsf", 1040, 0, "a1040", "x | 0:1040");
  expect("tlsf", 1056, 0, "a1056", "0 |");
  expect("best-fit", 1040, 0, "a1040", "0 |");
}

static void grow_under(const char *policy, uint32_t header) {
  char said[64] = "";
  midden_fit fit = textbook_heap(policy, 512, header);
  mid_fit_prepare(&fit);
  const size_t extra = 16 * header;
  char *a = midden_fit_alloc(&fit, 256 - extra), *b = midden_fit_alloc(&fit, 256 - extra);
  CHECK(a != NULL && b != NULL && midden_fit_alloc(&fit, 1) == NULL);
  mid_fit_grow(&fit, 2);  // behind a block
  CHECK_WHOLE(mid_fit_broken(&fit));
  midden_fit_free(&fit, b);
  mid_fit_grow(&fit, 62);  // behind a hole
  CHECK_WHOLE(mid_fit_broken(&fit));
  CHECK(midden_fit_holes(&fit, say_hole, said));
  CHECK_STR(said, " 256:1280");
  CHECK(midden_fit_alloc(&fit, 1280 - extra) == b);
  CHECK_WHOLE(mid_fit_broken(&fit));
}

TEST(a_heap_grows_behind_its_end_under_any_policy)
{
  for (size_t i = 0; midden_fit_policy(i) != NULL; i++) {
    grow_under(midden_fit_policy(i), 0);
    grow_under(midden_fit_policy(i), 1);
  }
}

// ---- against a search of all holes ----

struct search {
  size_t need, from;  // next fit
  size_t first, next, best, worst, best_bytes, worst_bytes;
};

static bool search_hole(size_t offset, size_t bytes, void *context) {
  struct search *s = context;
  if (bytes < s->need) return true;
  if (s->first == SIZE_MAX) s->first = offset;
  if (s->next == SIZE_MAX && offset >= s->from) s->next = offset;
  if (bytes < s->best_bytes) s->best = offset, s->best_bytes = bytes;
  if (bytes > s->worst_bytes) s->worst = offset, s->worst_bytes = bytes;
  return true;
}

static size_t searched(const midden_fit *fit, size_t bytes, size_t from) {
  const char *policy = fit->policy->name;
  struct search s = {bytes, from, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, 0};
  midden_fit_holes(fit, search_hole, &s);
  if (strcmp(policy, "first-fit") == 0) return s.first;
  if (strcmp(policy, "best-fit") == 0) return s.best;
  if (strcmp(policy, "worst-fit") == 0) return s.worst;
  return s.next != SIZE_MAX ? s.next : s.first;
}

static bool swallow_mark(size_t offset, size_t bytes, void *mark) {
  if (offset < *(size_t *)mark && *(size_t *)mark < offset + bytes) *(size_t *)mark = offset;
  return true;
}

static void compare_with_a_search(const char *policy) {
  midden_fit fit = textbook_heap(policy, ROOM - 16, 0);
  mid_fit_prepare(&fit);
  static char *block[300];
  memset(block, 0, sizeof block);
  uint64_t seed = 7;
  size_t from = 0, refused = 0;
  for (int step = 0; step < 20000; step++) {
    char **b = &block[test_random(&seed) % 300];
    if (*b != NULL) {
      midden_fit_free(&fit, *b);
      *b = NULL;
      midden_fit_holes(&fit, swallow_mark, &from);
      continue;
    }
    size_t bytes = 16 + test_random_size(&seed, 4000) / 16 * 16;
    size_t expected = searched(&fit, bytes, from);
    *b = midden_fit_alloc(&fit, bytes);
    CHECK_EQ(*b == NULL ? SIZE_MAX : (size_t)(*b - region), expected);
    if (*b == NULL)
      refused++;
    else
      from = expected + bytes;
    if (step % 1000 == 0) CHECK_WHOLE(mid_fit_broken(&fit));
  }
  CHECK(refused > 100);
}

TEST(the_tree_finds_what_a_search_of_all_holes_finds)
{
  compare_with_a_search("first-fit");
  compare_with_a_search("next-fit");
  compare_with_a_search("best-fit");
  compare_with_a_search("worst-fit");
}

// ---- as users have it ----

TEST(the_policies_are_the_files_there_are)
{
  static const char *const names[] = {"best-fit",       "first-fit", "next-fit",
                                      "segregated-fit", "tlsf",      "worst-fit"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    CHECK_STR(midden_fit_policy(i), names[i]);
    CHECK(mid_fit_policies[i]->source[0] != 0);
  }
  CHECK(midden_fit_policy(6) == NULL);
  CHECK(midden_fit_policy(1000) == NULL);
}

static midden_fit *open_heap(const char *policy, size_t bytes) {
  midden_fit *fit = NULL;
  CHECK_EQ(midden_fit_open(region, bytes, policy, &fit), MIDDEN_OK);
  CHECK_WHOLE(mid_fit_broken(fit));
  return fit;
}

static bool add_bytes(size_t offset, size_t bytes, void *sum) {
  (void)offset;
  *(size_t *)sum += bytes;
  return true;
}

static void nothing_outside_is_touched(const char *policy) {
  enum { START = 48, BYTES = 9008 };
  midden_fit *fit;
  memset(region, 0x5a, 16384);
  CHECK_EQ(midden_fit_open(region + START, BYTES, policy, &fit), MIDDEN_OK);
  void *p[100] = {0};
  uint64_t seed = 3;
  for (int step = 0; step < 5000; step++) {
    size_t i = test_random(&seed) % 100, bytes = test_random_size(&seed, 900);
    midden_fit_free(fit, p[i]);
    p[i] = step % 2 ? midden_fit_alloc(fit, bytes) : NULL;
    if (p[i] != NULL) memset(p[i], 0xff, bytes);
  }
  CHECK_WHOLE(mid_fit_broken(fit));
  for (size_t i = 0; i < START; i++) CHECK_EQ(region[i], 0x5a);
  for (size_t i = START + BYTES; i < 16384; i++) CHECK_EQ(region[i], 0x5a);
}

TEST(nothing_outside_the_region_is_touched_under_any_policy)
{
  for (size_t i = 0; midden_fit_policy(i) != NULL; i++)
    nothing_outside_is_touched(midden_fit_policy(i));
}

static void freed_whole(const char *policy) {
  midden_fit *fit = open_heap(policy, ROOM);
  size_t before = 0, after = 0;
  midden_fit_holes(fit, add_bytes, &before);
  void *p[64];
  size_t n = 0;
  while (n < 64 && (p[n] = midden_fit_alloc(fit, 1000)) != NULL) n++;
  CHECK(n > 50);
  CHECK_EQ(midden_fit_stats(fit).live_blocks, n);
  CHECK_EQ(midden_fit_stats(fit).live_bytes, n * 1008);
  for (size_t i = 0; i < n; i += 2) midden_fit_free(fit, p[i]);
  for (size_t i = 1; i < n; i += 2) midden_fit_free(fit, p[i]);
  midden_fit_holes(fit, add_bytes, &after);
  CHECK_EQ(after, before);
  CHECK(midden_fit_alloc(fit, before - 2048) != NULL);  // one hole again
  midden_fit_close(fit);
  midden_fit_close(NULL);
}

TEST(what_is_freed_joins_its_neighbours_under_any_policy)
{
  for (size_t i = 0; midden_fit_policy(i) != NULL; i++) freed_whole(midden_fit_policy(i));
}

TEST(the_extent_reaches_to_the_highest_block_and_its_peak_stays)
{
  midden_fit *fit = open_heap("first-fit", ROOM);
  size_t start = midden_fit_stats(fit).committed_bytes;
  void *a = midden_fit_alloc(fit, 1000), *b = midden_fit_alloc(fit, 500);
  CHECK_EQ(midden_fit_stats(fit).committed_bytes, start + 1024 + 528);
  midden_fit_free(fit, a);
  CHECK_EQ(midden_fit_stats(fit).committed_bytes, start + 1024 + 528);
  midden_fit_free(fit, b);
  CHECK_EQ(midden_fit_stats(fit).committed_bytes, start);
  CHECK_EQ(midden_fit_stats(fit).peak_bytes, start + 1024 + 528);
}

TEST(a_block_grows_and_shrinks_in_place_where_its_neighbour_is_free)
{
  midden_fit *fit = open_heap("best-fit", ROOM);
  midden_allocator *a = midden_fit_allocator(fit);
  char *p = midden_fit_alloc(fit, 100), *wall;
  test_fill(p, 100, 1);
  CHECK(a->resize(a, p, 100, 5000, 0) == p);
  CHECK(a->resize(a, p, 5000, 200, 0) == p);
  wall = midden_fit_alloc(fit, 16);
  CHECK(wall > p && wall < p + 300);
  char *moved = a->resize(a, p, 200, 5000, 0);
  CHECK(moved != p && test_filled(moved, 100, 1));
  CHECK(a->resize(a, moved, 5000, ROOM, 0) == NULL);
  CHECK_EQ(errno, ENOMEM);
  CHECK(test_filled(moved, 100, 1));
  CHECK_WHOLE(mid_fit_broken(fit));
}

TEST(regions_that_cannot_be_heaps_are_refused)
{
  midden_fit *fit = NULL;
  CHECK_EQ(midden_fit_open(region, ROOM, "quick-fit", &fit), MIDDEN_INVALID);
  CHECK_EQ(midden_fit_open(NULL, ROOM, "tlsf", &fit), MIDDEN_INVALID);
  CHECK_EQ(midden_fit_open(region + 8, ROOM - 8, "tlsf", &fit), MIDDEN_INVALID);
  CHECK_EQ(midden_fit_open(region, (size_t)1 << 35, "tlsf", &fit), MIDDEN_INVALID);
  CHECK_EQ(midden_fit_open(region, SIZE_MAX, "tlsf", &fit), MIDDEN_INVALID);
  CHECK(fit == NULL);
  for (size_t i = 0; midden_fit_policy(i) != NULL; i++) {
    size_t bytes = 0;
    while (midden_fit_open(region, bytes, midden_fit_policy(i), &fit) != MIDDEN_OK) bytes++;
    CHECK(bytes <= 4400);
    CHECK(midden_fit_alloc(fit, 16) != NULL);
    CHECK(midden_fit_alloc(fit, 0) == NULL);
    CHECK_EQ(errno, ENOMEM);
    CHECK_WHOLE(mid_fit_broken(fit));
  }
}

// ---- crimes ----

static void free_twice(void) {
  midden_fit *fit = open_heap("tlsf", ROOM);
  void *p = midden_fit_alloc(fit, 100);
  midden_fit_alloc(fit, 100);
  midden_fit_free(fit, p);
  midden_fit_free(fit, p);
}

static void free_twice_inside_a_hole(void) {
  midden_fit *fit = open_heap("first-fit", ROOM);
  void *before = midden_fit_alloc(fit, 100), *p = midden_fit_alloc(fit, 100);
  midden_fit_free(fit, before);
  midden_fit_free(fit, p);
  midden_fit_free(fit, p);
}

static void free_inside_a_block(void) {
  midden_fit *fit = open_heap("next-fit", ROOM);
  char *p = midden_fit_alloc(fit, 100);
  midden_fit_free(fit, p + 32);
}

static void free_foreign(void) {
  midden_fit *fit = open_heap("best-fit", 1024);
  midden_fit_free(fit, region + 2048);
}

static void free_unaligned(void) {
  midden_fit *fit = open_heap("best-fit", 4096);
  midden_fit_free(fit, (char *)midden_fit_alloc(fit, 100) + 8);
}

static void write_past_the_end(void) {
  midden_fit *fit = open_heap("worst-fit", 4096);
  char *p = midden_fit_alloc(fit, 96), *q = midden_fit_alloc(fit, 96);
  test_fill(p, 112, 1);
  midden_fit_free(fit, q);
}

TEST(wrong_use_stops_the_program_with_a_sentence)
{
  static const char twice[] = ": this block is free already; look for its second owner (process";
  test_stops(free_twice, "midden: double free at 0x");
  test_stops(free_twice, twice);
  test_stops(free_twice_inside_a_hole, twice);
  test_stops(free_inside_a_block, "midden: not a block's start at 0x");
  test_stops(free_inside_a_block,
             ": this address lies inside a block; give the pointer that was taken (process");
  test_stops(free_foreign, "midden: foreign pointer at 0x");
  test_stops(free_unaligned,
             ": no block of this heap can begin there; give it to the allocator it came from (");
  test_stops(write_past_the_end, "midden: overwritten tag at 0x");
  test_stops(write_past_the_end, ": look for a write past the end of the block before it (process");
}

TEST(the_check_finds_what_was_overwritten)
{
  midden_fit *fit = open_heap("tlsf", 8192);
  char *p = midden_fit_alloc(fit, 96);
  midden_fit_alloc(fit, 96);
  memset(p + 96 + 8, 0, 8);
  CHECK_STR(mid_fit_broken(fit), "the tag of a block was overwritten");
  memset(p + 96, 0, 16);
  CHECK_STR(mid_fit_broken(fit), "a tag's size leads out of the heap");
}
