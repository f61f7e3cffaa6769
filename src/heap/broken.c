// heap/broken.c -- the invariants of heap.h, as predicates.
// SPDX-License-Identifier: MIT
#include "base/options.h"
#include "heap/hardened.h"
#include "heap/heap.h"

// Follow a list of free blocks, and count it.
static const char *list_broken(const struct mid_span *span, const struct mid_block *block,
                               uint32_t *count) {
  uintptr_t base = mid_span_base(span);
  for (*count = 0; block != mid_no_block(); block = block->next) {
    uintptr_t off = (uintptr_t)block - base;
    if (off >= (size_t)span->carved * span->block_bytes) return "a free list that leaves its span";
    if (off % span->block_bytes != 0) return "a free list that holds no block's start";
    if (mid_pages_gone_at(span, block)) return "a free block in a page that is gone";
    if (block->mark != span) return "a free block without its mark";
    if (++*count > span->carved) return "a free list that goes in a circle";
  }
  return NULL;
}

static const struct mid_block *list_unmarked(const struct mid_span *span,
                                             const struct mid_block *block) {
  while (block != mid_no_block() && block->mark == span) block = block->next;
  return block == mid_no_block() ? NULL : block;
}

const void *mid_span_unmarked(const struct mid_span *span) {
  if (mid_options.hardened) return NULL;
  const struct mid_block *block = list_unmarked(span, span->ready);
  return block != NULL ? block : list_unmarked(span, span->freed);
}

const char *mid_span_blocks_broken(const struct mid_span *span) {
  uint32_t ready = 0, freed = 0, used = span->floor + span->left;
  if (span->state != MID_SPAN_SMALL) return "a span of blocks in another state";
  if (span->carved > span->capacity) return "more blocks than the span holds";
  if (used > span->carved) return "more blocks used than were made";
  if (span->bytes > span->slices * MID_SLICE_BYTES) return "more charged than the span has";
  if (mid_options.hardened) return NULL;
  const char *broken = list_broken(span, span->ready, &ready);
  if (broken == NULL) broken = list_broken(span, span->freed, &freed);
  if (broken != NULL) return broken;
  if (freed != span->carved - used) return "a list of freed blocks that does not add up";
  if (ready > used) return "more blocks ready than used";
  return span->told > freed ? "counters that know of more frees than there were" : NULL;
}

static const char *spans_broken(const struct mid_heap *heap, const struct mid_span_list *list,
                                unsigned klass, uint8_t place) {
  const struct mid_span *before = NULL;
  for (const struct mid_span *span = list->first; span != NULL; before = span, span = span->next) {
    if (span->prev != before) return "a list of spans that does not link";
    if (span->list != place) return "a span in a list that it does not know of";
    if (span->klass != klass) return "a span in another class's list";
    if (atomic_load_explicit(&span->heap, memory_order_relaxed) != heap)
      return "a span in another heap's list";
    const char *broken = mid_span_blocks_broken(span);
    if (broken != NULL) return broken;
  }
  return list->last != before ? "a list of spans with a wrong end" : NULL;
}

const char *mid_heap_broken(const struct mid_heap *heap) {
  const char *broken = NULL;
  for (unsigned c = 0; c < MID_CLASSES && broken == NULL; c++) {
    const struct mid_span *span = heap->current[c];
    if (span != &mid_span_none) {
      if (span->list != MID_LIST_CURRENT) return "a current span that is in a list";
      broken = mid_span_blocks_broken(span);
    }
    if (broken == NULL) broken = spans_broken(heap, &heap->partial[c], c, MID_LIST_PARTIAL);
    if (broken == NULL) broken = spans_broken(heap, &heap->full[c], c, MID_LIST_FULL);
    if (broken == NULL) broken = spans_broken(heap, &heap->sampled[c], c, MID_LIST_SAMPLED);
  }
  return broken;
}
