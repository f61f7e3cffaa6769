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
#include "heap/record.h"
#include "heap/sample.h"

static void *refused(void) {
  errno = ENOMEM;
  return NULL;
}

// The loader takes NULL for fatal, so what it asks for passes heap_limit.  Looked at only when the
// limit has refused.
static bool is_urgent(const void *caller) { return mid_os_in_loader(caller); }

// The class to take from where `klass` has no span of its own yet.
static unsigned lender_of(struct mid_heap *heap, unsigned klass) {
  bool lends = heap->kind == MID_HEAP_THREAD && heap->current[klass] == &mid_span_none &&
               heap->partial[klass].first == NULL && heap->lent[klass] < MID_LENT_MOST;
  if (!lends) return klass;
  heap->lent[klass]++;
  return mid_class_coarse(klass);
}

// A block of at least `bytes`, aligned to `align`, from `heap`; *zeroed as in mid_heap_take_class.
static void *take_from(struct mid_heap *heap, size_t bytes, size_t align, bool *zeroed, bool zero,
                       bool urgent) {
  size_t slack = mid_options.hardened ? MID_HARDENED_SLACK : 0;
  unsigned klass =
      bytes + slack <= MID_SMALL_MOST ? mid_class_aligned(bytes + slack, align) : MID_CLASSES;
  if (klass == MID_CLASSES) {
    *zeroed = zero;
    return mid_large_take(heap->kind == MID_HEAP_SHARED ? heap : NULL, bytes, align, zero, urgent);
  }
  if (mid_options.hardened) return mid_hardened_take(heap, klass, bytes, urgent);
  unsigned lender = align <= MID_BLOCK_ALIGN ? lender_of(heap, klass) : klass;
  if (lender != klass) {
    *zeroed = heap->current[lender]->ready_zero;
    void *p = mid_span_pop(heap->current[lender]);
    if (p == NULL) p = mid_heap_take_class(heap, lender, bytes, zeroed, urgent);
    if (p != NULL) return p;
  }
  void *p = mid_heap_take_class(heap, klass, bytes, zeroed, urgent);
  // At a limit a block of up to twice the size will do, where one is free.
  for (unsigned k = klass + 1; p == NULL && k < MID_CLASSES; k++) {
    if (mid_class_bytes(k) > 2 * mid_class_bytes(klass)) break;
    if (mid_class_bytes(k) % align == 0 && heap->spans[k] > 0)
      p = mid_heap_take_class(heap, k, bytes, zeroed, urgent);
  }
  return p;
}

// Without a lock, from the calling thread's current span for `bytes`; NULL when that is not enough.
static void *take_quick(size_t bytes, bool *zeroed) {
  if (mid_unlikely(bytes > MID_SMALL_MOST)) return NULL;
  struct mid_heap *heap = mid_thread_heap;
  if (mid_unlikely(!mid_heap_is_real(heap))) return NULL;
  struct mid_span *span = heap->current[mid_class_of(bytes)];
  *zeroed = span->ready_zero;
  struct mid_block *block = mid_span_pop(span);
  if (mid_likely(block != NULL)) return block;
  *zeroed = false;
  return mid_heap_reload(heap, span, bytes);
}

// Before a refusal: what the calling thread's heap keeps for its next calls makes way.  Whether
// there was any.
static bool tidied(struct mid_heap *heap) {
  if (heap != mid_thread_heap) return false;
  mid_hardened_flush(heap);
  mid_gather_give_all(heap);
  mid_lock_take(&heap->lock);
  size_t had = heap->committed;
  mid_heap_tidy(heap);
  bool gave = heap->committed < had;
  mid_lock_give(&heap->lock);
  return gave;
}

