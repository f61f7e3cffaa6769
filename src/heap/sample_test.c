// heap/sample_test.c -- samples: their sums are the truth within the error that is predicted, and
// every free of one is seen.
// SPDX-License-Identifier: MIT
#include "heap/sample.h"

#include <math.h>
#include <pthread.h>

#include "base/chance.h"
#include "heap/fast.h"
#include "heap/sample_budget.h"
#include "midden/heap.h"
#include "midden/malloc.h"
#include "support.h"
#include "test.h"

// A mean that stays for a while, as if no time had been spent.
static void mean_is(uint32_t log) {
  mid_sample_budget_start(524288);
  atomic_store(&mid_sample_log, log);
}

static const struct mid_samples_header *file(void) {
  return (const struct mid_samples_header *)(mid_samples_place.base - MID_SAMPLES_HEAD);
}

static const struct mid_sample *sample_of(const void *p) {
  uint64_t records = file()->records[MID_SAMPLES_BLOCK];
  for (uint64_t i = 1; i <= records; i++) {
    const struct mid_sample *s = mid_samples_at(MID_SAMPLES_BLOCK, i);
    if (s->block == (uintptr_t)p) return s;
  }
  return NULL;
}

static const struct mid_sample_stack *stack_of(const void *p) {
  const struct mid_sample *s = sample_of(p);
  CHECK(s != NULL && s->stack != 0);
  return mid_samples_at(MID_SAMPLES_STACK, s->stack);
}

static void check_whole(void) {
  mid_lock_take(&mid_thread_heap->lock);
  CHECK_WHOLE(mid_heap_broken(mid_thread_heap));
  mid_lock_give(&mid_thread_heap->lock);
}

TEST(at_first_every_allocation_is_a_sample_and_forgotten_when_it_is_freed)
{
  midden_free(midden_malloc(1));
  mean_is(0);
  void *p[100];
  for (int i = 0; i < 100; i++) p[i] = midden_malloc(40);
  const struct mid_sample_stack *stack = stack_of(p[0]);
  uint64_t live = stack->live, bytes = stack->live_bytes;
  for (int i = 0; i < 100; i++) {
    CHECK(sample_of(p[i])->asked == 40 && sample_of(p[i])->mean == 1);
    CHECK(!mid_span_frees_inline(mid_map_guess(p[i]), p[i]));
  }
  check_whole();
  for (int i = 0; i < 100; i++) midden_free(p[i]);
  for (int i = 0; i < 100; i++) CHECK(sample_of(p[i]) == NULL);
  CHECK_EQ(live - stack->live, 100 * 256);
  CHECK_EQ(bytes - stack->live_bytes, 100 * 256 * 40);
  check_whole();
}

TEST(every_door_tells_what_it_is)
{
  mean_is(0);
  void *p = midden_calloc(3, 50), *q = midden_aligned_alloc(256, 100), *r = midden_malloc(1 << 20);
  CHECK((sample_of(p)->door & 0xff) == MID_DOOR_CALLOC && sample_of(p)->asked == 150);
  CHECK((sample_of(q)->door & 0xff) == MID_DOOR_ALIGNED);
  CHECK(sample_of(r)->asked == 1 << 20 && (sample_of(r)->door & MID_SAMPLE_FRESH) != 0);
  p = midden_realloc(p, 5000);
  CHECK((sample_of(p)->door & 0xff) == MID_DOOR_REALLOC && sample_of(p)->moves == 1);
  p = midden_realloc(p, 5001);
  CHECK_EQ(sample_of(p)->asked, 5001);
  for (size_t bytes = 8000; bytes <= 64000; bytes *= 2) p = midden_realloc(p, bytes);
  CHECK_EQ(sample_of(p)->moves, 5);
  CHECK(stack_of(p)->moved_bytes > 0);
  r = midden_realloc(r, 64 << 20);
  CHECK_EQ(sample_of(r)->asked, 64 << 20);
  midden_free(p), midden_free(q), midden_free(r);
  CHECK(sample_of(p) == NULL && sample_of(q) == NULL && sample_of(r) == NULL);
}

// Large blocks that nobody touched, and then half of.
TEST(pages_that_were_never_touched_are_told)
{
  mean_is(0);
  midden_malloc_trim();
  char *p = midden_malloc(300 << 10);
  const struct mid_sample_stack *stack = stack_of(p);
  uint64_t known = stack->pages_known, touched = stack->pages_touched;
  for (size_t at = 0; at < 30 * PAGE; at += PAGE) p[at] = 1;
  midden_free(p);
  CHECK_EQ(stack->pages_known - known, 75);
  CHECK_EQ(stack->pages_touched - touched, 30);
}

static void *free_it(void *p) {
  midden_free(p);
  return NULL;
}

TEST(frees_by_another_thread_are_told_apart)
{
  mean_is(0);
  void *p = midden_malloc(77);
  const struct mid_sample_stack *stack = stack_of(p);
  uint64_t remote = stack->remote;
  pthread_t thread;
  pthread_create(&thread, NULL, free_it, p);
  pthread_join(thread, NULL);
  CHECK(sample_of(p) == NULL);
  CHECK_EQ(stack->remote - remote, 256);
  check_whole();
}

