// region/pool.h -- what is behind a pool's inline paths.
// SPDX-License-Identifier: MIT
//
//   chunk (older, all carved)     chunk (newest)
//   +---+---+---+---+---+         +---+---+---+---+------------------+
//   |   |   |   |   |   |         |   |   |   |   | not carved yet   |
//   +---+---+---+---+---+         +---+---+---+---+------------------+
//                                 ^ base          ^ carved blocks, limit
//
//   carved blocks of all chunks = blocks in the free list + blocks in the program
//
// The list ends with `none`, whose mark is no free block's: so an empty pool needs no test of its
// own.  Blocks carry their mark from the moment they are carved.
#ifndef MID_REGION_POOL_H
#define MID_REGION_POOL_H

#include "base/check.h"
#include "midden/pool.h"
#include "region/chunk.h"

struct mid_pool {
  midden_pool face;  // what the header's inline functions see
  struct midden_pool_block none;
  size_t block_bytes;
  size_t carved, capacity;  // blocks of the newest chunk
  size_t older;             // blocks of all others
  bool grows;
  struct mid_chunks chunks;
  midden_allocator allocator;
};

static inline struct mid_pool *mid_pool_of(const midden_pool *face) {
  return (struct mid_pool *)(uintptr_t)face;
}

enum { MID_POOL_BLOCK_MOST = 32768 };  // up to here a product with `magic` is never mistaken

// The alignment that blocks of so many bytes have.
static inline size_t mid_pool_align(size_t block_bytes) {
  size_t align = block_bytes & (~block_bytes + 1);
  return align < 4096 ? align : 4096;
}

// Whether `p` is where a carved block starts, in any chunk.
bool mid_pool_has(const struct mid_pool *pool, const void *p);

// Stops the program unless `p` is a block of `pool` that is not free.
void mid_pool_require(const struct mid_pool *pool, const void *p);
MID_RARELY _Noreturn void mid_pool_crime_written(const void *block);
MID_RARELY _Noreturn void mid_pool_crime_double(const void *p);

// Blocks in its free list.
size_t mid_pool_free_blocks(const struct mid_pool *pool);

// The answer of a pool whose blocks have `block_bytes` to a request through midden_allocator: true,
// or errno is set.
bool mid_pool_serves(size_t block_bytes, size_t bytes, size_t align);

#endif