void *mid_take(struct mid_heap *heap, size_t bytes, size_t align, bool zero, const void *caller) {
  if (mid_unlikely(bytes > PTRDIFF_MAX)) return refused();
  if (heap == NULL) heap = mid_thread_heap_get();
  if (heap == NULL) return refused();
  bool zeroed = false;
  void *p = take_from(heap, bytes, align, &zeroed, zero, false);
  if (p == NULL && tidied(heap)) p = take_from(heap, bytes, align, &zeroed, zero, false);
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

static inline void *take_slow(size_t bytes, const void *caller) {
  bool zeroed;
  void *p =
      mid_unlikely(mid_options.hardened) ? mid_hardened_quick(bytes) : take_quick(bytes, &zeroed);
  if (mid_unlikely(p == NULL)) p = mid_take(NULL, bytes, MID_BLOCK_ALIGN, false, caller);
  return p;
}

void *mid_malloc_slow(size_t bytes, const void *caller) {
  void *p = mid_sampled(MID_DOOR_MALLOC, take_slow(bytes, caller), bytes, caller);
  return mid_recorded(MID_RING_TAKE, p, bytes, MID_BLOCK_ALIGN, caller);
}

void *midden_malloc(size_t bytes) { return mid_fast_malloc(bytes); }
void midden_free(void *p) { mid_fast_free(p); }

void *mid_calloc(struct mid_heap *heap, size_t count, size_t bytes, const void *caller) {
  size_t all;
  if (mid_unlikely(__builtin_mul_overflow(count, bytes, &all))) return refused();
  bool zeroed;
  void *p = heap == NULL && !mid_options.hardened ? take_quick(all, &zeroed) : NULL;
  if (mid_likely(p != NULL))
    memset(p, 0, zeroed ? sizeof(struct mid_block) : all);
  else
    p = mid_take(heap, all, MID_BLOCK_ALIGN, true, caller);
  p = mid_sampled(MID_DOOR_CALLOC, p, all, caller);
  return mid_recorded(MID_RING_CALLOC, p, all, MID_BLOCK_ALIGN, caller);
}

void *midden_calloc(size_t count, size_t bytes) {
  return mid_calloc(NULL, count, bytes, __builtin_return_address(0));
}

// Whether a block of `usable` bytes should stay where it is for `bytes`: it fits, and wastes at
// most half.
static bool fits(size_t usable, size_t bytes) {
  return bytes <= usable && (bytes >= usable / 2 || usable <= 64);
}

// What grows by a little is likely to go on, and classes are close to each other: an eighth to
// spare saves copies.
static size_t with_spare(size_t usable, size_t bytes) {
  bool little = bytes > usable && bytes < usable + usable / 4 && !mid_options.hardened;
  return little ? bytes + bytes / 8 : bytes;
}

void *mid_moved(void *p, void *to, size_t bytes) {
  if (to == NULL) return NULL;
  if (mid_unlikely(mid_sample_due != 0)) mid_sample_copies(p, bytes);
  memcpy(to, p, bytes);
  mid_fast_free(p);
  return to;
}

// A block of a first-class heap stays in it; NULL for others.
static struct mid_heap *shared_of(struct mid_span *span) {
  struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
  bool shared = span->state == MID_SPAN_LARGE || mid_span_is_locked(span);
  return shared && heap != NULL && heap->kind == MID_HEAP_SHARED ? heap : NULL;
}

// The slow half of realloc: all but a block that the calling thread may free inline.
static void *resize_any(struct mid_heap *heap, void *p, size_t bytes, const void *caller) {
  if (mid_unlikely(bytes > PTRDIFF_MAX)) return refused();
  struct mid_span *span = mid_heap_block_span(p);
  if (span == NULL) return mid_foreign_resize(p, bytes);
  if (heap == NULL) heap = shared_of(span);
  size_t usable = mid_heap_usable(p);
  if (span->state == MID_SPAN_LARGE) {
    void *resized = mid_large_resize(span, bytes, false);
    if (resized != NULL) return resized;
  } else if (mid_options.hardened ? mid_hardened_resize(span, p, bytes) : fits(usable, bytes)) {
    if (mid_span_is_sampled(span)) mid_sample_resized(p, bytes);
    return p;
  }
  void *q = mid_take(heap, with_spare(usable, bytes), MID_BLOCK_ALIGN, false, caller);
  return mid_moved(p, q, mid_min(usable, bytes));
}

// As mid_fast_malloc, but that its caller tells of it.
static inline void *take_quietly(size_t bytes, const void *caller) {
  if (mid_likely(bytes <= MID_QUICK_MOST)) {
    struct mid_block *block = mid_span_pop(mid_thread_heap->quick[(bytes + 15) / 16]);
    if (mid_likely(block != NULL)) return block;
  }
  return take_slow(bytes, caller);
}

static void *resize(struct mid_heap *heap, void *p, size_t bytes, const void *caller) {
  if (p == NULL)
    return heap == NULL ? take_quietly(bytes, caller)
                        : mid_take(heap, bytes, MID_BLOCK_ALIGN, false, caller);
  const struct mid_span *span = mid_map_guess(p);
  bool quick = heap == NULL && mid_span_frees_inline(span, p) && bytes <= MID_SMALL_MOST &&
               ((const struct mid_block *)p)->mark != span;
  if (mid_unlikely(!quick)) return resize_any(heap, p, bytes, caller);
  size_t usable = span->block_bytes;
  if (fits(usable, bytes)) return p;
  return mid_moved(p, take_quietly(with_spare(usable, bytes), caller), mid_min(usable, bytes));
}

void *mid_realloc(struct mid_heap *heap, void *p, size_t bytes, const void *caller) {
  bool recorded = mid_record_is_on() && mid_record_resize_begin(p);
  void *q = mid_sampled(MID_DOOR_REALLOC, resize(heap, p, bytes, caller), bytes, caller);
  if (mid_unlikely(recorded)) mid_record_resize_end(q, bytes, caller);
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
  if (!mid_is_power(align) || align > PTRDIFF_MAX / 2) {
    errno = EINVAL;
    return NULL;
  }
  align = mid_max(align, MID_BLOCK_ALIGN);
  void *p = mid_take(heap, bytes, align, false, caller);
  p = mid_sampled(MID_DOOR_ALIGNED, p, bytes, caller);
  return mid_recorded(MID_RING_ALIGNED, p, bytes, align, caller);
}

void *midden_aligned_alloc(size_t align, size_t bytes) {
  return mid_aligned(NULL, align, bytes, __builtin_return_address(0));
}

size_t midden_malloc_usable_size(const void *p) { return mid_heap_usable(p); }

int midden_malloc_trim(void) {
  struct mid_heap *heap = mid_thread_heap_get();
  if (heap != NULL) (void)tidied(heap);
  int gave = mid_span_purge_all() > 0;
  mid_tell_process();
  return gave;
}
