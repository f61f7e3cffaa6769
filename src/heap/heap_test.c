// heap/heap_test.c -- a heap from inside: its counters, the lists its spans move through, who takes
// them over, and whether damage is found.
// SPDX-License-Identifier: MIT
//
// The program itself may run on the same heap.  So each test has a class of its own, of a size that
// nothing else here asks for, and counts from where it starts.
#include "heap/heap.h"

#include <pthread.h>

#include "midden/heap.h"
#include "midden/malloc.h"
#include "midden/request.h"
#include "test.h"

enum { MOST = 8192 };
static void *block[MOST];

// From a span of the class's own, however few are taken.
static void take(size_t from, size_t to, size_t bytes) {
  mid_thread_heap_get()->lent[mid_class_of(bytes)] = MID_LENT_MOST;
  for (size_t i = from; i < to; i++) CHECK((block[i] = midden_malloc(bytes)) != NULL);
}

static void give(size_t from, size_t to) {
  for (size_t i = from; i < to; i++) midden_free(block[i]);
}

static struct mid_span *span_of(size_t i) { return mid_map_find_head(block[i]); }

static void check_whole(struct mid_heap *heap) {
  mid_lock_take(&heap->lock);
  const char *broken = mid_heap_broken(heap);
  mid_lock_give(&heap->lock);
  CHECK_WHOLE(broken);
}

// ---- what is told ----

static struct mid_feed_count told_before;

// Since `told_before`: so many blocks handed out and free again, exactly, and what follows.
static void check_told(size_t bytes, uint64_t allocated, uint64_t freed) {
  struct mid_feed_count now = mid_tell_sum(mid_class_of(bytes));
  CHECK_EQ(now.allocated - told_before.allocated, allocated);
  CHECK_EQ(now.freed - told_before.freed, freed);
  CHECK(now.opened >= now.closed && now.carved >= now.dropped);
  CHECK(now.carved - now.dropped >= now.allocated - now.freed);
  check_whole(mid_thread_heap_get());
}

static void start_telling(size_t bytes) { told_before = mid_tell_sum(mid_class_of(bytes)); }

TEST(the_counters_are_exact_after_every_single_call)
{
  enum { BYTES = 3000, BLOCKS = 100 };  // several spans of 21
  start_telling(BYTES);
  for (size_t i = 0; i < BLOCKS; i++) take(i, i + 1, BYTES), check_told(BYTES, i + 1, 0);
  for (size_t i = 0; i < BLOCKS; i++) give(i, i + 1), check_told(BYTES, BLOCKS, i + 1);
}

TEST(the_counters_are_exact_for_blocks_freed_and_taken_in_any_order)
{
  enum { BYTES = 400, BLOCKS = 2000 };
  uint64_t allocated = 0, freed = 0, step = 1;
  start_telling(BYTES);
  memset(block, 0, sizeof block);
  for (int round = 0; round < 40000; round++) {
    step = step * 6364136223846793005u + 1442695040888963407u;
    size_t i = (step >> 33) % BLOCKS;
    if (block[i] == NULL)
      take(i, i + 1, BYTES), allocated++;
    else
      give(i, i + 1), block[i] = NULL, freed++;
    if (round % 100 == 0) check_told(BYTES, allocated, freed);
  }
  check_told(BYTES, allocated, freed);
  for (size_t i = 0; i < BLOCKS; i++) freed += block[i] != NULL, midden_free(block[i]);
  check_told(BYTES, allocated, freed);
  CHECK_EQ(allocated, freed);
}

static void *give_all(void *count) {
  give(0, *(size_t *)count);
  return NULL;
}

static void in_a_thread(void *(*work)(void *), void *with) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, work, with), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(blocks_freed_by_another_thread_are_counted_before_and_after_they_come_home)
{
  enum { BYTES = 700, BLOCKS = 1000 };
  size_t count = BLOCKS;
  start_telling(BYTES);
  uint64_t remote = mid_heap_told(mid_thread_heap_get()).remote_freed;
  take(0, BLOCKS, BYTES);
  in_a_thread(give_all, &count);
  check_told(BYTES, BLOCKS, BLOCKS);
  take(0, BLOCKS, BYTES);
  check_told(BYTES, 2 * BLOCKS, BLOCKS);
  CHECK_EQ(mid_heap_told(mid_thread_heap_get()).remote_freed - remote, BLOCKS);
  give(0, BLOCKS);
  check_told(BYTES, 2 * BLOCKS, 2 * BLOCKS);
}

