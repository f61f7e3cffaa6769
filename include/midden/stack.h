/* midden/stack.h -- memory that is taken in frames and given back in the reverse order.
 * SPDX-License-Identifier: MIT
 *
 *     guard   frame        frame             free                          guard
 *     +-----+------------+-----------------+-----------------------------+-----+
 *     |     | objects    | objects         |                             |     |
 *     +-----+------------+-----------------+-----------------------------+-----+
 *                                          ^ top                         ^ limit
 *
 * One region of fixed size, backed by memory as far as it is touched, between two guard pages.  A
 * request that does not fit is refused; a write past the region's end or before its start stops the
 * program with a sentence that says so, unless the program has set a handler for SIGSEGV since.
 * An arena grows and knows destructors; a stack does neither, and never asks anyone for memory.
 *
 * threads  a stack belongs to one thread at a time
 */
#ifndef MIDDEN_STACK_H
#define MIDDEN_STACK_H

#include <stddef.h>

#include "midden/allocator.h"
#include "midden/bump.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What inline code sees of a stack: its free part. */
typedef struct midden_stack {
  midden_bump bump;
} midden_stack;

typedef struct midden_stack_frame midden_stack_frame;

/* Open an empty stack.
 * bytes    of the region, rounded up to whole pages
 * out      written only on MIDDEN_OK
 * errors   MIDDEN_NOMEM; MIDDEN_INVALID if bytes is 0 or over PTRDIFF_MAX / 2
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_stack_open(size_t bytes, midden_stack **out);

/* Give the region back.  NULL is ignored. */
MIDDEN_API void midden_stack_close(midden_stack *stack);

/* What is left to do for a request that does not fit.  Call midden_stack_alloc. */
MIDDEN_API void *midden_stack_full(void);

/* Take `bytes` (0 gives a unique block), aligned to 16, contents undefined.
 * returns  NULL and ENOMEM when there is no such room
 * cost     5 instructions when `bytes` is a constant
 */
MIDDEN_MEMORY MIDDEN_SIZED(2) static inline void *midden_stack_alloc(midden_stack *stack,
                                                                     size_t bytes) {
  void *block;
  return midden_bump_take(&stack->bump, bytes, &block) ? block : midden_stack_full();
}

/* Begin a frame: what is taken from now on goes when it is left.
 * returns  NULL and ENOMEM when the stack is full; a frame takes 16 bytes
 */
MIDDEN_API midden_stack_frame *midden_stack_enter(midden_stack *stack);

/* Give back what was taken since `frame` was entered, and end it and the frames within it.  A frame
 * that has ended stops the program with a sentence that says so.
 * cost  O(frames within it that were not left)
 */
MIDDEN_API void midden_stack_leave(midden_stack *stack, midden_stack_frame *frame);

/* The stack as an allocator, valid until it is closed.  `free` gives back the block and all that
 * was taken since, which must be of the innermost frame; live_blocks is not known.
 */
MIDDEN_API midden_allocator *midden_stack_allocator(midden_stack *stack);

MIDDEN_API midden_stats midden_stack_stats(const midden_stack *stack);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_stack_open_at(size_t bytes, midden_stack **out,
                                                                const char *where) {
  return midden_debug_opened(midden_stack_open(bytes, out), out, "midden_stack", where);
}
#define midden_stack_open(bytes, out) midden_stack_open_at(bytes, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
