// heap/fast.h -- the inline paths of malloc and free.  Read this file and heap.h first.
// SPDX-License-Identifier: MIT
#ifndef MID_HEAP_FAST_H
#define MID_HEAP_FAST_H

#include "heap/heap.h"

// malloc.c: everything that is not a plain pop.  `caller` tells the loader's calls from others.
void *mid_malloc_slow(size_t bytes, const void *caller);

static inline struct mid_block *mid_span_pop(struct mid_span *span) {
  struct mid_block *block = span->ready;
  // The mark of a free block is its span.  It differs for the end of the list, and where the
  // program wrote into a block after freeing it: the slow path tells these apart.
  if (mid_unlikely(block->mark != span)) return NULL;
  span->ready = block->next;
  block->mark = NULL;
  return block;
}

static inline void *mid_fast_malloc(size_t bytes) {
  if (mid_likely(bytes <= MID_QUICK_MOST)) {
    struct mid_block *block = mid_span_pop(mid_thread_heap->quick[(bytes + 15) / 16]);
    if (mid_likely(block != NULL)) return block;
  }
  return mid_malloc_slow(bytes, __builtin_return_address(0));
}

static inline void mid_span_push(struct mid_span *span, struct mid_block *block) {
  block->mark = span;
  block->next = span->freed;
  span->freed = block;
}

// Whether `block` may carry the mark of a free one.  Half of it tells nearly always, and is what
// programs write there last: the eight bytes of a count of four that was just changed would have to
// wait until that is written.
static inline bool mid_block_may_be_free(const struct mid_span *span,
                                         const struct mid_block *block) {
  typedef uint32_t half __attribute__((may_alias));
  return mid_unlikely(*(const half *)&block->mark == *(const half *)&span);
}

static inline void mid_fast_free(void *p) {
  struct mid_span *span = mid_map_guess(p);
  struct mid_block *block = p;
  if (mid_unlikely(!mid_span_frees_inline(span, p))) return mid_heap_give_any(p);
  if (mid_block_may_be_free(span, block)) return mid_heap_give_any(p);
  mid_span_push(span, block);
  if (mid_unlikely(--span->left == 0)) mid_heap_give_watched(span);
}

// ---- remote frees, see gather.c ----

static inline struct mid_gathered *mid_gathered_at(struct mid_heap *heap, uintptr_t p) {
  return &heap->gathered[(p >> MID_SLICE_SHIFT) % MID_GATHERS];
}

static inline void mid_gathered_add(struct mid_gathered *bundle, struct mid_block *block) {
  block->mark = bundle->span;
  block->next = bundle->first;
  bundle->first = block;
  if (mid_unlikely(--bundle->room == 0)) mid_gather_give(bundle);
}

// Free `p` if this thread has put aside blocks of its span already.  They keep the span as it is:
// nothing of it need be looked at.
static inline bool mid_gather_quick(void *p) {
  struct mid_heap *heap = mid_thread_heap;
  if (mid_unlikely(!mid_heap_is_real(heap))) return false;
  struct mid_gathered *bundle = mid_gathered_at(heap, (uintptr_t)p);
  uint64_t off = (uintptr_t)p - bundle->base;
  if (off >= MID_SLICE_BYTES || off * bundle->magic >= bundle->limit) return false;
  if (mid_block_may_be_free(bundle->span, p)) return false;
  mid_gathered_add(bundle, p);
  return true;
}

#endif
