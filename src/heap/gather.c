// heap/gather.c -- frees for the spans of other threads, handed over in bundles.
// SPDX-License-Identifier: MIT
//
// A thread that frees what others allocated puts such blocks aside, each span's in a list of its
// own, and hands over a list when it is long enough or its slot is wanted for another span: one
// compare-and-swap on a line that the owner uses too, instead of one for each block.  After the
// remote deallocation cache of P. Lietar et al., "snmalloc: A Message Passing Allocator", ISMM
// 2019.  To its owner a block that was put aside is in use.
#include <string.h>

#include "heap/fast.h"

// What a thread that goes to sleep holds back is at most MID_GATHERS of these.
enum { BUNDLE_BLOCKS = 32, BUNDLE_BYTES = 4096 };

static struct mid_gathered *bundle_of(struct mid_heap *heap, const void *p) {
  return &heap->gathered[((uintptr_t)p >> MID_SLICE_SHIFT) % MID_GATHERS];
}

static void bundle_give(struct mid_gathered *bundle) {
  struct mid_span *span = bundle->span;
  struct mid_block *block = bundle->first;
  uint32_t count = bundle->count;
  bundle->count = 0;
  bundle->limit = 0;
  struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
  if (heap != NULL && heap != mid_thread_heap && !mid_span_is_locked(span))
    return mid_remote_push(span, block, bundle->last, count);
  // The span lost its thread, or came to this one, since.
  for (struct mid_block *next; count > 0; count--, block = next) {
    next = block->next;
    mid_heap_give_block(span, block);
  }
}

static void bundle_add(struct mid_gathered *bundle, struct mid_block *block) {
  block->mark = bundle->span;
  block->next = bundle->first;
  bundle->first = block;
  if (++bundle->count >= bundle->most) bundle_give(bundle);
}

// Blocks that were put aside keep their span as it is: nothing of it need be looked at.
bool mid_gather_quick(void *p) {
  struct mid_heap *heap = mid_thread_heap;
  if (mid_unlikely(!mid_heap_is_real(heap))) return false;
  struct mid_gathered *bundle = bundle_of(heap, p);
  uint64_t off = (uintptr_t)p - bundle->base;
  if (off >= MID_SLICE_BYTES || off * bundle->magic >= bundle->limit) return false;
  if (mid_block_may_be_free(bundle->span, p)) return false;
  bundle_add(bundle, p);
  return true;
}

void mid_gather(struct mid_span *span, struct mid_block *block) {
  struct mid_heap *heap = mid_thread_heap_get();
  block->mark = span;
  uint32_t most = (uint32_t)mid_min(BUNDLE_BLOCKS, BUNDLE_BYTES / span->block_bytes);
  if (heap == NULL || heap->kind != MID_HEAP_THREAD || most <= 1)
    return mid_remote_push(span, block, block, 1);
  uintptr_t base = mid_span_base(span);
  struct mid_gathered *bundle = bundle_of(heap, (void *)base);
  // What is given may come back, where spans change hands meanwhile.
  while (bundle->count > 0 && bundle->span != span) bundle_give(bundle);
  if (bundle->count == 0)
    *bundle = (struct mid_gathered){.span = span,
                                    .base = base,
                                    .magic = span->magic,
                                    .limit = mid_span_limit(span, span->capacity),
                                    .last = block,
                                    .most = most};
  bundle_add(bundle, block);
}

void mid_gather_give_all(struct mid_heap *heap) {
  for (unsigned i = 0; i < MID_GATHERS; i++)
    while (heap->gathered[i].count > 0) bundle_give(&heap->gathered[i]);
}

void mid_gather_forget(struct mid_heap *heap) { memset(heap->gathered, 0, sizeof heap->gathered); }