static void *leave_some(void *p) {
  void **left = p;
  for (int i = 0; i < 10; i++) left[i] = midden_malloc(200);
  return NULL;
}

TEST(blocks_of_a_thread_that_ended_stay_samples)
{
  mean_is(0);
  void *left[10];
  pthread_t thread;
  pthread_create(&thread, NULL, leave_some, left);
  pthread_join(thread, NULL);
  for (int i = 0; i < 10; i++) CHECK(sample_of(left[i]) != NULL);
  for (int i = 0; i < 10; i++) midden_free(left[i]);
  for (int i = 0; i < 10; i++) CHECK(sample_of(left[i]) == NULL);
  check_whole();
}

TEST(a_heap_that_is_closed_takes_its_samples_with_it)
{
  mean_is(0);
  midden_heap *heap;
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  void *p = midden_heap_alloc(heap, 64), *q = midden_heap_alloc(heap, 1 << 20);
  CHECK(sample_of(p) != NULL && sample_of(q) != NULL);
  midden_heap_close(heap);
  CHECK(sample_of(p) == NULL && sample_of(q) == NULL);
}

// ---- statistics ----

enum { KINDS = 4, ROUNDS = 60000 };
static const size_t sizes[KINDS] = {24, 100, 700, 9000};

// The sums of a loop over four sizes, a seventh of which stays, against what it did.
TEST(sums_of_samples_are_the_truth_within_their_error)
{
  mean_is(14);
  uint64_t taken = file()->taken;
  double blocks = 0, bytes = 0, live = 0, error = 0, found = 0, found_bytes = 0, found_live = 0;
  uint64_t stacks = file()->records[MID_SAMPLES_STACK];
  void **kept = malloc(ROUNDS * sizeof *kept);
  for (int i = 0; i < ROUNDS; i++) {
    if (i % 256 == 0) mean_is(14);
    size_t size = sizes[test_mix((uint64_t)i) % KINDS];
    kept[i] = midden_malloc(size);
    blocks++;
    bytes += (double)size;
    double p = 1 - exp(-(double)mid_heap_usable(kept[i]) / (1 << 14));
    error += (double)size * (double)size * (1 - p) / p;
    if (i % 7 == 0)
      live += (double)size;
    else
      midden_free(kept[i]);
  }
  for (uint64_t i = stacks + 1; i <= file()->records[MID_SAMPLES_STACK]; i++) {
    const struct mid_sample_stack *s = mid_samples_at(MID_SAMPLES_STACK, i);
    found += (double)s->allocated / 256;
    found_bytes += (double)s->allocated_bytes / 256;
    found_live += (double)s->live_bytes / 256;
  }
  CHECK(file()->taken - taken > 1000);
  CHECK(file()->lost == 0 && file()->thinned == 0);
  CHECK(fabs(found_bytes - bytes) < 5 * sqrt(error));
  CHECK(fabs(found_live - live) < 5 * sqrt(error / 7));
  CHECK(fabs(found - blocks) < 0.15 * blocks);
  for (int i = 0; i < ROUNDS; i += 7) midden_free(kept[i]);
  free(kept);
  check_whole();
}

// More than the table holds, at a mean of 1: it is thinned, and what is live stays known.
TEST(a_table_that_is_full_is_thinned_out_and_its_sums_stay)
{
  enum { MANY = 100000 };
  void **kept = malloc(MANY * sizeof *kept);
  mean_is(0);
  for (int i = 0; i < MANY; i++) {
    kept[i] = midden_malloc(48);
    if (i % 256 == 0) mean_is((uint32_t)mid_min(mid_sample_log_now(), 7));
  }
  double live = 0, samples = 0;
  uint64_t stack = 0;
  for (int i = 0; i < MANY && stack == 0; i++)
    if (sample_of(kept[i]) != NULL) stack = sample_of(kept[i])->stack;
  const struct mid_sample_stack *s = mid_samples_at(MID_SAMPLES_STACK, stack);
  live = (double)s->live / 256;
  samples = (double)s->live_samples;
  CHECK(file()->thinned > 0);
  CHECK(samples > 1000 && file()->live < 32768);
  CHECK(fabs(live - MANY) < 0.2 * MANY);
  for (int i = 0; i < MANY; i++) midden_free(kept[i]);
  CHECK_EQ(s->live_samples, 0);
  CHECK_EQ(s->live, 0);
  free(kept);
  check_whole();
}

// ---- odds ----

TEST(draws_and_odds_agree_with_libm)
{
  uint64_t random = 42;
  for (int i = 0; i < 100000; i++) {
    uint64_t bits = mid_chance_next(&random);
    double u = (double)((bits >> 11) + 1) * 0x1p-53, draw = mid_chance_draw(bits);
    CHECK(fabs(draw + log(u)) < 1e-8);
    double x = draw * (i % 3 == 0 ? 1e-6 : 1);
    CHECK(fabs(mid_chance_of(x) + expm1(-x)) <= 1e-8 * x);
  }
  CHECK(mid_chance_of(0) == 0 && mid_chance_of(1e9) == 1);
}
