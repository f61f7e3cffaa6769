// region/pool_shared.c -- a pool for any thread: a cache for each, and a depot behind them.
// SPDX-License-Identifier: MIT
//
//   thread 1: cache { loaded, previous } --+
//   thread 2: cache { loaded, previous } --+-- depot: magazines -- blocks: a pool for one thread
//                                               (the lock is held from here on)
//
// A magazine is a list of blocks: of `rounds` of them, or less once when a thread ended.  A cache
// pops and pushes `loaded`; `previous` is full or empty, so that a thread that takes and gives by
// turns at the edge of a magazine goes to the depot once in `rounds` calls at most.
//
//   carved blocks = in the pool's free list + in the depot + in caches + in the program
//
// A thread finds its caches in a small table of its own, by the serial number of the pool, which no
// later pool has again; what the table lost is found under the lock.
#include <errno.h>
#include <stdatomic.h>
#include <threads.h>

#include "base/bits.h"
#include "heap/ledger.h"
#include "os/os.h"
#include "region/pool.h"
#include "region/region.h"

// A free block.  The last two only in the first block of a magazine in the depot.
struct magazine {
  struct midden_pool_block block;
  struct magazine *next;
  size_t rounds;
};
_Static_assert(sizeof(struct magazine) == 32, "the least block of a shared pool");

struct half {
  struct midden_pool_block *first;
  // x: written by the cache's thread alone, read by others for figures; relaxed.
  _Atomic uint32_t xrounds;
};

// Of one thread and one pool, on cache lines of its own.
struct cache {
  _Alignas(64) struct half loaded;
  struct half previous;
  // As in midden_pool, as this thread last saw it under the lock: an older state only sends a block
  // the slow way.  Chunks stay where they are, with all behind them, until the pool is closed.
  uint64_t base, magic, limit;
  const struct mid_chunk *older;  // behind the newest
  uintptr_t thread;               // mid_os_self
  struct cache *next;             // of its pool; under the lock
};

struct midden_shared_pool {
  // Constant, and read on every call.
  uint64_t serial;
  struct mid_pool *pool;
  uint32_t rounds;

  _Alignas(64) struct mid_lock lock;  // of all below, and of what `pool` points to
  struct magazine *depot;
  size_t depot_rounds;
  struct cache *caches;
  midden_shared_pool *next, *prev;  // of all; under shared_all_lock
  midden_allocator allocator;
};

// Apart from the paths that few calls leave, so that those need no stack.
#define SHARED_SLOW MID_RARELY __attribute__((noinline))

enum { SHARED_ROUNDS_MOST = 32, SHARED_SEEN = 4 };

// Lock order: shared_all_lock, a pool's lock, and the locks of where it takes memory from.
static struct mid_lock shared_all_lock;
static midden_shared_pool *shared_all;
static uint64_t shared_last_serial;  // under shared_all_lock
static tss_t shared_ending_key;      // its destructor runs when a thread ends
static bool shared_sees_ends;        // programs may have taken all keys

static __thread struct {
  uint64_t serial;
  struct cache *cache;
} shared_seen[SHARED_SEEN] __attribute__((tls_model("initial-exec")));

// ---- the depot; the lock is held ----

static uint32_t half_rounds(const struct half *half) {
  return atomic_load_explicit(&half->xrounds, memory_order_relaxed);
}

static void half_set(struct half *half, struct midden_pool_block *first, uint32_t rounds) {
  half->first = first;
  atomic_store_explicit(&half->xrounds, rounds, memory_order_relaxed);
}

static void half_swap(struct cache *cache) {
  struct midden_pool_block *first = cache->loaded.first;
  uint32_t rounds = half_rounds(&cache->loaded);
  half_set(&cache->loaded, cache->previous.first, half_rounds(&cache->previous));
  half_set(&cache->previous, first, rounds);
}

static void depot_put(midden_shared_pool *shared, struct half *half) {
  uint32_t rounds = half_rounds(half);
  if (rounds == 0) return;
  struct magazine *magazine = (struct magazine *)half->first;
  magazine->next = shared->depot;
  magazine->rounds = rounds;
  shared->depot = magazine;
  shared->depot_rounds += rounds;
  half_set(half, NULL, 0);
}

static void depot_load(midden_shared_pool *shared, struct half *half) {
  struct magazine *magazine = shared->depot;
  if (magazine != NULL) {
    shared->depot = magazine->next;
    shared->depot_rounds -= magazine->rounds;
    half_set(half, &magazine->block, (uint32_t)magazine->rounds);
    return;
  }
  for (uint32_t rounds = 0; rounds < shared->rounds; rounds++) {
    struct midden_pool_block *block = midden_pool_take(&shared->pool->face);
    if (block == NULL) return;
    *block = (struct midden_pool_block){MIDDEN_POOL_FREE, half->first};
    half_set(half, block, rounds + 1);
  }
}

