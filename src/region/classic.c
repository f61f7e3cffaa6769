// region/classic.c -- classic segregated fits, as CPython's small-object allocator does them.
// SPDX-License-Identifier: MIT
//
// A pool is empty (in its arena's list), full (in no list), or else in `used` of its class.  Its
// blocks are carved off one by one, and a free one's first word is the next free one.
//
//   arena->free_pools = pools in arena->empty + pools not carved yet
//
// Arenas stand in `arenas` by that number, so the fullest with a pool to give is found by one
// look at the bitmap.  A map from the MiB of an address tells whether a pool of ours is there.
#include "midden/classic.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/ledger.h"
#include "region/chunk.h"
#include "region/region.h"

#define CLASSIC_POOL_BYTES ((size_t)16 << 10)
#define CLASSIC_ARENA_BYTES ((size_t)1 << 20)
#define CLASSIC_SMALL_MOST ((size_t)512)
enum {
  CLASSIC_POOLS = CLASSIC_ARENA_BYTES / CLASSIC_POOL_BYTES,
  CLASSIC_CLASSES = CLASSIC_SMALL_MOST / 16
};

struct classic_block {
  struct classic_block *next;
};

struct classic_pool {
  struct classic_block *free;  // NULL: none freed; the rest is not carved
  struct classic_pool *next, *prev;
  struct classic_arena *arena;
  uint32_t used;    // blocks in the program's hands
  uint32_t carved;  // bytes, with the header
  uint32_t block_bytes;
  uint32_t unused;
};
_Static_assert(sizeof(struct classic_pool) == 48, "a pool of 32-byte blocks holds 510 of them");

struct classic_arena {
  struct classic_arena *next, *prev;
  struct classic_pool *empty;
  char *base;
  uint32_t free_pools, carved;  // `carved` pools were used once
};

// In MiB `number` of the address space: what lies at `head` and beyond is ours, and below `tail`.
// Arenas are aligned to a pool alone, so one may end and another begin there.
struct classic_cell {
  uintptr_t number, head, tail;  // number 0: empty
};

struct classic {
  struct classic_pool *used[CLASSIC_CLASSES];  // with a block to give
  struct mid_chunks chunks;                    // arenas, their headers, the map, and this
  struct mid_chunks large;                     // blocks that are no pool's
  struct classic_cell *cells;                  // open addressing; at most half of them are used
  size_t cell_count;                           // a power of two, or 0
  size_t arena_count;
  struct classic_arena *arenas[CLASSIC_POOLS + 1];  // by free_pools
  uint64_t with_pools;                              // bit i: arenas[i + 1] has one
  midden_allocator allocator;
};

static struct classic *classic_inner(const midden_classic *classic) {
  return (struct classic *)classic;
}
static unsigned classic_class_of(size_t bytes) {
  return bytes == 0 ? 0 : (unsigned)((bytes - 1) / 16);
}

// ---- the map ----

static struct classic_cell *classic_cell_at(const struct classic *c, uintptr_t number) {
  size_t i = number * 0x9e3779b97f4a7c15u >> 32;
  while (c->cells[i & (c->cell_count - 1)].number != number &&
         c->cells[i & (c->cell_count - 1)].number != 0)
    i++;
  return &c->cells[i & (c->cell_count - 1)];
}

static struct classic_cell *classic_cell_made(struct classic *c, uintptr_t number) {
  struct classic_cell *cell = classic_cell_at(c, number);
  if (cell->number == 0) *cell = (struct classic_cell){.number = number, .head = UINTPTR_MAX};
  return cell;
}

static void classic_map_arena(struct classic *c, const struct classic_arena *a) {
  uintptr_t base = (uintptr_t)a->base, end = base + CLASSIC_ARENA_BYTES;
  classic_cell_made(c, base / CLASSIC_ARENA_BYTES)->head = base;
  if (end % CLASSIC_ARENA_BYTES != 0) classic_cell_made(c, end / CLASSIC_ARENA_BYTES)->tail = end;
}

static void classic_map_all(struct classic *c) {
  memset(c->cells, 0, c->cell_count * sizeof c->cells[0]);
  for (int i = 0; i <= CLASSIC_POOLS; i++)
    for (const struct classic_arena *a = c->arenas[i]; a != NULL; a = a->next)
      classic_map_arena(c, a);
}

// Room for two cells of each arena and of one more.
static bool classic_map_reserve(struct classic *c) {
  if (c->cell_count >= 4 * (c->arena_count + 1)) return true;
  size_t count = mid_max(16, 2 * c->cell_count);
  struct mid_chunk *chunk = mid_chunk_take(&c->chunks, count * sizeof *c->cells, 0);
  if (chunk == NULL) return false;
  if (c->cells != NULL) mid_chunk_give(&c->chunks, mid_chunk_of(c->cells));
  c->cells = (struct classic_cell *)(void *)mid_chunk_payload(chunk);
  c->cell_count = count;
  classic_map_all(c);
  return true;
}

