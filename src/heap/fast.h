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

static inline void mid_fast_free(void *p) {
  uintptr_t off = (uintptr_t)p - mid_map.base;
  if (mid_unlikely(off >= atomic_load_explicit(&mid_map.bytes, memory_order_relaxed)))
    return mid_heap_give_any(p);
  struct mid_span *span = &mid_map.spans[off >> MID_SLICE_SHIFT];
  // Mine, not full and of one slice, in one compare.
  if (mid_unlikely(atomic_load_explicit(&span->owner, memory_order_acquire) != mid_os_self()))
    return mid_heap_give_any(p);
  // A multiple of the block size, by D. Lemire et al., "Faster Remainder by Direct Computation",
  // Softw. Pract. Exper. 49(6), 2019; exact for offsets of 16 bits (class_test.c tries them all).
  uint32_t in_slice = (uint16_t)(uintptr_t)p;
  if (mid_unlikely(in_slice * span->magic >= span->magic)) return mid_heap_give_any(p);
  struct mid_block *block = p;
  if (mid_unlikely(block->mark == span)) return mid_heap_give_any(p);
  mid_span_push(span, block);
  if (mid_unlikely(--span->left == 0)) mid_heap_give_watched(span);
}

#endif