// ---- caches ----

static struct cache **cache_link(midden_shared_pool *shared, uintptr_t thread) {
  struct cache **link = &shared->caches;
  while (*link != NULL && (*link)->thread != thread) link = &(*link)->next;
  return link;
}

static void cache_look(const midden_shared_pool *shared, struct cache *cache) {
  const midden_pool *face = &shared->pool->face;
  cache->base = face->base, cache->magic = face->magic, cache->limit = face->limit;
  cache->older = shared->pool->chunks.first->next;
}

static struct cache *cache_open(midden_shared_pool *shared, struct cache **link) {
  midden_allocator *from = shared->pool->chunks.from;
  struct cache *cache = from->alloc(from, sizeof *cache, _Alignof(struct cache));
  if (cache == NULL) return NULL;
  *cache = (struct cache){.thread = mid_os_self()};
  cache_look(shared, cache);
  *link = cache;
  return cache;
}

static void cache_close(midden_shared_pool *shared, struct cache **link) {
  struct cache *cache = *link;
  midden_allocator *from = shared->pool->chunks.from;
  *link = cache->next;
  depot_put(shared, &cache->loaded);
  depot_put(shared, &cache->previous);
  from->free(from, cache, sizeof *cache);
}

// The calling thread's cache where its table has it.
static inline struct cache *cache_here(const midden_shared_pool *shared) {
  size_t slot = shared->serial % SHARED_SEEN;
  return mid_likely(shared_seen[slot].serial == shared->serial) ? shared_seen[slot].cache : NULL;
}

// The calling thread's cache, made when it has none; NULL when there is no memory.
static struct cache *cache_find(midden_shared_pool *shared) {
  struct cache *known = cache_here(shared);
  if (known != NULL) return known;
  mid_lock_take(&shared->lock);
  struct cache **link = cache_link(shared, mid_os_self());
  struct cache *cache = *link != NULL ? *link : cache_open(shared, link);
  mid_lock_give(&shared->lock);
  if (cache == NULL) return NULL;
  shared_seen[shared->serial % SHARED_SEEN].serial = shared->serial;
  shared_seen[shared->serial % SHARED_SEEN].cache = cache;
  // Any value: the destructor looks for all caches of its thread.
  if (shared_sees_ends) (void)tss_set(shared_ending_key, cache);
  return cache;
}

static void shared_thread_ended(void *unused) {
  (void)unused;
  uintptr_t thread = mid_os_self();
  mid_lock_take(&shared_all_lock);
  for (midden_shared_pool *shared = shared_all; shared != NULL; shared = shared->next) {
    mid_lock_take(&shared->lock);
    struct cache **link = cache_link(shared, thread);
    if (*link != NULL) cache_close(shared, link);
    mid_lock_give(&shared->lock);
  }
  mid_lock_give(&shared_all_lock);
  for (int i = 0; i < SHARED_SEEN; i++) shared_seen[i].serial = 0;
}

// ---- take and give ----

static void *half_pop(struct half *half) {
  struct midden_pool_block *block = half->first;
  if (mid_unlikely(block->mark != MIDDEN_POOL_FREE)) mid_pool_crime_written(block);
  block->mark = 0;
  half_set(half, block->next, half_rounds(half) - 1);
  return block;
}

static void *depot_take(midden_shared_pool *shared, struct half *half) {
  mid_lock_take(&shared->lock);
  depot_load(shared, half);
  mid_lock_give(&shared->lock);
  return half_rounds(half) == 0 ? NULL : half_pop(half);
}

static void depot_give(midden_shared_pool *shared, struct half *half) {
  mid_lock_take(&shared->lock);
  depot_put(shared, half);
  mid_lock_give(&shared->lock);
}

// The loaded magazine is empty, or the cache is not in the table.
SHARED_SLOW static void *shared_take_slow(midden_shared_pool *shared) {
  struct cache *cache = cache_find(shared);
  struct half rest = {0};
  void *block;
  if (cache == NULL) {
    block = depot_take(shared, &rest);
    depot_give(shared, &rest);
  } else {
    if (half_rounds(&cache->loaded) == 0) half_swap(cache);
    bool has = half_rounds(&cache->loaded) != 0;
    block = has ? half_pop(&cache->loaded) : depot_take(shared, &cache->loaded);
  }
  if (block == NULL) errno = ENOMEM;
  return block;
}

void *midden_shared_pool_take(midden_shared_pool *shared) {
  struct cache *cache = cache_here(shared);
  if (mid_unlikely(cache == NULL || half_rounds(&cache->loaded) == 0))
    return shared_take_slow(shared);
  return half_pop(&cache->loaded);
}

