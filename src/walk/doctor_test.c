// walk/doctor_test.c -- what is whole is called sound, and what is damaged is named.
// SPDX-License-Identifier: MIT
#include "walk/doctor.h"

#include <pthread.h>

#include "base/options.h"
#include "heap/heap.h"
#include "support.h"
#include "test.h"
#include "walk/victim_test.h"

static void look(struct victim *v, struct mid_doctor *d) {
  struct mid_target t;
  CHECK_WHOLE(mid_target_stop(atomic_load(&v->pid), &t));
  CHECK_WHOLE(mid_doctor_look(&t, d));
  mid_target_close(&t);
}

// A process that does `work` is damaged as `what` says at the address that it puts first, or sound.
static void check(void (*work)(struct victim *), const char *what) {
  struct mid_doctor d;
  struct victim *v = victim_start(NULL, work);
  victim_work(v);
  look(v, &d);
  bool found = false;
  for (size_t i = 0; i < d.faults; i++)
    found = found || (what != NULL && strcmp(d.fault[i].what, what) == 0 &&
                      d.fault[i].address == (uintptr_t)atomic_load(&v->block[0]));
  if (d.faults > 0 && !found) fail_msg("found at %#lx: %s", d.fault[0].address, d.fault[0].what);
  CHECK_EQ(mid_doctor_is_sound(&d), what == NULL);
  for (int p = 0; p < MID_DOCTOR_PARTS && what == NULL; p++) CHECK(d.checked[p] > 0);
  kill(atomic_load(&v->pid), SIGKILL);
  (void)victim_end(v);
}

// ---- whole ----

enum { BLOCKS = 20000 };
static void take_and_give(struct victim *v) {
  uint64_t random = 1;
  for (int i = 0; i < BLOCKS; i++) (void)victim_take(v, test_random_size(&random, 100000));
  for (size_t i = 0; i < BLOCKS; i++)
    if (test_random(&random) % 4 != 0) victim_give(v, i);
}

static pthread_barrier_t step;
static void *thread_works(void *argument) {
  struct victim *v = argument;
  size_t from = atomic_load(&v->count);
  for (int i = 0; i < BLOCKS / 4; i++) (void)victim_take(v, 1 + (size_t)i % 600);
  pthread_barrier_wait(&step);
  for (size_t i = from; i < from + BLOCKS / 2; i += 2)
    if (i < atomic_load(&v->count)) victim_give(v, i);
  pthread_barrier_wait(&step);
  return NULL;
}

static void threads_work(struct victim *v) {
  pthread_t thread[3];
  take_and_give(v);
  pthread_barrier_init(&step, NULL, 3);
  for (int i = 0; i < 3; i++)
    if (pthread_create(&thread[i], NULL, thread_works, v) != 0) abort();
  for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
}

static void *thread_churns(void *argument) {
  void *mine[100] = {NULL};
  uint64_t random = (uintptr_t)argument;
  for (size_t i;; mine[i] = midden_malloc(test_random_size(&random, 3000))) {
    i = test_random(&random) % 100;
    midden_free(mine[i]);
  }
  return NULL;
}

static void churn(struct victim *v) {
  pthread_t thread;
  take_and_give(v);
  for (size_t i = 0; i < 3; i++)
    if (pthread_create(&thread, NULL, thread_churns, (void *)i) != 0) abort();
}

TEST(a_heap_is_sound)
{ check(take_and_give, NULL); }
TEST(a_heap_of_threads_is_sound)
{ check(threads_work, NULL); }

TEST(a_heap_amid_a_change_is_sound_in_the_end)
{
  struct victim *v = victim_start(NULL, churn);
  victim_work(v);
  for (int round = 0; round < 10; round++) {
    struct mid_doctor d, again;
    look(v, &d);
    for (int n = 0; n < 20 && !mid_doctor_is_sound(&d); n++) {
      usleep(1000);
      look(v, &again);
      mid_doctor_agree(&d, &again);
    }
    CHECK(mid_doctor_is_sound(&d));
  }
  kill(atomic_load(&v->pid), SIGKILL);
  (void)victim_end(v);
}

// ---- damaged ----

// Two blocks of a span that nothing else uses, the first of them free.
static struct mid_span *span_make(struct victim *v) {
  struct mid_block *block[2] = {midden_malloc(3000), midden_malloc(3000)};
  struct mid_span *span = mid_map_find_head(block[0]);
  midden_free(block[0]);
  atomic_store(&v->block[0], (void *)mid_span_base(span));
  return span;
}

static void block_written(struct victim *v) {
  struct mid_span *span = span_make(v);
  struct mid_block *block = span->freed;
  memset(block, 'x', 100);
  atomic_store(&v->block[0], block);
}

static void link_written(struct victim *v) {
  struct mid_block *block = span_make(v)->freed;
  block->next = (struct mid_block *)(void *)((char *)block + (1 << 20));
  atomic_store(&v->block[0], block);
}

static void circle_made(struct victim *v) {
  struct mid_block *block = span_make(v)->freed;
  block->next = block;
  atomic_store(&v->block[0], block);
}

static void carved_lowered(struct victim *v) { span_make(v)->carved = 0; }
static void capacity_raised(struct victim *v) { span_make(v)->capacity++; }
static void told_raised(struct victim *v) { span_make(v)->told += 100; }
static void class_changed(struct victim *v) {
  struct mid_span *span = span_make(v);
  atomic_store(&v->block[0], span);
  span->klass++;
}

static void list_changed(struct victim *v) {
  take_and_give(v);
  for (unsigned c = 0; c < MID_CLASSES; c++)
    if (mid_thread_heap->current[c] != &mid_span_none)
      mid_thread_heap->current[c]->list = MID_LIST_FULL;
  atomic_store(&v->block[0], mid_thread_heap);
}

static struct mid_span *run;
static void run_find(struct mid_span *span, void *context) {
  (void)context;
  if (span->state == MID_SPAN_CLEAN && span->slices > 1) run = span;
}

static void tail_changed(struct victim *v) {
  take_and_give(v);
  mid_span_visit(run_find, NULL);
  run[run->slices - 1].slices = 0;
  atomic_store(&v->block[0], (void *)mid_span_base(run));
}

static void large_lengthened(struct victim *v) {
  struct mid_span *span = mid_map_find_head(midden_malloc(MIB));
  span->bytes = (size_t)span->slices * MID_SLICE_BYTES + 1;
  atomic_store(&v->block[0], span);
}

TEST(a_block_written_to_after_its_free_is_named)
{
  if (mid_options.hardened) skip();  // there are no links, and no marks
  check(block_written, "a free block that was written to after it was freed");
}
TEST(a_link_that_was_written_to_is_named)
{
  if (mid_options.hardened) skip();
  check(link_written, "a free list that leaves its span");
}
TEST(a_list_that_goes_in_a_circle_is_named)
{
  if (mid_options.hardened) skip();
  check(circle_made, "a free list that goes in a circle, or a block in two lists");
}
TEST(counters_that_do_not_fit_are_named)
{
  if (mid_options.hardened) skip();
  check(told_raised, "a span whose counters know of more frees than there were");
}
TEST(records_that_cannot_be_are_named)
{
  check(carved_lowered, "a span with more blocks used than were made");
  check(capacity_raised, "a span with a wrong capacity");
  check(class_changed, "a span of blocks that are of no size class");
  check(large_lengthened, "a large block that is longer than its span");
}
TEST(free_runs_without_an_end_are_named)
{ check(tail_changed, "a free run whose tail does not lead to its head"); }
TEST(lists_of_heaps_that_do_not_fit_are_named)
{ check(list_changed, "a current span that is in a list"); }
