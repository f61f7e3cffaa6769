/* midden/buddy.h -- powers of two out of a region of yours, split and merged.
 * SPDX-License-Identifier: MIT
 *
 * A block is a power of two times the least size, and begins at a multiple of its own size.  A
 * larger block is split in two buddies for a smaller request; buddies that are both free merge
 * again.  The region is not written to: what is free stays as it was left, and pages of it that
 * were never used stay untouched.
 *
 * threads  one thread at a time
 * source   K. C. Knowlton, "A Fast Storage Allocator", CACM 8(10), 1965
 */
#ifndef MIDDEN_BUDDY_H
#define MIDDEN_BUDDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_buddy midden_buddy;

/* Share out `bytes` at `region`, which need not be a power of two.
 * from         where the tables come from, 1.3 bytes for each least block; NULL: malloc of this
 *              library
 * region       aligned to least_bytes
 * bytes        of the region; what is left over behind the last least block stays unused
 * least_bytes  the smallest block, a power of two of at least 16
 * out          written only on MIDDEN_OK
 * errors       MIDDEN_INVALID; MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_buddy_open(midden_allocator *from, void *region,
                                                          size_t bytes, size_t least_bytes,
                                                          midden_buddy **out);

/* The region is yours again; the tables are given back.  NULL is ignored. */
MIDDEN_API void midden_buddy_close(midden_buddy *buddy);

/* Free `p`; NULL is ignored.  A pointer that is no block of this region, or a free one, stops the
 * program with a sentence.
 * cost  O(log(region / least block))
 */
MIDDEN_API void midden_buddy_free(midden_buddy *buddy, void *p);

/* Take a block of `bytes` or, as it is rounded up to a power of two, up to twice that: of the
 * smallest free blocks that are large enough, the low end of the lowest.  0 gives a unique block.
 * returns  NULL and ENOMEM when no free block is large enough
 * cost     O(log(region / least block))
 */
MIDDEN_GIVEN_BACK_BY(midden_buddy_free, 2)
MIDDEN_SIZED(2)
MIDDEN_MEMORY MIDDEN_API void *midden_buddy_alloc(midden_buddy *buddy, size_t bytes);

/* As an allocator, valid until it is closed.  Blocks are aligned as far as the region is; resizing
 * stays in place where the upper buddies are free.
 */
MIDDEN_API midden_allocator *midden_buddy_allocator(midden_buddy *buddy);

/* committed_bytes is the extent, from the start of the region to the end of its highest block;
 * peak_bytes the most that has been.  cost: O(blocks)
 */
MIDDEN_API midden_stats midden_buddy_stats(const midden_buddy *buddy);

/* Call `visit(offset, bytes, used, context)` for each block, free or not, lowest first, until it
 * returns false.
 * offset   bytes from the start of the region
 * returns  false when a visit returned false
 */
MIDDEN_API bool midden_buddy_walk(const midden_buddy *buddy,
                                  bool (*visit)(size_t offset, size_t bytes, bool used,
                                                void *context),
                                  void *context);

/* Draw the region: a row for each size, largest first, in which a block is as wide as its share of
 * the region, [##] when in use and [..] when free; and how many of either there are.
 */
MIDDEN_API void midden_buddy_draw(const midden_buddy *buddy, FILE *out);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_buddy_open_at(midden_allocator *from,
                                                                void *region, size_t bytes,
                                                                size_t least_bytes,
                                                                midden_buddy **out,
                                                                const char *where) {
  return midden_debug_opened(midden_buddy_open(from, region, bytes, least_bytes, out), out,
                             "midden_buddy", where);
}
#define midden_buddy_open(from, region, bytes, least_bytes, out) \
  midden_buddy_open_at(from, region, bytes, least_bytes, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
