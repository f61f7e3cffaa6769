// heap/family.h -- what the malloc family, the standard names and first-class heaps share.
// SPDX-License-Identifier: MIT
#ifndef MID_HEAP_FAMILY_H
#define MID_HEAP_FAMILY_H

#include "heap/heap.h"

// As the midden_ functions of the same name, in `heap`, or the thread's own when that is NULL.
// `caller` is the code that called: what the loader asks for passes heap_limit.
void *mid_take(struct mid_heap *heap, size_t bytes, size_t align, bool zero, const void *caller);
void *mid_calloc(struct mid_heap *heap, size_t count, size_t bytes, const void *caller);
void *mid_realloc(struct mid_heap *heap, void *p, size_t bytes, const void *caller);
void *mid_reallocarray(void *p, size_t count, size_t bytes, const void *caller);
// What every resize that moves ends with: `p` is freed, its first `bytes` copied to `to`, which is
// returned; NULL, and `p` stays, when there is no `to`.
void *mid_moved(void *p, void *to, size_t bytes);
void *mid_aligned(struct mid_heap *heap, size_t align, size_t bytes, const void *caller);

#endif
