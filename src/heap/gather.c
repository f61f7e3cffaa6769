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

void mid_gather_give(struct mid_gathered *bundle) {
  struct mid_span *span = bundle->span;
  struct mid_block *block = bundle->first;
  uint32_t count = bundle->most - bundle->room;
  bundle->room = bundle->most;
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

void mid_gather(struct mid_span *span, struct mid_block *block) {
  uint32_t most = (uint32_t)mid_min(BUNDLE_BLOCKS, BUNDLE_BYTES / span->block_bytes);
  // Blocks that go one by one need no heap to gather them.
  struct mid_heap *heap = most > 1 ? mid_thread_heap_get() : NULL;
  block->mark = span;
  if (heap == NULL || heap->kind != MID_HEAP_THREAD) return mid_remote_push(span, block, block, 1);
  uintptr_t base = mid_span_base(span);
  struct mid_gathered *bundle = mid_gathered_at(heap, base);
  // What is given may come back, where spans change hands meanwhile.
  while (bundle->limit > 0 && bundle->span != span) mid_gather_give(bundle);
  if (bundle->limit == 0)
    *bundle = (struct mid_gathered){.span = span,
                                    .base = base,
                                    .magic = span->magic,
                                    .limit = mid_span_limit(span, span->capacity),
                                    .last = block,
                                    .most = most,
                                    .room = most};
  mid_gathered_add(bundle, block);
}

void mid_gather_give_all(struct mid_heap *heap) {
  for (unsigned i = 0; i < MID_GATHERS; i++)
    while (heap->gathered[i].limit > 0) mid_gather_give(&heap->gathered[i]);
}

void mid_gather_forget(struct mid_heap *heap) { memset(heap->gathered, 0, sizeof heap->gathered); }

struct sought {
  const struct mid_span *span;
  const struct mid_block *block;
  bool found;
};

// The thread that gathers goes on meanwhile, so each link is followed only while it leads to a
// block of the span that carries its mark.
__attribute__((no_sanitize("thread"))) static void seek_in(struct mid_heap *heap, void *context) {
  struct sought *sought = context;
  uintptr_t base = mid_span_base(sought->span);
  const struct mid_gathered *bundle = mid_gathered_at(heap, base);
  if (bundle->limit == 0 || bundle->span != sought->span) return;
  const struct mid_block *block = bundle->first;
  for (uint32_t most = bundle->most; most > 0; most--, block = block->next) {
    bool within = (uintptr_t)block - base < MID_SLICE_BYTES && (uintptr_t)block % 16 == 0;
    if (!within || block->mark != sought->span) return;
    if (block == sought->block) sought->found = true;
  }
}

bool mid_gather_has(const struct mid_span *span, const struct mid_block *block) {
  struct sought sought = {span, block, false};
  mid_heaps_visit(seek_in, &sought);
  return sought.found;
}

uint32_t mid_gather_count(const struct mid_heap *heap, unsigned klass) {
  uint32_t count = 0;
  for (unsigned i = 0; i < MID_GATHERS; i++) {
    const struct mid_gathered *bundle = &heap->gathered[i];
    if (bundle->limit > 0 && bundle->span->klass == klass) count += bundle->most - bundle->room;
  }
  return count;
}