static void half_push(struct half *half, void *p) {
  *(struct midden_pool_block *)p = (struct midden_pool_block){MIDDEN_POOL_FREE, half->first};
  half_set(half, p, half_rounds(half) + 1);
}

// Whether a block starts at `p`, as far as the cache knows; without the lock.
static bool cache_knows(const struct cache *cache, const void *p) {
  if (((uintptr_t)p - cache->base) * cache->magic < cache->limit) return true;
  for (const struct mid_chunk *chunk = cache->older; chunk != NULL; chunk = chunk->next)
    if (((uintptr_t)p - (uintptr_t)(chunk + 1)) * cache->magic < chunk->bytes * cache->magic)
      return true;
  return false;
}

static bool cache_is_full(const midden_shared_pool *shared, const struct cache *cache) {
  return half_rounds(&cache->loaded) == shared->rounds;
}

// `p` is no block of the newest chunk that the cache knows of, the loaded magazine is full, or the
// cache is not in the table.
SHARED_SLOW static void shared_give_slow(midden_shared_pool *shared, void *p) {
  if (p == NULL) return;
  struct cache *cache = cache_find(shared);
  struct half rest = {0};
  if (cache != NULL) {
    if (cache_is_full(shared, cache) && half_rounds(&cache->previous) == 0) half_swap(cache);
    if (!cache_is_full(shared, cache) && cache_knows(cache, p) &&
        ((struct midden_pool_block *)p)->mark != MIDDEN_POOL_FREE)
      return half_push(&cache->loaded, p);
  }
  mid_lock_take(&shared->lock);
  mid_pool_require(shared->pool, p);
  if (cache == NULL) {
    half_push(&rest, p);
    depot_put(shared, &rest);
  } else {
    cache_look(shared, cache);
    if (cache_is_full(shared, cache)) {
      depot_put(shared, &cache->previous);
      half_swap(cache);
    }
    half_push(&cache->loaded, p);
  }
  mid_lock_give(&shared->lock);
}

void midden_shared_pool_give(midden_shared_pool *shared, void *p) {
  struct cache *cache = cache_here(shared);
  if (mid_unlikely(cache == NULL || ((uintptr_t)p - cache->base) * cache->magic >= cache->limit ||
                   ((struct midden_pool_block *)p)->mark == MIDDEN_POOL_FREE ||
                   cache_is_full(shared, cache)))
    return shared_give_slow(shared, p);
  half_push(&cache->loaded, p);
}

// ---- as an allocator ----

static midden_shared_pool *shared_self(midden_allocator *self) {
  return (midden_shared_pool *)((char *)self - offsetof(midden_shared_pool, allocator));
}

static void *shared_alloc(midden_allocator *self, size_t bytes, size_t align) {
  midden_shared_pool *shared = shared_self(self);
  if (!mid_pool_serves(shared->pool->block_bytes, bytes, align)) return NULL;
  return midden_shared_pool_take(shared);
}

static bool shared_owns(midden_allocator *self, const void *p) {
  midden_shared_pool *shared = shared_self(self);
  mid_lock_take(&shared->lock);
  bool has = mid_pool_has(shared->pool, p);
  mid_lock_give(&shared->lock);
  return has && ((const struct midden_pool_block *)p)->mark != MIDDEN_POOL_FREE;
}

static void *shared_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                           size_t align) {
  (void)old_bytes;
  if (p == NULL) return shared_alloc(self, bytes, align);
  MID_REQUIRE(shared_owns(self, p), "foreign pointer", p,
              "it is no block in use of this pool; resize it where it came from");
  return mid_pool_serves(shared_self(self)->pool->block_bytes, bytes, align) ? p : NULL;
}

static void shared_free(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  midden_shared_pool_give(shared_self(self), p);
}

static midden_stats shared_stats(midden_allocator *self) {
  return midden_shared_pool_stats(shared_self(self));
}

midden_allocator *midden_shared_pool_allocator(midden_shared_pool *shared) {
  return &shared->allocator;
}

// Blocks in caches and in the depot; the lock is held.
static size_t shared_waiting(const midden_shared_pool *shared) {
  size_t rounds = shared->depot_rounds;
  for (const struct cache *cache = shared->caches; cache != NULL; cache = cache->next)
    rounds += half_rounds(&cache->loaded) + half_rounds(&cache->previous);
  return rounds;
}

midden_stats midden_shared_pool_stats(midden_shared_pool *shared) {
  mid_lock_take(&shared->lock);
  midden_stats stats = midden_pool_stats(&shared->pool->face);
  stats.live_blocks -= mid_min(stats.live_blocks, shared_waiting(shared));
  stats.live_bytes = stats.live_blocks * shared->pool->block_bytes;
  mid_lock_give(&shared->lock);
  return stats;
}