// A thread that takes `left_count` blocks of `left_bytes` and frees the first `left_freed`.
static size_t left_bytes, left_count, left_freed;

static void *leave_behind(void *unused) {
  take(0, left_count, left_bytes);
  give(0, left_freed);
  return unused;
}

static void leave(size_t bytes, size_t count, size_t freed) {
  left_bytes = bytes, left_count = count, left_freed = freed;
  in_a_thread(leave_behind, NULL);
}

TEST(blocks_of_an_ended_thread_are_counted_while_nobody_owns_them)
{
  enum { BYTES = 900, BLOCKS = 500 };
  start_telling(BYTES);
  leave(BYTES, BLOCKS, 3);
  check_told(BYTES, BLOCKS, 3);
  give(3, BLOCKS);
  check_told(BYTES, BLOCKS, BLOCKS);
}

TEST(a_closed_heap_leaves_nothing_live_behind)
{
  enum { BYTES = 1100, BLOCKS = 300 };
  midden_heap *heap;
  start_telling(BYTES);
  CHECK_EQ(midden_heap_open(&heap), MIDDEN_OK);
  for (size_t i = 0; i < BLOCKS; i++) CHECK((block[i] = midden_heap_alloc(heap, BYTES)) != NULL);
  give(0, 10);
  check_told(BYTES, BLOCKS, 10);
  midden_heap_close(heap);
  check_told(BYTES, BLOCKS, BLOCKS);
  struct mid_feed_count now = mid_tell_sum(mid_class_of(BYTES));
  CHECK_EQ(now.opened - told_before.opened, now.closed - told_before.closed);
  CHECK_EQ(now.carved - told_before.carved, now.dropped - told_before.dropped);
}

// ---- requests ----

enum { REQUESTS = 5000 };

static void *ends_requests(void *unused) {
  for (unsigned i = 0; i < REQUESTS; i++) {
    midden_free(midden_malloc(6000));
    midden_request_end();
  }
  return unused;
}

static void add_requests(struct mid_heap *heap, void *context) {
  *(uint64_t *)context += atomic_load(&heap->requests);
}

