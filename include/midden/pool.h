/* midden/pool.h -- blocks of one size: taken and given back in a few instructions.
 * SPDX-License-Identifier: MIT
 *
 *   pool->free --> block --> block --> ... --> none        a free block: | mark | next |   |
 *
 * A midden_pool belongs to one thread at a time; its common paths are inline.  A midden_shared_pool
 * may be used by any thread: each has a cache of blocks that it takes from and gives to without a
 * lock.  Either has a fixed number of blocks, or grows by as many as there are.
 *
 * source  J. Bonwick, J. Adams, "Magazines and Vmem: Extending the Slab Allocator to Many CPUs and
 *         Arbitrary Resources", USENIX ATC 2001, for the caches
 */
#ifndef MIDDEN_POOL_H
#define MIDDEN_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum midden_pool_kind {
  MIDDEN_POOL_FIXED, /* all memory is taken and touched when the pool opens: no call waits */
  MIDDEN_POOL_GROWS  /* the number of blocks is that of the first chunk; 0: 8 KiB of them */
};

/* What a free block begins with, and no program writes there by chance. */
#define MIDDEN_POOL_FREE ((uint64_t)-0x5a3c1e29)

/* Private, but for the inline functions. */
struct midden_pool_block {
  uint64_t mark;
  struct midden_pool_block *next;
}
#if defined(__GNUC__)
__attribute__((__may_alias__)) /* the block was something else a moment ago */
#endif
;

/* The start of block i of the newest chunk is base + d, where d * magic < limit just for those
 * starts: a number between two of them, times magic, is beyond any limit. */
typedef struct midden_pool {
  struct midden_pool_block *free;
  uint64_t base, magic, limit;
} midden_pool;

/* Open a pool of blocks of `block_bytes`.
 * from         where memory comes from; NULL: malloc of this library
 * block_bytes  1 to 32768, rounded up to 16; blocks are aligned to the largest power of two up to
 *              4096 that divides it
 * blocks       how many; see `kind`
 * out          written only on MIDDEN_OK
 * errors       MIDDEN_INVALID; MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_pool_open(midden_allocator *from, size_t block_bytes,
                                                         size_t blocks, enum midden_pool_kind kind,
                                                         midden_pool **out);

/* Give the pool and every block in it back at once.  NULL is ignored. */
MIDDEN_API void midden_pool_close(midden_pool *pool);

/* The ways out of the inline paths.  Call midden_pool_take and midden_pool_give. */
MIDDEN_API void *midden_pool_take_slow(midden_pool *pool);
MIDDEN_API void midden_pool_give_slow(midden_pool *pool, void *p);

/* Give a block back; NULL is ignored.  A pointer that is no block of this pool, or a free one,
 * stops the program with a sentence.
 * cost  11 instructions; for a block that is not in the newest chunk, a look at each newer one
 */
static inline void midden_pool_give(midden_pool *pool, void *p) {
  struct midden_pool_block *block = (struct midden_pool_block *)p;
  if (((uintptr_t)p - pool->base) * pool->magic >= pool->limit || block->mark == MIDDEN_POOL_FREE) {
    midden_pool_give_slow(pool, p);
    return;
  }
  block->mark = MIDDEN_POOL_FREE;
  block->next = pool->free;
  pool->free = block;
}

/* Take a block, contents undefined.
 * returns  NULL and ENOMEM when a fixed pool is used up, or no memory is left to grow
 * cost     5 instructions; a free block that was written to stops the program
 */
MIDDEN_MEMORY static inline void *midden_pool_take(midden_pool *pool) {
  struct midden_pool_block *block = pool->free;
  block->mark ^= MIDDEN_POOL_FREE;
  if (block->mark != 0) return midden_pool_take_slow(pool);
  pool->free = block->next;
  return block;
}

/* The pool as an allocator of blocks of up to block_bytes, valid until it is closed. */
MIDDEN_API midden_allocator *midden_pool_allocator(midden_pool *pool);

/* cost  O(free blocks), which are counted */
MIDDEN_API midden_stats midden_pool_stats(const midden_pool *pool);

/* ---- for any thread ---- */

typedef struct midden_shared_pool midden_shared_pool;

/* As midden_pool_open; block_bytes is at least 32, and `from` must be fit for any thread.
 * A cache holds up to twice 32 blocks, or in a fixed pool of less than 2048 twice a 64th: so many
 * for each other thread may be out of reach when a fixed pool refuses.  They come back when their
 * thread ends.
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_shared_pool_open(midden_allocator *from,
                                                                size_t block_bytes, size_t blocks,
                                                                enum midden_pool_kind kind,
                                                                midden_shared_pool **out);

/* threads  no other thread may be in a call on this pool or use its blocks any more */
MIDDEN_API void midden_shared_pool_close(midden_shared_pool *pool);

/* As midden_pool_give, also for a block that another thread took.
 * threads  any; the lock once in as many calls as half a cache holds, at most
 */
MIDDEN_API void midden_shared_pool_give(midden_shared_pool *pool, void *p);

/* As midden_pool_take.  threads: as above. */
MIDDEN_GIVEN_BACK_BY(midden_shared_pool_give, 2)
MIDDEN_MEMORY MIDDEN_API void *midden_shared_pool_take(midden_shared_pool *pool);

/* threads  any */
MIDDEN_API midden_allocator *midden_shared_pool_allocator(midden_shared_pool *pool);

/* threads  any; exact when no other thread is in a call */
MIDDEN_API midden_stats midden_shared_pool_stats(midden_shared_pool *pool);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_pool_open_at(midden_allocator *from,
                                                               size_t block_bytes, size_t blocks,
                                                               enum midden_pool_kind kind,
                                                               midden_pool **out,
                                                               const char *where) {
  return midden_debug_opened(midden_pool_open(from, block_bytes, blocks, kind, out), out,
                             "midden_pool", where);
}
#define midden_pool_open(from, block_bytes, blocks, kind, out) \
  midden_pool_open_at(from, block_bytes, blocks, kind, out, MIDDEN_DEBUG_HERE)
MIDDEN_CHECKED static inline midden_status midden_shared_pool_open_at(
    midden_allocator *from, size_t block_bytes, size_t blocks, enum midden_pool_kind kind,
    midden_shared_pool **out, const char *where) {
  return midden_debug_opened(midden_shared_pool_open(from, block_bytes, blocks, kind, out), out,
                             "midden_shared_pool", where);
}
#define midden_shared_pool_open(from, block_bytes, blocks, kind, out) \
  midden_shared_pool_open_at(from, block_bytes, blocks, kind, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
