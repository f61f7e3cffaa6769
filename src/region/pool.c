// region/pool.c -- blocks of one size for one thread: see pool.h for its shape.
// SPDX-License-Identifier: MIT
#include "region/pool.h"

#include <errno.h>

#include "base/bits.h"
#include "heap/ledger.h"
#include "region/region.h"
#include "span/span.h"

// ---- chunks ----

static struct midden_pool_block *pool_block(const struct mid_pool *pool, size_t i) {
  return (struct midden_pool_block *)(uintptr_t)(pool->face.base + i * pool->block_bytes);
}

// Make blocks of the next `count` places of the newest chunk.  The free list is empty.
static void pool_carve(struct mid_pool *pool, size_t count) {
  size_t end = pool->carved + count;
  struct midden_pool_block *next = &pool->none;
  for (size_t i = end; i-- > pool->carved; next = pool_block(pool, i))
    *pool_block(pool, i) = (struct midden_pool_block){MIDDEN_POOL_FREE, next};
  pool->face.free = next;
  pool->carved = end;
  pool->face.limit = pool->face.magic * pool->block_bytes * end;
}

// Take a chunk of `blocks`, or when that is refused, of half as many, and so on.
static bool pool_extend(struct mid_pool *pool, size_t blocks) {
  struct mid_chunk *chunk = NULL;
  for (; chunk == NULL && blocks > 0; blocks = pool->grows ? blocks / 2 : 0)
    chunk = mid_chunk_take(&pool->chunks, blocks * pool->block_bytes,
                           mid_pool_align(pool->block_bytes));
  if (chunk == NULL) return false;
  pool->older += pool->capacity;
  pool->capacity = chunk->bytes / pool->block_bytes;
  pool->carved = 0;
  pool->face.base = (uintptr_t)mid_chunk_payload(chunk);
  return true;
}

// ---- the slow paths ----

void mid_pool_crime_written(const void *block) {
  mid_crime("corrupted free list", block,
            "this block was written to after it was given back; look for a use after free");
}

void mid_pool_crime_double(const void *p) {
  mid_crime("double free", p, "this block is free already; look for its second owner");
}

void *midden_pool_take_slow(midden_pool *face) {
  struct mid_pool *pool = mid_pool_of(face);
  if (face->free != &pool->none) mid_pool_crime_written(face->free);
  pool->none.mark = 0;
  if (pool->carved == pool->capacity &&
      !(pool->grows && pool_extend(pool, pool->older + pool->capacity)))
    return errno = ENOMEM, NULL;
  // A page of them at a time, so that memory is touched when it is used.
  size_t page = mid_max(mid_os_page_bytes() / pool->block_bytes, 1);
  pool_carve(pool, mid_min(page, pool->capacity - pool->carved));
  return midden_pool_take(face);
}

// Whether a carved block of `chunk` starts at `p`: as in the inline path.
static bool pool_is_start(const struct mid_pool *pool, struct mid_chunk *chunk, const void *p) {
  uint64_t off = (uintptr_t)p - (uintptr_t)mid_chunk_payload(chunk), magic = pool->face.magic;
  return off * magic < (chunk == pool->chunks.first ? pool->face.limit : magic * chunk->bytes);
}

bool mid_pool_has(const struct mid_pool *pool, const void *p) {
  struct mid_chunk *chunk = mid_chunks_find(&pool->chunks, p);
  return chunk != NULL && pool_is_start(pool, chunk, p);
}

void mid_pool_require(const struct mid_pool *pool, const void *p) {
  struct mid_chunk *chunk = mid_chunks_find(&pool->chunks, p);
  MID_REQUIRE(chunk != NULL, "foreign pointer", p,
              "it is not of this pool; give it to the allocator it came from");
  MID_REQUIRE(pool_is_start(pool, chunk, p), "not a block's start", p,
              "this address lies inside a block; give the pointer that was taken");
  if (((const struct midden_pool_block *)p)->mark == MIDDEN_POOL_FREE) mid_pool_crime_double(p);
}

void midden_pool_give_slow(midden_pool *face, void *p) {
  if (p == NULL) return;
  mid_pool_require(mid_pool_of(face), p);
  *(struct midden_pool_block *)p = (struct midden_pool_block){MIDDEN_POOL_FREE, face->free};
  face->free = p;
}

// ---- as an allocator ----

static struct mid_pool *pool_self(midden_allocator *self) {
  return (struct mid_pool *)((char *)self - offsetof(struct mid_pool, allocator));
}