TEST(requests_that_threads_end_at_once_are_counted_exactly)
{
  pthread_t thread[4];
  uint64_t before = 0, after = 0;
  mid_heaps_visit(add_requests, &before);
  for (int i = 0; i < 4; i++) CHECK_EQ(pthread_create(&thread[i], NULL, ends_requests, NULL), 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  mid_heaps_visit(add_requests, &after);
  CHECK(mid_feed_is_open());
  CHECK_EQ(after - before, 4 * REQUESTS);
}

TEST(each_look_at_a_size_is_counted_with_what_was_asked_for)
{
  enum { BYTES = 20001 };
  start_telling(BYTES);
  take(0, 50, BYTES);
  struct mid_feed_count now = mid_tell_sum(mid_class_of(BYTES));
  uint64_t looks = now.asked_samples - told_before.asked_samples;
  CHECK(looks > 0 && looks <= 50);
  CHECK_EQ(now.asked_bytes - told_before.asked_bytes, looks * BYTES);
  give(0, 50);
}

// ---- watch: when the owner looks at a span ----

TEST(a_span_is_looked_at_when_a_quarter_of_what_is_used_was_freed_and_when_it_is_empty)
{
  enum { BYTES = 12000 };  // 42 a span
  unsigned klass = mid_class_of(BYTES);
  struct mid_heap *heap = mid_thread_heap_get();
  take(0, 43, BYTES);  // one more, so that the first span is not the current one
  struct mid_span *span = span_of(0);
  uint32_t capacity = span->capacity, step = capacity / 4, looked = 0;
  CHECK_EQ(capacity, 42);
  uint64_t freed = heap->count[klass].freed;
  for (uint32_t i = 0; i < capacity - 1; i++) {
    give(i, i + 1);
    CHECK_EQ(span->floor + span->left, capacity - i - 1);  // used
    if (i + 1 - looked == step) {
      looked = i + 1;
      uint32_t used = capacity - looked;
      step = used > capacity / 2 ? capacity / 4 : (uint32_t)mid_max(used / 4, 1);
    }
    CHECK_EQ(heap->count[klass].freed - freed, looked);
    CHECK_EQ(mid_heap_untold(heap, klass), i + 1 - looked);
    check_whole(heap);
  }
  uint64_t closed = heap->count[klass].closed;
  give(capacity - 1, capacity);
  CHECK_EQ(heap->count[klass].freed - freed, capacity);
  CHECK_EQ(heap->count[klass].closed - closed, 1);
  give(42, 43);
}

// ---- lists ----

TEST(a_span_goes_from_current_to_full_to_partial_and_back)
{
  enum { BYTES = 5000 };  // 12 a span
  struct mid_heap *heap = mid_thread_heap_get();
  unsigned klass = mid_class_of(BYTES);
  take(0, 1, BYTES);
  struct mid_span *first = span_of(0);
  size_t n = first->capacity;
  CHECK(heap->current[klass] == first);
  CHECK_EQ(first->list, MID_LIST_CURRENT);
  CHECK(mid_span_frees_inline(first, block[0]));
  take(1, n, BYTES);
  CHECK(span_of(n - 1) == first);
  CHECK_EQ(first->list, MID_LIST_CURRENT);  // nobody has looked yet
  take(n, n + 1, BYTES);
  struct mid_span *second = span_of(n);
  CHECK(second != first && heap->current[klass] == second);
  CHECK_EQ(first->list, MID_LIST_FULL);
  CHECK(heap->full[klass].first == first);
  CHECK_EQ(atomic_load(&first->limit), 0);
  check_whole(heap);
  give(3, 4);  // room again
  CHECK_EQ(first->list, MID_LIST_PARTIAL);
  CHECK(heap->partial[klass].first == first && heap->full[klass].first == NULL);
  CHECK(mid_span_frees_inline(first, block[0]));
  void *freed = block[3];
  take(3, 4, BYTES);
  CHECK(block[3] == freed);  // what was used before goes before untouched memory
  CHECK(heap->current[klass] == first);
  CHECK_EQ(second->list, MID_LIST_PARTIAL);  // it has room that was never touched
  check_whole(heap);
  take(n + 1, 2 * n, BYTES);
  for (size_t i = n; i < 2 * n; i++) CHECK(span_of(i) == second);
  CHECK(heap->current[klass] == second);
  CHECK_EQ(first->list, MID_LIST_FULL);
  check_whole(heap);
  give(0, 2 * n);
}

TEST(what_is_freed_waits_apart_from_what_is_ready)
{
  enum { BYTES = 9000 };
  take(0, 4, BYTES);
  struct mid_span *span = span_of(0);
  const struct mid_block *ready = span->ready;
  give(1, 2);
  CHECK(span->freed == block[1] && span->freed->next == mid_no_block());
  give(2, 3);
  CHECK(span->freed == block[2] && span->freed->next == block[1]);
  CHECK(span->ready == ready);  // malloc pops another list
  CHECK(span->freed->mark == span);
  // Freed blocks become ready, the last one first, when nothing else is.
  size_t i = 4;
  do take(i, i + 1, BYTES);
  while (block[i++] != block[2] && i < 100);
  CHECK(block[i - 1] == block[2]);
  CHECK(span->freed == mid_no_block() && span->ready == block[1]);
  check_whole(mid_thread_heap_get());
  give(0, 1), give(3, i);
}

TEST(an_empty_span_that_is_not_current_is_given_up)
{
  enum { BYTES = 14000 };
  unsigned klass = mid_class_of(BYTES);
  start_telling(BYTES);
  take(0, 1, BYTES);
  size_t n = span_of(0)->capacity;
  take(1, n + 1, BYTES);
  struct mid_span *first = span_of(0);
  CHECK_EQ(mid_tell_sum(klass).opened - told_before.opened, 2);
  give(0, n);
  CHECK(mid_map_find_head(block[0]) == NULL);
  CHECK(first->state != MID_SPAN_SMALL);
  struct mid_feed_count now = mid_tell_sum(klass);
  CHECK_EQ(now.closed - told_before.closed, 1);
  CHECK_EQ(now.dropped - told_before.dropped, n);
  give(n, n + 1);
  CHECK_EQ(mid_tell_sum(klass).closed - told_before.closed, 1);  // the current one is kept
  midden_malloc_trim();
  CHECK_EQ(mid_tell_sum(klass).closed - told_before.closed, 2);
  check_told(BYTES, n + 1, n + 1);
}

TEST(a_full_span_whose_every_block_another_thread_freed_goes_without_its_owner)
{
  enum { BYTES = 17000 };
  unsigned klass = mid_class_of(BYTES);
  start_telling(BYTES);
  take(0, 1, BYTES);
  size_t n = span_of(0)->capacity;
  take(1, n + 1, BYTES);
  in_a_thread(give_all, &n);  // the owner, who is here, calls nothing
  CHECK_EQ(mid_tell_sum(klass).closed - told_before.closed, 1);
  CHECK(mid_map_find_head(block[0]) == NULL);
  give(n, n + 1);
  check_told(BYTES, n + 1, n + 1);
}

// ---- adoption ----

static void abandon(size_t bytes, size_t count) {
  leave(bytes, count, 0);
  for (size_t i = 0; i < count; i++) {
    CHECK_EQ(atomic_load(&span_of(i)->limit), 0);
    CHECK(atomic_load(&span_of(i)->heap) == NULL);
  }
}

static uint64_t adopted_by_me(void) { return mid_thread_heap_get()->told.adopted; }

TEST(a_span_left_behind_is_adopted_by_who_needs_such_blocks)
{
  enum { BYTES = 24000 };
  abandon(BYTES, 5);
  struct mid_span *span = span_of(0);
  uint64_t adopted = adopted_by_me();
  take(5, 6, BYTES);
  CHECK(span_of(5) == span);  // before any new one
  CHECK_EQ(adopted_by_me() - adopted, 1);
  CHECK(atomic_load(&span->heap) == mid_thread_heap_get());
  CHECK(mid_span_frees_inline(span, block[0]));
  check_whole(mid_thread_heap_get());
  give(0, 6);
  CHECK_EQ(adopted_by_me() - adopted, 1);
}

TEST(a_span_left_behind_is_adopted_by_who_frees_one_of_its_blocks)
{
  enum { BYTES = 28000 };
  abandon(BYTES, 5);
  struct mid_span *span = span_of(0);
  uint64_t adopted = adopted_by_me();
  give(2, 3);
  CHECK_EQ(adopted_by_me() - adopted, 1);
  CHECK(atomic_load(&span->heap) == mid_thread_heap_get());
  CHECK_EQ(span->list, MID_LIST_PARTIAL);
  check_whole(mid_thread_heap_get());
  take(2, 3, BYTES);
  CHECK(span_of(2) == span);
  give(0, 5);
  CHECK_EQ(adopted_by_me() - adopted, 1);
}

TEST(full_spans_left_behind_are_adopted_once_each)
{
  enum { BYTES = 36000 };  // 14 a span
  abandon(BYTES, 42);
  CHECK(span_of(0) != span_of(14) && span_of(14) != span_of(28));
  uint64_t adopted = adopted_by_me();
  take(42, 43, BYTES);
  CHECK_EQ(adopted_by_me() - adopted, 3);  // looked through, and none had room
  check_whole(mid_thread_heap_get());
  give(0, 43);
  CHECK_EQ(adopted_by_me() - adopted, 3);
}

TEST(a_thread_that_freed_all_it_had_leaves_no_span_behind)
{
  enum { BYTES = 40000, BLOCKS = 30 };
  start_telling(BYTES);
  leave(BYTES, BLOCKS, BLOCKS);
  struct mid_feed_count now = mid_tell_sum(mid_class_of(BYTES));
  CHECK_EQ(now.opened - told_before.opened, now.closed - told_before.closed);
  check_told(BYTES, BLOCKS, BLOCKS);
  uint64_t adopted = adopted_by_me();
  take(0, 1, BYTES);
  CHECK_EQ(adopted_by_me(), adopted);
  give(0, 1);
}

// ---- damage ----

// A heap of its own with a current, a partial and two full spans of one class, and free blocks.
enum { DAMAGE_BYTES = 60000 };  // 8 a span
static midden_heap *damaged_handle;
static struct mid_heap *damaged;
static struct mid_span *current, *partial, *full, *full_too;
static unsigned damaged_class;

static void damage_open(void) {
  CHECK_EQ(midden_heap_open(&damaged_handle), MIDDEN_OK);
  damaged = (struct mid_heap *)damaged_handle;
  damaged_class = mid_class_of(DAMAGE_BYTES);
  for (size_t i = 0; i < 25; i++)
    CHECK((block[i] = midden_heap_alloc(damaged_handle, DAMAGE_BYTES)) != NULL);
  give(0, 1), give(1, 2), give(2, 3);
  partial = span_of(3), full = span_of(8), full_too = span_of(16), current = span_of(24);
  CHECK_EQ(partial->list, MID_LIST_PARTIAL);
  CHECK_EQ(full->list, MID_LIST_FULL);
  CHECK_EQ(full_too->list, MID_LIST_FULL);
  CHECK(damaged->current[damaged_class] == current);
  CHECK_WHOLE(mid_heap_broken(damaged));
}

// `place`, where `spoilt` stands for a moment, is what `sentence` is about.
#define CHECK_SPOILT(place, spoilt, sentence)      \
  do {                                             \
    __typeof__(place) kept_ = (place);             \
    (place) = (spoilt);                            \
    const char *found_ = mid_heap_broken(damaged); \
    (place) = kept_;                               \
    CHECK_STR(found_ ? found_ : "", sentence);     \
    CHECK_WHOLE(mid_heap_broken(damaged));         \
  } while (0)

// The same for span->list, a bit-field, which has no type of its own.
static void check_spoilt_list(struct mid_span *span, uint8_t spoilt, const char *sentence) {
  unsigned kept = span->list;
  span->list = spoilt & 7u;
  const char *found = mid_heap_broken(damaged);
  span->list = kept & 7u;
  CHECK_STR(found ? found : "", sentence);
  CHECK_WHOLE(mid_heap_broken(damaged));
}

TEST(damage_to_a_spans_own_figures_is_found_and_named)
{
  damage_open();
  CHECK_SPOILT(full->state, MID_SPAN_LARGE, "a span of blocks in another state");
  CHECK_SPOILT(partial->carved, 9, "more blocks than the span holds");
  CHECK_SPOILT(partial->floor, 100, "more blocks used than were made");
  CHECK_SPOILT(current->bytes, 9 * MID_SLICE_BYTES, "more charged than the span has");
  CHECK_SPOILT(partial->left, partial->left - 1, "a list of freed blocks that does not add up");
  CHECK_SPOILT(partial->freed, mid_no_block(), "a list of freed blocks that does not add up");
  CHECK_SPOILT(partial->told, 4, "counters that know of more frees than there were");
  midden_heap_close(damaged_handle);
}

TEST(damage_to_a_list_of_free_blocks_is_found_and_named)
{
  damage_open();
  struct mid_block *first = partial->freed, *last = first->next->next;
  struct mid_block *past = (struct mid_block *)mid_span_base(full);
  struct mid_block *inside = (struct mid_block *)((char *)first + 16);
  CHECK_SPOILT(partial->freed, past, "a free list that leaves its span");
  CHECK_SPOILT(first->next, NULL, "a free list that leaves its span");
  CHECK_SPOILT(first->next, inside, "a free list that holds no block's start");
  CHECK_SPOILT(last->mark, NULL, "a free block without its mark");
  CHECK_SPOILT(first->mark, full, "a free block without its mark");
  CHECK_SPOILT(last->next, first, "a free list that goes in a circle");
  midden_heap_close(damaged_handle);
}

TEST(more_blocks_ready_than_used_is_found_and_named)
{
  damage_open();
  // The same blocks in both lists: freed ones that malloc would hand out twice.
  while (partial->floor + partial->left > 2) {
    size_t i = partial->carved - (partial->floor + partial->left);
    give(i, i + 1);
  }
  CHECK_EQ(partial->list, MID_LIST_PARTIAL);
  CHECK_SPOILT(partial->ready, partial->freed, "more blocks ready than used");
  midden_heap_close(damaged_handle);
}

TEST(damage_to_a_list_of_spans_is_found_and_named)
{
  damage_open();
  struct mid_heap *other = mid_thread_heap_get();
  CHECK_SPOILT(full_too->prev, NULL, "a list of spans that does not link");
  check_spoilt_list(full, MID_LIST_PARTIAL, "a span in a list that it does not know of");
  CHECK_SPOILT(full->klass, (uint8_t)(damaged_class - 1), "a span in another class's list");
  CHECK_SPOILT(full->heap, other, "a span in another heap's list");
  CHECK_SPOILT(damaged->full[damaged_class].last, full, "a list of spans with a wrong end");
  CHECK_SPOILT(full->next, NULL, "a list of spans with a wrong end");
  check_spoilt_list(current, MID_LIST_FULL, "a current span that is in a list");
  midden_heap_close(damaged_handle);
}
