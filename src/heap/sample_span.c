// heap/sample_span.c -- how often a heap's request is a sample, and where such blocks lie.
// SPDX-License-Identifier: MIT
#include "base/chance.h"
#include "base/options.h"
#include "heap/fast.h"
#include "heap/sample.h"
#include "heap/sample_budget.h"

__thread uint32_t mid_sample_due;

// ---- when ----

static uint64_t *sample_random_of(struct mid_heap *heap) {
  if (heap->random == 0) heap->random = (mid_os_ticks() ^ (uintptr_t)heap) | 1;
  return &heap->random;
}

void mid_sample_draw(struct mid_heap *heap, unsigned klass) {
  uint32_t log = mid_sample_log_now();
  bool off = log == MID_SAMPLE_OFF || heap->kind == MID_HEAP_LATE;
  heap->grant[klass] = 0;
  heap->grant_log[klass] = (uint8_t)(log + 1);
  if (log == 0) return;
  double mean = (double)((uint64_t)1 << log), bytes = (double)mid_class_bytes(klass);
  double blocks =
      off ? UINT32_MAX : mid_chance_draw(mid_chance_next(sample_random_of(heap))) * mean / bytes;
  heap->grant[klass] = blocks < (double)UINT32_MAX ? (uint32_t)blocks : UINT32_MAX;
}

void mid_sample_large(size_t bytes, bool fresh) {
  static __thread uint64_t random;
  uint32_t log = mid_sample_log_now();
  if (log == MID_SAMPLE_OFF) return;
  if (random == 0) random = mid_os_ticks() | 1;
  double mean = (double)((uint64_t)1 << log);
  if (log > 0 && mid_chance_draw(mid_chance_next(&random)) * mean >= (double)bytes) return;
  mid_sample_due = (log + 1) | (fresh ? MID_SAMPLE_FRESH : 0);
}

// This request is the sample; what comes before the next one is drawn anew.
static void sample_is_due(struct mid_heap *heap, unsigned klass, bool fresh) {
  mid_sample_due = heap->grant_log[klass] | (fresh ? MID_SAMPLE_FRESH : 0u);
  mid_sample_draw(heap, klass);
}

void mid_sample_in_place(struct mid_heap *heap, struct mid_span *span) {
  mid_span_set_sampled(span);
  sample_is_due(heap, span->klass, false);
}

// ---- where ----

// Near a limit a sample would take what the next block of another size needs, and leave the place
// empty that an ordinary block would have had.
static bool sample_may_grow(void) {
  enum { SPARE = 1 << 20 };
  return mid_options.heap_limit == 0 || mid_span_admits(SPARE);
}

// A span of samples with room: what was freed into or opened last is first in the list.
static struct mid_span *sample_span_with_room(struct mid_heap *heap, unsigned klass, bool urgent) {
  struct mid_span_list *list = &heap->sampled[klass];
  struct mid_span *span = list->first;
  if (span != NULL) mid_remote_fold(heap, span);
  if (span != NULL && !mid_span_has_room(span) && span != list->last) {
    mid_spans_drop(list, span);
    mid_spans_push(list, span);
    span = list->first;
  }
  if (span != NULL && mid_span_has_room(span)) return span;
  span = sample_may_grow() ? mid_span_open(heap, klass, urgent) : NULL;
  if (span == NULL) return NULL;
  mid_span_set_sampled(span);
  span->list = MID_LIST_SAMPLED;
  mid_span_set_key(heap, span);
  mid_spans_push_first(list, span);
  mid_span_watch(span, 0);
  mid_remote_listen(heap, span);
  return span;
}

static struct mid_block *sample_pop_freed(struct mid_heap *heap, struct mid_span *span) {
  struct mid_block *block = span->freed;
  bool inside = (uintptr_t)block - mid_span_base(span) < span->slices * MID_SLICE_BYTES;
  if (!inside || block->mark != span) mid_crime_in_list(block);
  mid_count_add(&heap->count[span->klass].freed, span->told == 0);
  if (span->told > 0) mid_span_set_told(heap, span, span->told - 1u);
  span->freed = block->next;
  *block = (struct mid_block){0};  // the link would look like a pointer of the program's
  mid_span_watch(span, mid_span_used(span) + 1);
  return block;
}

// One block, which stays untouched.
static struct mid_block *sample_carve_one(struct mid_heap *heap, struct mid_span *span,
                                          bool urgent) {
  struct mid_fresh fresh;
  uint32_t count = 1;
  if (span->carved == span->capacity || !sample_may_grow() ||
      !mid_span_charge_blocks(heap, span, &count, urgent, &fresh))
    return NULL;
  char *at = (char *)mid_span_base(span) + (size_t)span->carved * span->block_bytes;
  mid_span_watch(span, mid_span_used(span) + 1);
  span->carved++;
  mid_count_add(&heap->count[span->klass].carved, 1);
  return (struct mid_block *)at;
}

struct mid_block *mid_sample_take(struct mid_heap *heap, unsigned klass, bool *zeroed,
                                  bool urgent) {
  struct mid_span *span = sample_span_with_room(heap, klass, urgent);
  bool fresh = span != NULL && span->freed == mid_no_block();
  struct mid_block *block = NULL;
  if (span != NULL)
    block = fresh ? sample_carve_one(heap, span, urgent) : sample_pop_freed(heap, span);
  if (block == NULL) {
    heap->grant[klass] = 1;  // at the limit this one is none
    return NULL;
  }
  *zeroed = fresh && span->zero;
  if (fresh && !span->zero) *block = (struct mid_block){0};
  mid_count_add(&heap->count[klass].allocated, 1);
  sample_is_due(heap, klass, *zeroed);
  return block;
}

struct mid_block *mid_sample_take_free(struct mid_heap *heap, unsigned klass) {
  for (struct mid_span *span = heap->sampled[klass].first; span != NULL; span = span->next)
    if (span->freed != mid_no_block()) {
      mid_count_add(&heap->count[klass].allocated, 1);
      return sample_pop_freed(heap, span);
    }
  return NULL;
}
