// heap/lookup.c -- from any word to the block that it names, or to the program's last sentence.
// SPDX-License-Identifier: MIT
#include "base/options.h"
#include "heap/foreign.h"
#include "heap/hardened.h"
#include "heap/heap.h"

_Noreturn void mid_heap_crime(const char *crime, const void *p, const char *advice) {
  mid_lock_hurry(true);
  mid_crime(crime, p, advice);
}

_Noreturn void mid_crime_in_list(const void *block) {
  mid_heap_crime(
      "corrupted free list", block,
      "this block was written to after it was freed; look for a use after free of its size");
}

static bool list_has(const struct mid_span *span, const struct mid_block *first,
                     const struct mid_block *block, uint32_t most) {
  for (; first != mid_no_block() && most > 0 && first->mark == span; first = first->next, most--)
    if (first == block) return true;
  return false;
}

static bool is_ours(const struct mid_span *span) {
  return atomic_load_explicit(&span->heap, memory_order_acquire) == mid_thread_heap;
}

// `block` carries the mark of a free one.  Chance may have put it there: in a span of the caller's
// own the lists are looked through, those of blocks that other threads put aside too; in another's
// they move meanwhile, and the mark is believed.
static bool is_free(const struct mid_span *span, const struct mid_block *block) {
  if (mid_likely(block->mark != span)) return false;
  if (!is_ours(span)) return true;
  uint64_t remote = atomic_load_explicit(&span->xfreed, memory_order_acquire);
  return list_has(span, span->freed, block, span->carved) ||
         list_has(span, span->ready, block, span->carved) ||
         (remote != 0 &&
          list_has(span, mid_remote_first(remote), block, mid_remote_count(remote))) ||
         mid_gather_has(span, block);
}

_Noreturn void mid_heap_crime_double(const void *p) {
  mid_heap_crime("double free", p, "this block is free already; look for its second owner");
}

static _Noreturn void crime_not_start(const void *p) {
  mid_heap_crime(
      "not a block's start", p,
      "this address lies inside a block or beside one; free the pointer that malloc gave");
}

static _Noreturn void crime_not_taken(const void *p) {
  mid_heap_crime("wild pointer", p, "malloc has not given out this place yet");
}

// The head of the span that `p` is a block of; a sentence and the end when it is no block's start.
struct mid_span *mid_heap_block_span(const void *p) {
  struct mid_span *span = mid_map_find_head(p);
  if (span == NULL) {
    span = mid_map_find(p);
    if (span != NULL && mid_map_was_used(span)) mid_heap_crime_double(p);
    return NULL;
  }
  size_t off = (uintptr_t)p - mid_span_base(span);
  if (span->state == MID_SPAN_LARGE) {
    if (off != span->block_bytes) crime_not_start(p);
    return span;
  }
  if (span->block_bytes == 0) return NULL;  // being opened or closed just now: no block is there
  if (off * span->magic >= mid_span_limit(span, span->capacity)) crime_not_start(p);
  if (is_ours(span) && off * span->magic >= mid_span_limit(span, span->carved)) crime_not_taken(p);
  if (!mid_options.hardened && mid_pages_gone_at(span, p)) mid_heap_crime_double(p);
  if (mid_options.hardened ? mid_hardened_is_free(span, p) : is_free(span, p))
    mid_heap_crime_double(p);
  return span;
}

size_t mid_heap_usable(const void *p) {
  const struct mid_span *span = mid_map_guess(p);
  if (mid_span_frees_inline(span, p) && ((const struct mid_block *)p)->mark != span)
    return span->block_bytes;
  if (p == NULL) return 0;
  span = mid_heap_block_span(p);
  if (span == NULL) return mid_foreign_usable(p);
  if (span->state == MID_SPAN_LARGE) return mid_large_usable(span);
  return mid_options.hardened ? mid_hardened_usable(span, p) : span->block_bytes;
}