static bool classic_is_pooled(const struct classic *c, const void *p) {
  if (c->cell_count == 0) return false;
  const struct classic_cell *cell = classic_cell_at(c, (uintptr_t)p / CLASSIC_ARENA_BYTES);
  return cell->number != 0 && ((uintptr_t)p >= cell->head || (uintptr_t)p < cell->tail);
}

// ---- arenas ----

static void classic_arena_link(struct classic *c, struct classic_arena *a) {
  struct classic_arena **list = &c->arenas[a->free_pools];
  a->prev = NULL;
  a->next = *list;
  if (a->next != NULL) a->next->prev = a;
  *list = a;
  if (a->free_pools > 0) c->with_pools |= (uint64_t)1 << (a->free_pools - 1);
}

static void classic_arena_unlink(struct classic *c, struct classic_arena *a) {
  if (a->next != NULL) a->next->prev = a->prev;
  if (a->prev != NULL)
    a->prev->next = a->next;
  else
    c->arenas[a->free_pools] = a->next;
  if (a->free_pools > 0 && c->arenas[a->free_pools] == NULL)
    c->with_pools &= ~((uint64_t)1 << (a->free_pools - 1));
}

static struct classic_arena *classic_arena_open(struct classic *c) {
  if (!classic_map_reserve(c)) return NULL;
  struct mid_chunk *pools = mid_chunk_take(&c->chunks, CLASSIC_ARENA_BYTES, CLASSIC_POOL_BYTES);
  if (pools == NULL) return NULL;
  struct mid_chunk *header = mid_chunk_take(&c->chunks, sizeof(struct classic_arena), 0);
  if (header == NULL) return mid_chunk_give(&c->chunks, pools), NULL;
  struct classic_arena *a = (struct classic_arena *)(void *)mid_chunk_payload(header);
  *a = (struct classic_arena){.base = mid_chunk_payload(pools), .free_pools = CLASSIC_POOLS};
  c->arena_count++;
  classic_map_arena(c, a);
  classic_arena_link(c, a);
  return a;
}

// One whole arena is kept, for the program that frees its last block and takes it again.
static void classic_arena_close(struct classic *c, struct classic_arena *a) {
  classic_arena_unlink(c, a);
  c->arena_count--;
  mid_chunk_keep(&c->chunks, mid_chunk_of(a->base));
  mid_chunk_give(&c->chunks, mid_chunk_of(a));
  classic_map_all(c);
}

// ---- pools ----

static void classic_pool_link(struct classic *c, struct classic_pool *pool) {
  struct classic_pool **list = &c->used[classic_class_of(pool->block_bytes)];
  pool->prev = NULL;
  pool->next = *list;
  if (pool->next != NULL) pool->next->prev = pool;
  *list = pool;
}

static void classic_pool_unlink(struct classic *c, struct classic_pool *pool) {
  if (pool->next != NULL) pool->next->prev = pool->prev;
  if (pool->prev != NULL)
    pool->prev->next = pool->next;
  else
    c->used[classic_class_of(pool->block_bytes)] = pool->next;
}

static bool classic_pool_can_carve(const struct classic_pool *pool) {
  return pool->carved + pool->block_bytes <= CLASSIC_POOL_BYTES;
}

static struct classic_pool *classic_pool_open(struct classic *c, unsigned klass) {
  struct classic_arena *a =
      c->with_pools == 0 ? classic_arena_open(c) : c->arenas[__builtin_ctzll(c->with_pools) + 1];
  if (a == NULL) return NULL;
  struct classic_pool *pool = a->empty;
  if (pool != NULL)
    a->empty = pool->next;
  else
    pool = (struct classic_pool *)(void *)(a->base + CLASSIC_POOL_BYTES * a->carved++);
  classic_arena_unlink(c, a);
  a->free_pools--;
  classic_arena_link(c, a);
  *pool =
      (struct classic_pool){.arena = a, .carved = sizeof *pool, .block_bytes = (klass + 1) * 16};
  classic_pool_link(c, pool);
  return pool;
}

static void classic_pool_close(struct classic *c, struct classic_pool *pool) {
  struct classic_arena *a = pool->arena;
  classic_pool_unlink(c, pool);
  pool->next = a->empty;
  a->empty = pool;
  classic_arena_unlink(c, a);
  a->free_pools++;
  classic_arena_link(c, a);
  if (a->free_pools == CLASSIC_POOLS) classic_arena_close(c, a);
}

// ---- blocks ----

static void *classic_carve(struct classic_pool *pool) {
  void *block = (char *)pool + pool->carved;
  pool->carved += pool->block_bytes;
  return block;
}