static const char *half_broken(const midden_shared_pool *shared, const struct midden_pool_block *b,
                               size_t rounds) {
  if (rounds > shared->rounds) return "a magazine has more blocks than it may";
  for (; rounds > 0; rounds--, b = b->next) {
    if (!mid_pool_has(shared->pool, b)) return "a magazine leads out of the pool";
    if (b->mark != MIDDEN_POOL_FREE) return "a free block was written to";
  }
  return NULL;
}

const char *mid_shared_pool_broken(const midden_shared_pool *shared) {
  const char *broken = mid_pool_broken(&shared->pool->face);
  size_t rounds = 0;
  for (const struct cache *c = shared->caches; broken == NULL && c != NULL; c = c->next) {
    broken = half_broken(shared, c->loaded.first, half_rounds(&c->loaded));
    if (broken == NULL) broken = half_broken(shared, c->previous.first, half_rounds(&c->previous));
  }
  for (const struct magazine *m = shared->depot; broken == NULL && m != NULL; m = m->next) {
    broken = half_broken(shared, &m->block, m->rounds);
    rounds += m->rounds;
  }
  if (broken != NULL) return broken;
  return rounds == shared->depot_rounds ? NULL : "the depot's count is wrong";
}

// ---- open and close ----

// A forked child must not find a lock that a thread held which it does not have.
static void shared_fork_before(void) {
  mid_lock_take(&shared_all_lock);
  for (midden_shared_pool *s = shared_all; s != NULL; s = s->next) mid_lock_take(&s->lock);
}
static void shared_fork_after(void) {
  for (midden_shared_pool *s = shared_all; s != NULL; s = s->next) mid_lock_give(&s->lock);
  mid_lock_give(&shared_all_lock);
}

// What other threads had cached is lost to the child: fork may have cut them off amid a change.
static void shared_fork_child(void) {
  for (midden_shared_pool *s = shared_all; s != NULL; s = s->next) {
    s->caches = *cache_link(s, mid_os_self());
    if (s->caches != NULL) s->caches->next = NULL;
  }
  shared_fork_after();
}

static void shared_enlist(midden_shared_pool *shared) {
  mid_lock_take(&shared_all_lock);
  if (shared_last_serial++ == 0) {
    shared_sees_ends = tss_create(&shared_ending_key, shared_thread_ended) == thrd_success;
    mid_os_fork_watch(shared_fork_before, shared_fork_after, shared_fork_child);
  }
  shared->serial = shared_last_serial;
  shared->next = shared_all;
  if (shared->next != NULL) shared->next->prev = shared;
  shared_all = shared;
  mid_lock_give(&shared_all_lock);
}

midden_status midden_shared_pool_open(midden_allocator *from, size_t block_bytes, size_t blocks,
                                      enum midden_pool_kind kind, midden_shared_pool **out) {
  midden_pool *face;
  size_t least = mid_max(block_bytes, sizeof(struct magazine));
  if (block_bytes == 0) return MIDDEN_INVALID;
  midden_status status = midden_pool_open(from, least, blocks, kind, &face);
  if (status != MIDDEN_OK) return status;
  struct mid_pool *pool = mid_pool_of(face);
  midden_shared_pool *shared =
      pool->chunks.from->alloc(pool->chunks.from, sizeof *shared, _Alignof(midden_shared_pool));
  if (shared == NULL) {
    midden_pool_close(face);
    return MIDDEN_NOMEM;
  }
  size_t rounds = kind == MIDDEN_POOL_FIXED ? mid_max(blocks / 64, 1) : SHARED_ROUNDS_MOST;
  *shared = (midden_shared_pool){.rounds = (uint32_t)mid_min(rounds, SHARED_ROUNDS_MOST),
                                 .pool = pool,
                                 .allocator = {"shared pool", shared_alloc, shared_resize,
                                               shared_free, shared_owns, shared_stats}};
  shared_enlist(shared);
  *out = shared;
  return MIDDEN_OK;
}

void midden_shared_pool_close(midden_shared_pool *shared) {
  if (shared == NULL) return;
  mid_ledger_close(shared);
  mid_lock_take(&shared_all_lock);
  if (shared->next != NULL) shared->next->prev = shared->prev;
  if (shared->prev != NULL)
    shared->prev->next = shared->next;
  else
    shared_all = shared->next;
  mid_lock_give(&shared_all_lock);
  midden_allocator *from = shared->pool->chunks.from;
  while (shared->caches != NULL) cache_close(shared, &shared->caches);
  midden_pool_close(&shared->pool->face);
  from->free(from, shared, sizeof *shared);
}