bool mid_pool_serves(size_t block_bytes, size_t bytes, size_t align) {
  align = mid_region_align(align);
  if (align == 0) return false;
  if (bytes <= block_bytes && align <= mid_pool_align(block_bytes)) return true;
  errno = ENOMEM;
  return false;
}

static void *pool_alloc(midden_allocator *self, size_t bytes, size_t align) {
  struct mid_pool *pool = pool_self(self);
  return mid_pool_serves(pool->block_bytes, bytes, align) ? midden_pool_take(&pool->face) : NULL;
}

static void *pool_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                         size_t align) {
  (void)old_bytes;
  if (p == NULL) return pool_alloc(self, bytes, align);
  mid_pool_require(pool_self(self), p);
  return mid_pool_serves(pool_self(self)->block_bytes, bytes, align) ? p : NULL;
}

static void pool_free(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  midden_pool_give(&pool_self(self)->face, p);
}

static bool pool_owns(midden_allocator *self, const void *p) {
  return mid_pool_has(pool_self(self), p) &&
         ((const struct midden_pool_block *)p)->mark != MIDDEN_POOL_FREE;
}

static midden_stats pool_stats(midden_allocator *self) {
  return midden_pool_stats(&pool_self(self)->face);
}

midden_allocator *midden_pool_allocator(midden_pool *pool) { return &mid_pool_of(pool)->allocator; }

size_t mid_pool_free_blocks(const struct mid_pool *pool) {
  size_t count = 0;
  for (const struct midden_pool_block *b = pool->face.free; b != &pool->none; b = b->next) count++;
  return count;
}

midden_stats midden_pool_stats(const midden_pool *face) {
  const struct mid_pool *pool = mid_pool_of(face);
  size_t live = pool->older + pool->carved - mid_pool_free_blocks(pool);
  return (midden_stats){.live_blocks = live,
                        .live_bytes = live * pool->block_bytes,
                        .committed_bytes = pool->chunks.held + sizeof *pool,
                        .peak_bytes = pool->chunks.peak + sizeof *pool};
}

const char *mid_pool_broken(const midden_pool *face) {
  const struct mid_pool *pool = mid_pool_of(face);
  const char *broken = mid_chunks_broken(&pool->chunks);
  if (broken != NULL) return broken;
  if (pool->none.mark != 0) return "the end of the free list looks like a free block";
  if (pool->carved > pool->capacity) return "more blocks were carved than there is room for";
  if (face->limit != face->magic * pool->block_bytes * pool->carved)
    return "the inline path has a wrong limit";
  size_t left = pool->older + pool->carved;
  for (const struct midden_pool_block *b = face->free; b != &pool->none; b = b->next) {
    if (left-- == 0) return "the free list has more blocks than were carved";
    if (!mid_pool_has(pool, b)) return "the free list leads out of the pool";
    if (b->mark != MIDDEN_POOL_FREE) return "a free block was written to";
  }
  return NULL;
}

// ---- open and close ----

midden_status midden_pool_open(midden_allocator *from, size_t block_bytes, size_t blocks,
                               enum midden_pool_kind kind, midden_pool **out) {
  if (block_bytes == 0 || block_bytes > MID_POOL_BLOCK_MOST) return MIDDEN_INVALID;
  block_bytes = mid_round_up(block_bytes, 16);
  bool grows = kind == MIDDEN_POOL_GROWS;
  if (blocks == 0 && grows) blocks = mid_max(8192 / block_bytes, 1);
  if (blocks == 0 || blocks > PTRDIFF_MAX / 4 / block_bytes) return MIDDEN_INVALID;
  struct mid_chunks chunks = mid_chunks_open(from);
  struct mid_pool *pool = chunks.from->alloc(chunks.from, sizeof *pool, 0);
  if (pool == NULL) return MIDDEN_NOMEM;
  *pool = (struct mid_pool){
      .face = {.free = &pool->none, .magic = mid_span_magic(block_bytes)},
      .block_bytes = block_bytes,
      .grows = grows,
      .chunks = chunks,
      .allocator = {"pool", pool_alloc, pool_resize, pool_free, pool_owns, pool_stats}};
  if (!pool_extend(pool, blocks)) {
    midden_pool_close(&pool->face);
    return MIDDEN_NOMEM;
  }
  if (!grows) pool_carve(pool, blocks);
  *out = &pool->face;
  return MIDDEN_OK;
}

void midden_pool_close(midden_pool *face) {
  if (face == NULL) return;
  mid_ledger_close(face);
  struct mid_pool *pool = mid_pool_of(face);
  midden_allocator *from = pool->chunks.from;
  mid_chunks_give_all(&pool->chunks);
  from->free(from, pool, sizeof *pool);
}