static void *classic_take_small(struct classic *c, unsigned klass) {
  struct classic_pool *pool = c->used[klass];
  if (mid_unlikely(pool == NULL) && (pool = classic_pool_open(c, klass)) == NULL) return NULL;
  pool->used++;
  struct classic_block *block = pool->free;
  if (mid_likely(block != NULL)) {
    pool->free = block->next;
    if (mid_unlikely(pool->free == NULL) && !classic_pool_can_carve(pool))
      classic_pool_unlink(c, pool);
    return block;
  }
  block = classic_carve(pool);
  if (!classic_pool_can_carve(pool)) classic_pool_unlink(c, pool);
  return block;
}

static struct classic_pool *classic_pool_of(const void *p) {
  return (struct classic_pool *)mid_round_down((uintptr_t)p, CLASSIC_POOL_BYTES);
}

// Whether `p`, in a pool, is the start of a block that is not free.
static bool classic_is_live(const struct classic_pool *pool, const void *p) {
  size_t offset = (uintptr_t)p - (uintptr_t)pool;
  if (pool->used == 0 || offset < sizeof *pool || offset >= pool->carved) return false;
  if ((offset - sizeof *pool) % pool->block_bytes != 0) return false;
  const struct classic_block *block = pool->free;
  while (block != NULL && block != p) block = block->next;
  return block == NULL;
}

static void classic_give_small(struct classic *c, void *p) {
  struct classic_pool *pool = classic_pool_of(p);
  MID_ASSERT(classic_is_live(pool, p));
  bool was_full = pool->free == NULL && !classic_pool_can_carve(pool);
  struct classic_block *block = p;
  block->next = pool->free;
  pool->free = block;
  if (mid_unlikely(was_full)) classic_pool_link(c, pool);
  if (mid_unlikely(--pool->used == 0)) classic_pool_close(c, pool);
}

static void *classic_take(struct classic *c, size_t bytes, size_t align) {
  if (mid_likely(bytes <= CLASSIC_SMALL_MOST && align <= 16))
    return classic_take_small(c, classic_class_of(bytes));
  struct mid_chunk *chunk = mid_chunk_take(&c->large, mid_max(bytes, 1), align);
  return chunk == NULL ? NULL : mid_chunk_payload(chunk);
}

void *midden_classic_alloc(midden_classic *classic, size_t bytes) {
  return classic_take(classic_inner(classic), bytes, 16);
}

void midden_classic_free(midden_classic *classic, void *block) {
  struct classic *c = classic_inner(classic);
  if (block == NULL) return;
  if (mid_likely(classic_is_pooled(c, block)))
    classic_give_small(c, block);
  else
    mid_chunk_give(&c->large, mid_chunk_of(block));
}

// ---- as an allocator ----

static struct classic *classic_of(midden_allocator *self) {
  return (struct classic *)(void *)((char *)self - offsetof(struct classic, allocator));
}

static void *classic_as_alloc(midden_allocator *self, size_t bytes, size_t align) {
  align = mid_region_align(align);
  return align == 0 ? NULL : classic_take(classic_of(self), bytes, align);
}

static size_t classic_usable(const struct classic *c, void *p) {
  return classic_is_pooled(c, p) ? classic_pool_of(p)->block_bytes : mid_chunk_of(p)->bytes;
}

// In place while at least three quarters of the block stay in use.
static void *classic_as_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                               size_t align) {
  (void)old_bytes;
  if (p == NULL) return classic_as_alloc(self, bytes, align);
  align = mid_region_align(align);
  if (align == 0) return NULL;
  size_t has = classic_usable(classic_of(self), p);
  if (bytes <= has && bytes >= has - has / 4 && (uintptr_t)p % align == 0) return p;
  return mid_region_move(self, p, has, bytes, align);
}

static void classic_as_free(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  midden_classic_free((midden_classic *)classic_of(self), p);
}

static bool classic_as_owns(midden_allocator *self, const void *p) {
  const struct classic *c = classic_of(self);
  if (classic_is_pooled(c, p)) {
    const struct classic_pool *pool = classic_pool_of(p);
    const struct classic_arena *a = NULL;  // a pool that was never used has no header yet
    for (int i = 0; i < CLASSIC_POOLS && a == NULL; i++)
      for (a = c->arenas[i]; a != NULL; a = a->next)
        if ((uintptr_t)p - (uintptr_t)a->base < a->carved * CLASSIC_POOL_BYTES) break;
    return a != NULL && classic_is_live(pool, p);
  }
  const struct mid_chunk *chunk = mid_chunks_find(&c->large, p);
  return chunk != NULL && p == chunk + 1;
}

