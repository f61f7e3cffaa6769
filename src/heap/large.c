// heap/large.c -- blocks with a span of their own: over 64 KiB, or aligned to more than that.
// SPDX-License-Identifier: MIT
//
// The block starts `block_bytes` into its span, 0 but for hardened heaps, which put the block's end
// against a guard page.  Pages are charged, slices are addresses: a block of 65 KiB costs 68 KiB.
#include <string.h>

#include "base/options.h"
#include "heap/hardened.h"
#include "heap/sample.h"

// From here on a block that cannot grow in place is moved by its page tables, not copied.
#define MOVE_BYTES ((size_t)128 << 10)

static size_t slices_of(size_t bytes) {
  return mid_round_up(bytes, MID_SLICE_BYTES) >> MID_SLICE_SHIFT;
}

static void large_link(struct mid_heap *heap, struct mid_span *span) {
  mid_lock_take(&heap->lock);
  span->list = MID_LIST_LARGE;
  mid_spans_push(&heap->large, span);
  mid_heap_commit(heap, span->bytes);
  mid_lock_give(&heap->lock);
}

static void large_unlink(struct mid_heap *heap, struct mid_span *span) {
  heap->committed -= span->bytes;
  mid_spans_drop(&heap->large, span);
}

// Room for the guards, and where the block starts so that its end lies at the second one.
static size_t hardened_bytes(size_t bytes, size_t align, uint32_t *start) {
  size_t page = mid_os_page_bytes(), whole = mid_round_up(bytes, page);
  size_t slack = align <= page ? whole - mid_round_up(bytes, mid_max(align, MID_BLOCK_ALIGN)) : 0;
  *start = (uint32_t)((align <= page ? page : 0) + slack);
  return (align <= page ? page : 0) + whole + page;
}

// Programs take more zeros than they touch: where little is resident it goes, and the kernel's
// come.
static void large_clear(struct mid_span *span, char *p, size_t bytes) {
  if (mid_span_fresh(span) <= span->bytes / 2)
    memset(p, 0, bytes);
  else
    mid_os_purge((void *)mid_span_base(span), span->bytes);
}

void *mid_large_take(struct mid_heap *shared, size_t bytes, size_t align, bool zero, bool urgent) {
  uint32_t start = 0;
  size_t need = mid_round_up(mid_max(bytes, 1), mid_os_page_bytes());
  if (mid_options.hardened) need = hardened_bytes(mid_max(bytes, 1), align, &start);
  struct mid_span *span = mid_span_take(slices_of(need), align, MID_SPAN_LARGE, urgent);
  if (span == NULL) return NULL;
  // Before it is charged, which may back it: what was written here since the last owner freed it
  // goes.
  if (mid_options.hardened) mid_os_purge((void *)mid_span_base(span), need);
  span->block_bytes = start;
  span->asked = bytes;
  if (!mid_span_charge(span, need, urgent)) {
    mid_span_give(span);
    return NULL;
  }
  mid_span_count_large(span, true, false);
  char *p = (char *)mid_span_base(span) + start;
  if (!zero && !mid_options.hardened) mid_span_back(span);
  if (mid_options.hardened)
    mid_hardened_guard(span);
  else if (zero && !span->zero)
    large_clear(span, p, bytes);
  if (shared != NULL) {
    atomic_store_explicit(&span->heap, shared, memory_order_release);
    large_link(shared, span);
  }
  mid_sample_large(need, mid_span_fresh(span) == span->bytes && span->capacity == 0);
  mid_tell_process();
  return p;
}

static void large_close(struct mid_span *span) {
  if (mid_span_is_sampled(span)) mid_sample_gave((char *)mid_span_base(span) + span->block_bytes);
  mid_span_count_large(span, false, false);
  if (mid_options.hardened) {
    mid_hardened_unguard(span);
    mid_span_give_moved(span);
  } else {
    mid_span_give(span);
  }
  mid_tell_process();
}

void mid_large_drop(struct mid_heap *shared, struct mid_span *span) {
  large_unlink(shared, span);
  large_close(span);
}

void mid_large_give(struct mid_span *span) {
  struct mid_heap *shared = atomic_load_explicit(&span->heap, memory_order_acquire);
  if (shared != NULL) {
    mid_lock_take(&shared->lock);
    large_unlink(shared, span);
    mid_lock_give(&shared->lock);
  }
  large_close(span);
}

size_t mid_large_usable(const struct mid_span *span) {
  return mid_options.hardened ? span->asked : span->bytes;
}

// Take a longer run, with an eighth to spare, and move the pages there.
static void *large_move(struct mid_span *span, size_t bytes, bool urgent) {
  size_t need = mid_round_up(bytes, mid_os_page_bytes()), kept = span->bytes;
  struct mid_span *to =
      mid_span_take(slices_of(need + need / 8), MID_SLICE_BYTES, MID_SPAN_LARGE, urgent);
  if (to == NULL) return NULL;
  char *p = (char *)mid_span_base(to);
  // The old block is given back at once: only the growth is new to the limit, but for this moment.
  if (!mid_span_charge(to, need, urgent)) {
    mid_span_give(to);
    return NULL;
  }
  if (!mid_os_move((void *)mid_span_base(span), p, kept)) {
    // The kernel may have unmapped the target before it refused.  What cannot be mapped again is
    // left out of use for good.
    if (mid_os_renew(p, to->slices * MID_SLICE_BYTES)) mid_span_give_moved(to);
    return NULL;
  }
  to->moved = true;
  to->asked = bytes;
  if (mid_span_is_sampled(span)) mid_span_set_sampled(to);
  if (mid_span_is_sampled(span)) mid_sample_moved((void *)mid_span_base(span), p, bytes);
  mid_span_count_large(to, true, true);
  mid_span_count_large(span, false, true);
  mid_span_give_moved(span);
  return p;
}

void *mid_large_resize(struct mid_span *span, size_t bytes, bool urgent) {
  if (mid_options.hardened || bytes <= MID_SMALL_MOST) return NULL;
  size_t need = mid_round_up(bytes, mid_os_page_bytes());
  struct mid_heap *shared = atomic_load_explicit(&span->heap, memory_order_acquire);
  size_t had = span->bytes;
  mid_span_count_large(span, false, true);
  bool fits = need == span->bytes || mid_span_resize(span, slices_of(need), need, urgent);
  if (fits) span->asked = bytes;
  mid_span_count_large(span, true, true);
  if (shared != NULL && span->bytes != had) {
    mid_lock_take(&shared->lock);
    shared->committed -= had;
    mid_heap_commit(shared, span->bytes);
    mid_lock_give(&shared->lock);
  }
  mid_span_settle();
  if (fits && mid_span_is_sampled(span)) mid_sample_resized((void *)mid_span_base(span), bytes);
  if (fits) return (void *)mid_span_base(span);
  return shared != NULL || need < had || span->bytes < MOVE_BYTES ? NULL
                                                                  : large_move(span, bytes, urgent);
}
