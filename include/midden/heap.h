/* midden/heap.h -- heaps of one's own: allocate in one, free from any thread, close it at once.
 * SPDX-License-Identifier: MIT
 *
 * A heap owns its spans alone, so closing it gives back every block in it without visiting them,
 * and its blocks never share a page with another heap's.  Any number of threads may use one heap.
 */
#ifndef MIDDEN_HEAP_H
#define MIDDEN_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/malloc.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_heap midden_heap;

/* Open an empty heap.
 * out      written only on MIDDEN_OK
 * errors   MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_heap_open(midden_heap **out);

/* Give the heap and every block in it back at once.  `heap` may be NULL.
 * threads  no other thread may be in a call on this heap or use its blocks any more
 * cost     O(spans), not O(blocks)
 */
MIDDEN_API void midden_heap_close(midden_heap *heap);

/* Free a block of any heap, also one of malloc's; so does midden_free.  threads: any. */
MIDDEN_API void midden_heap_free(void *p);

/* As malloc, calloc, realloc and aligned_alloc, in `heap`.  A block that midden_heap_realloc is
 * handed must be of this heap.
 * errors   NULL with errno ENOMEM, or EINVAL for a bad alignment
 * threads  any; a lock for each heap
 */
MIDDEN_API MIDDEN_MEMORY MIDDEN_SIZED(2) MIDDEN_BLOCK
    void *midden_heap_alloc(midden_heap *heap, size_t bytes);
MIDDEN_API MIDDEN_MEMORY MIDDEN_BLOCK void *midden_heap_calloc(midden_heap *heap, size_t count,
                                                               size_t bytes);
MIDDEN_API MIDDEN_SIZED(3) MIDDEN_BLOCK
    void *midden_heap_realloc(midden_heap *heap, void *p, size_t bytes);
MIDDEN_API MIDDEN_MEMORY MIDDEN_SIZED(3) MIDDEN_BLOCK
    void *midden_heap_aligned(midden_heap *heap, size_t align, size_t bytes);

/* Bytes that may be used at `p`; constant while the block lives.  0 for NULL. */
MIDDEN_API size_t midden_heap_usable(const void *p);

/* Call `visit(block, usable bytes, context)` for each live block, in no given order, until it
 * returns false.  The heap is locked meanwhile: `visit` may not allocate, resize or free.
 * returns  false when a visit returned false
 */
MIDDEN_API bool midden_heap_walk(midden_heap *heap,
                                 bool (*visit)(void *block, size_t bytes, void *context),
                                 void *context);

/* The heap as an allocator, valid until the heap is closed. */
MIDDEN_API midden_allocator *midden_heap_allocator(midden_heap *heap);

MIDDEN_API midden_stats midden_heap_stats(midden_heap *heap);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_heap_open_at(midden_heap **out,
                                                               const char *where) {
  return midden_debug_opened(midden_heap_open(out), out, "midden_heap", where);
}
#define midden_heap_open(out) midden_heap_open_at(out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