static void classic_add_pools(const struct classic_arena *a, midden_stats *stats) {
  for (uint32_t i = 0; i < a->carved; i++) {
    const struct classic_pool *pool =
        (const struct classic_pool *)(void *)(a->base + i * CLASSIC_POOL_BYTES);
    stats->live_blocks += pool->used;
    stats->live_bytes += (size_t)pool->used * pool->block_bytes;
  }
}

midden_stats midden_classic_stats(const midden_classic *classic) {
  const struct classic *c = classic_inner(classic);
  midden_stats stats = {.committed_bytes = c->chunks.held + c->large.held,
                        .peak_bytes = c->chunks.peak + c->large.peak};
  for (int i = 0; i <= CLASSIC_POOLS; i++)
    for (const struct classic_arena *a = c->arenas[i]; a != NULL; a = a->next)
      classic_add_pools(a, &stats);
  for (const struct mid_chunk *l = c->large.first; l != NULL; l = l->next)
    stats.live_blocks++, stats.live_bytes += l->bytes;
  return stats;
}

static midden_stats classic_as_stats(midden_allocator *self) {
  return midden_classic_stats((midden_classic *)classic_of(self));
}

midden_allocator *midden_classic_allocator(midden_classic *classic) {
  return &classic_inner(classic)->allocator;
}

// ---- opening and closing ----

midden_status midden_classic_open(midden_allocator *from, midden_classic **out) {
  struct mid_chunks chunks = mid_chunks_open(from);
  struct mid_chunk *chunk = mid_chunk_take(&chunks, sizeof(struct classic), 0);
  if (chunk == NULL) return MIDDEN_NOMEM;
  struct classic *c = (struct classic *)(void *)mid_chunk_payload(chunk);
  *c = (struct classic){
      .chunks = chunks,
      .large = mid_chunks_open(from),
      .allocator = {"classic", classic_as_alloc, classic_as_resize, classic_as_free,
                    classic_as_owns, classic_as_stats},
  };
  *out = (midden_classic *)c;
  return MIDDEN_OK;
}

void midden_classic_close(midden_classic *classic) {
  if (classic == NULL) return;
  struct classic *c = classic_inner(classic);
  mid_ledger_close(classic);
  mid_chunks_give_all(&c->large);
  struct mid_chunks chunks = c->chunks;  // `c` lies in one of them
  mid_chunks_give_all(&chunks);
}

// ---- the check ----

static const char *classic_pool_broken(const struct classic *c, const struct classic_pool *pool) {
  if (pool->used == 0) return NULL;  // empty: its header is old
  uint32_t blocks = (pool->carved - (uint32_t)sizeof *pool) / pool->block_bytes, free = 0;
  for (const struct classic_block *b = pool->free; b != NULL; b = b->next) {
    if (classic_pool_of(b) != pool) return "a free block lies in another pool";
    if (free++ == blocks) return "a pool's free blocks go round in a ring";
  }
  if (free + pool->used != blocks) return "a pool's blocks are neither free nor used";
  const struct classic_pool *listed = c->used[classic_class_of(pool->block_bytes)];
  while (listed != NULL && listed != pool) listed = listed->next;
  bool can_give = pool->free != NULL || classic_pool_can_carve(pool);
  return can_give == (listed != NULL) ? NULL : "a pool is listed wrongly";
}

static const char *classic_arena_broken(const struct classic *c, const struct classic_arena *a) {
  uint32_t free_pools = CLASSIC_POOLS - a->carved;
  for (const struct classic_pool *pool = a->empty; pool != NULL; pool = pool->next) free_pools++;
  if (free_pools != a->free_pools) return "an arena's count of free pools is wrong";
  for (uint32_t i = 0; i < a->carved; i++) {
    const char *broken =
        classic_pool_broken(c, (struct classic_pool *)(void *)(a->base + i * CLASSIC_POOL_BYTES));
    if (broken != NULL) return broken;
  }
  return classic_is_pooled(c, a->base) && classic_is_pooled(c, a->base + CLASSIC_ARENA_BYTES - 1)
             ? NULL
             : "an arena is not in the map";
}

const char *mid_classic_broken(const midden_classic *classic) {
  const struct classic *c = classic_inner(classic);
  const char *broken = mid_chunks_broken(&c->chunks);
  if (broken == NULL) broken = mid_chunks_broken(&c->large);
  size_t arenas = 0;
  for (uint32_t i = 0; i <= CLASSIC_POOLS && broken == NULL; i++) {
    if (i > 0 && (c->arenas[i] != NULL) != (c->with_pools >> (i - 1) & 1))
      broken = "the bitmap of arenas is wrong";
    for (const struct classic_arena *a = c->arenas[i]; a != NULL && broken == NULL;
         a = a->next, arenas++)
      broken = a->free_pools == i ? classic_arena_broken(c, a) : "an arena is listed wrongly";
  }
  if (broken == NULL && arenas != c->arena_count) broken = "the count of arenas is wrong";
  return broken;
}
