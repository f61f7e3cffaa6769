// heap/malloc.c -- the malloc family under Midden's own names, and the paths that the inline ones
// leave.
// SPDX-License-Identifier: MIT
#include "midden/malloc.h"

#include <errno.h>
#include <string.h>

#include "base/options.h"
#include "heap/family.h"
#include "heap/fast.h"
#include "heap/foreign.h"
#include "heap/hardened.h"

static void *refused(void) {
  errno = ENOMEM;
  return NULL;
}

// The loader takes NULL for fatal, so what it asks for passes heap_limit.  Looked at only when the
// limit has refused.
static bool is_urgent(const void *caller) { return mid_os_in_loader(caller); }

// A block of at least `bytes`, aligned to `align`, from `heap`; *zeroed as in mid_heap_take_class.
static void *take_from(struct mid_heap *heap, size_t bytes, size_t align, bool *zeroed, bool zero,
                       bool urgent) {
  size_t slack = mid_options.hardened ? MID_HARDENED_SLACK : 0;
  unsigned klass =
      bytes + slack <= MID_SMALL_MOST ? mid_class_aligned(bytes + slack, align) : MID_CLASSES;
  if (klass == MID_CLASSES) {
    if (zeroed != NULL) *zeroed = zero;
    return mid_large_take(heap->kind == MID_HEAP_SHARED ? heap : NULL, bytes, align, zero, urgent);
  }
  if (mid_options.hardened) return mid_hardened_take(heap, klass, bytes, urgent);
  // In a thread's own heap the class may have blocks ready after all: sizes over the quick ones.
  struct mid_block *block =
      heap->kind == MID_HEAP_THREAD ? mid_span_pop(heap->current[klass]) : NULL;
  if (block == NULL) return mid_heap_take_class(heap, klass, bytes, zeroed, urgent);
  if (zeroed != NULL) *zeroed = heap->current[klass]->ready_zero;
  return block;
}

void *mid_take(struct mid_heap *heap, size_t bytes, size_t align, bool zero, const void *caller) {
  if (mid_unlikely(bytes > PTRDIFF_MAX)) return refused();
  if (heap == NULL) heap = mid_thread_heap_get();
  if (heap == NULL) return refused();
  bool zeroed = false;
  void *p = take_from(heap, bytes, align, &zeroed, zero, false);
  if (p == NULL && is_urgent(caller)) p = take_from(heap, bytes, align, &zeroed, zero, true);
  if (p == NULL) return refused();
  if (zero && !mid_options.hardened) {
    // Blocks of untouched memory hold nothing but the two words they had as free ones.
    if (!zeroed)
      memset(p, 0, bytes);
    else if (bytes <= MID_SMALL_MOST)
      memset(p, 0, sizeof(struct mid_block));
  }
  return p;
}

void *mid_malloc_slow(size_t bytes, const void *caller) {
  return mid_take(NULL, bytes, MID_BLOCK_ALIGN, false, caller);
}

void *midden_malloc(size_t bytes) { return mid_fast_malloc(bytes); }
void midden_free(void *p) { mid_fast_free(p); }

void *mid_calloc(struct mid_heap *heap, size_t count, size_t bytes, const void *caller) {
  size_t all;
  if (mid_unlikely(__builtin_mul_overflow(count, bytes, &all))) return refused();
  return mid_take(heap, all, MID_BLOCK_ALIGN, true, caller);
}

void *midden_calloc(size_t count, size_t bytes) {
  return mid_calloc(NULL, count, bytes, __builtin_return_address(0));
}

// Whether a block of `usable` bytes should stay where it is for `bytes`: it fits, and wastes at
// most half.
static bool fits(size_t usable, size_t bytes) {
  return bytes <= usable && (bytes >= usable / 2 || usable <= 64) && !mid_options.hardened;
}

// A block of a first-class heap stays in it; NULL for others.
static struct mid_heap *shared_of(struct mid_span *span) {
  bool shared = span->state == MID_SPAN_LARGE ||
                (!mid_options.hardened &&
                 atomic_load_explicit(&span->owner, memory_order_acquire) == MID_OWNER_SHARED);
  struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
  return shared && heap != NULL && heap->kind == MID_HEAP_SHARED ? heap : NULL;
}

void *mid_realloc(struct mid_heap *heap, void *p, size_t bytes, const void *caller) {
  if (p == NULL) return mid_take(heap, bytes, MID_BLOCK_ALIGN, false, caller);
  if (mid_unlikely(bytes > PTRDIFF_MAX)) return refused();
  struct mid_span *span = mid_heap_block_span(p);
  if (span == NULL) return mid_foreign_resize(p, bytes);
  if (heap == NULL) heap = shared_of(span);
  size_t usable = mid_heap_usable(p);
  if (span->state == MID_SPAN_LARGE) {
    void *resized = mid_large_resize(span, bytes, false);
    if (resized != NULL) return resized;
  } else if (fits(usable, bytes)) {
    return p;
  }
  void *q = mid_take(heap, bytes, MID_BLOCK_ALIGN, false, caller);
  if (q == NULL) return NULL;
  memcpy(q, p, mid_min(usable, bytes));
  mid_fast_free(p);
  return q;
}

void *midden_realloc(void *p, size_t bytes) {
  return mid_realloc(NULL, p, bytes, __builtin_return_address(0));
}

void *mid_reallocarray(void *p, size_t count, size_t bytes, const void *caller) {
  size_t all;
  if (__builtin_mul_overflow(count, bytes, &all)) return refused();
  return mid_realloc(NULL, p, all, caller);
}

void *midden_reallocarray(void *p, size_t count, size_t bytes) {
  return mid_reallocarray(p, count, bytes, __builtin_return_address(0));
}

void *mid_aligned(struct mid_heap *heap, size_t align, size_t bytes, const void *caller) {
  if (!mid_is_power(align)) {
    errno = EINVAL;
    return NULL;
  }
  if (align > PTRDIFF_MAX / 2) return refused();
  return mid_take(heap, bytes, mid_max(align, MID_BLOCK_ALIGN), false, caller);
}

void *midden_aligned_alloc(size_t align, size_t bytes) {
  return mid_aligned(NULL, align, bytes, __builtin_return_address(0));
}

size_t midden_malloc_usable_size(const void *p) { return mid_heap_usable(p); }

int midden_malloc_trim(void) {
  struct mid_heap *heap = mid_thread_heap_get();
  if (heap != NULL) {
    mid_lock_take(&heap->lock);
    mid_heap_tidy(heap);
    mid_lock_give(&heap->lock);
  }
  int gave = mid_span_purge_all() > 0;
  mid_tell_process();
  return gave;
}
