// region/slab.c -- the object cache: slabs of constructed objects.
// SPDX-License-Identifier: MIT
//
//   slab, aligned to its size                     colour        stride
//   +-------------+---------------------------+--------+--------+--------+-----+------+
//   | struct slab | link[0 .. capacity - 1]   |        | object | object | ... |      |
//   +-------------+---------------------------+--------+--------+--------+-----+------+
//
// Nothing of ours may lie in an object, as it stays constructed while it is free: link[i] is the
// number of the next free object behind object i, or SLAB_TAKEN.  Objects are made one by one:
//
//   made = taken + in the free list, of each slab        made <= capacity
//
// The cache takes from `current`.  A slab is in the list `partial` (it has objects to give),
// `empty` (no object is taken), or in none (all are taken).  A table of the slabs' addresses tells
// whether a pointer is into any, without reading what it points to.
#include "midden/slab.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/ledger.h"
#include "os/os.h"
#include "region/chunk.h"
#include "region/region.h"

enum slab_list { SLAB_FULL, SLAB_CURRENT, SLAB_PARTIAL, SLAB_EMPTY };

enum {
  SLAB_END = UINT16_MAX,        // no object
  SLAB_TAKEN = UINT16_MAX - 1,  // of a link: the object is the program's
  SLAB_LEAST_BYTES = 8192,
  SLAB_LEAST_OBJECTS = 16,  // so that at most a sixteenth is left over at the end
  SLAB_OBJECT_MOST = 65536,
  SLAB_CACHE_LINE = 64,
  // Slabs that are kept without an object in use: so many bytes of them, and an eighth of all. With
  // less, a program that takes and gives a hundred objects by turns has them made anew each time.
  SLAB_SPARE_BYTES = 65536,
};

struct slab {
  struct slab *next, *prev;  // in one of its cache's lists
  char *objects;
  uint32_t taken, made;
  uint16_t free;  // the first free object
  uint8_t list;
  uint16_t link[];
};

struct midden_slab {
  struct slab *current;
  size_t stride;        // bytes from one object to the next
  uint64_t reciprocal;  // of the stride: object number = offset * reciprocal >> 40
  uint32_t capacity;    // objects of a slab
  size_t slab_bytes;    // a power of two
  uintptr_t base_mask;  // ~(slab_bytes - 1)
  unsigned slab_log;    // of which this is the logarithm
  uintptr_t *table;     // slabs, by address, or SLAB_NOWHERE
  size_t table_mask;
  size_t slabs, empties;
  struct slab *partial, *empty;
  size_t objects_at, colour, colour_step, colour_most;  // bytes
  midden_slab_type type;
  midden_allocator *from;
  size_t held, peak;           // bytes
  uintptr_t thread;            // mid_os_self of the thread that opened it
  midden_slab *older, *newer;  // of all caches; under slab_all_lock
  midden_allocator allocator;
};

static struct mid_lock slab_all_lock;
static midden_slab *slab_all;

// The current slab of a cache that has none: nothing is free in it, and no object can be made.
static struct slab slab_none = {.free = SLAB_END, .made = UINT32_MAX};

// ---- the table of slabs ----

// No slab is there.  Not 0, which is where a wild pointer may seem to have its slab.
#define SLAB_NOWHERE ((uintptr_t)1)

static size_t slab_table_place(const midden_slab *cache, uintptr_t base) {
  return base >> cache->slab_log & cache->table_mask;
}

static size_t slab_table_find(const midden_slab *cache, uintptr_t base) {
  size_t i = slab_table_place(cache, base);
  while (cache->table[i] != SLAB_NOWHERE && cache->table[i] != base)
    i = (i + 1) & cache->table_mask;
  return i;
}

// What lies behind a place that is freed moves up, unless it would move before its own place.
static void slab_table_drop(midden_slab *cache, uintptr_t base) {
  size_t hole = slab_table_find(cache, base), mask = cache->table_mask;
  for (size_t i = (hole + 1) & mask; cache->table[i] != SLAB_NOWHERE; i = (i + 1) & mask) {
    size_t own = slab_table_place(cache, cache->table[i]);
    if (((i - own) & mask) < ((i - hole) & mask)) continue;
    cache->table[hole] = cache->table[i];
    hole = i;
  }
  cache->table[hole] = SLAB_NOWHERE;
}

static void slab_hold(midden_slab *cache, size_t bytes) {
  cache->held += bytes;
  cache->peak = mid_max(cache->peak, cache->held);
}

// Room for twice as many slabs in the table; at most half of it is used.
static bool slab_table_grow(midden_slab *cache) {
  size_t old_places = cache->table == NULL ? 0 : cache->table_mask + 1;
  size_t places = mid_max(2 * old_places, 8);
  uintptr_t *old = cache->table,
            *table = cache->from->alloc(cache->from, places * sizeof *table, 0);
  if (table == NULL) return false;
  for (size_t i = 0; i < places; i++) table[i] = SLAB_NOWHERE;
  cache->table = table;
  cache->table_mask = places - 1;
  for (size_t i = 0; i < old_places; i++)
    if (old[i] != SLAB_NOWHERE) table[slab_table_find(cache, old[i])] = old[i];
  cache->from->free(cache->from, old, old_places * sizeof *old);
  slab_hold(cache, (places - old_places) * sizeof *table);
  return true;
}

// ---- slabs ----

static void slab_push(struct slab **first, struct slab *slab, enum slab_list list) {
  slab->list = (uint8_t)list;
  slab->prev = NULL;
  slab->next = *first;
  if (*first != NULL) (*first)->prev = slab;
  *first = slab;
}

static void slab_unlink(struct slab **first, struct slab *slab) {
  if (slab->next != NULL) slab->next->prev = slab->prev;
  if (slab->prev != NULL)
    slab->prev->next = slab->next;
  else
    *first = slab->next;
}

static char *slab_object(const midden_slab *cache, const struct slab *slab, size_t i) {
  return slab->objects + i * cache->stride;
}

static struct slab *slab_new(midden_slab *cache) {
  if (2 * (cache->slabs + 1) > cache->table_mask + 1 && !slab_table_grow(cache)) return NULL;
  struct slab *slab = cache->from->alloc(cache->from, cache->slab_bytes, cache->slab_bytes);
  if (slab == NULL) return NULL;
  slab_hold(cache, cache->slab_bytes);
  *slab =
      (struct slab){.free = SLAB_END, .objects = (char *)slab + cache->objects_at + cache->colour};
  cache->colour += cache->colour_step;
  if (cache->colour > cache->colour_most) cache->colour = 0;
  cache->table[slab_table_find(cache, (uintptr_t)slab)] = (uintptr_t)slab;
  cache->slabs++;
  return slab;
}

// Destruct its objects and give it back; it is in no list.
static void slab_drop(midden_slab *cache, struct slab *slab) {
  if (cache->type.destruct != NULL)
    for (size_t i = 0; i < slab->made; i++)
      cache->type.destruct(slab_object(cache, slab, i), cache->type.context);
  slab_table_drop(cache, (uintptr_t)slab);
  cache->slabs--;
  cache->held -= cache->slab_bytes;
  cache->from->free(cache->from, slab, cache->slab_bytes);
}

static void slab_drop_empty(midden_slab *cache) {
  struct slab *slab = cache->empty;
  slab_unlink(&cache->empty, slab);
  cache->empties--;
  slab_drop(cache, slab);
}

size_t midden_slab_reclaim(midden_slab *cache) {
  size_t before = cache->held;
  while (cache->empty != NULL) slab_drop_empty(cache);
  struct slab *current = cache->current;
  if (current != &slab_none && current->taken == 0) {
    cache->current = &slab_none;
    slab_drop(cache, current);
  }
  return before - cache->held;
}

static bool slab_has_unused(const midden_slab *cache) {
  return cache->empty != NULL || (cache->current != &slab_none && cache->current->taken == 0);
}

// Memory is short: what this thread's caches do not use goes back to where it came from.  Without
// the lock, as destructors may open and close caches.
MID_RARELY static bool slab_reclaim_all(void) {
  for (bool some = false;; some = true) {
    mid_lock_take(&slab_all_lock);
    midden_slab *cache = slab_all;
    while (cache != NULL && !(cache->thread == mid_os_self() && slab_has_unused(cache)))
      cache = cache->older;
    mid_lock_give(&slab_all_lock);
    if (cache == NULL) return some;
    midden_slab_reclaim(cache);
  }
}

// ---- take ----

// Make the next object of the current slab, and take it.
static void *slab_make(midden_slab *cache) {
  struct slab *slab = cache->current;
  char *object = slab_object(cache, slab, slab->made);
  if (cache->type.construct != NULL && !cache->type.construct(object, cache->type.context))
    return errno = ENOMEM, NULL;
  slab->link[slab->made++] = SLAB_TAKEN;
  slab->taken++;
  return object;
}

// Another current slab, the present one having no more to give; false when there is no memory.
static bool slab_renew(midden_slab *cache) {
  if (cache->current != &slab_none) cache->current->list = SLAB_FULL;
  cache->current = &slab_none;
  struct slab *slab = cache->partial;
  if (slab != NULL) {
    slab_unlink(&cache->partial, slab);
  } else if ((slab = cache->empty) != NULL) {
    slab_unlink(&cache->empty, slab);
    cache->empties--;
  } else if ((slab = slab_new(cache)) == NULL && slab_reclaim_all()) {
    slab = slab_new(cache);
  }
  if (slab == NULL) return errno = ENOMEM, false;
  slab->list = SLAB_CURRENT;
  cache->current = slab;
  return true;
}

__attribute__((noinline)) static void *slab_take_slow(midden_slab *cache) {
  if (cache->current->made >= cache->capacity && !slab_renew(cache)) return NULL;
  return cache->current->free != SLAB_END ? midden_slab_take(cache) : slab_make(cache);
}

void *midden_slab_take(midden_slab *cache) {
  struct slab *slab = cache->current;
  size_t i = slab->free;
  if (mid_unlikely(i == SLAB_END)) return slab_take_slow(cache);
  slab->free = slab->link[i];
  slab->link[i] = SLAB_TAKEN;
  slab->taken++;
  return slab_object(cache, slab, i);
}

// ---- give ----

static inline uintptr_t slab_base(const midden_slab *cache, const void *p) {
  return (uintptr_t)p & cache->base_mask;
}

__attribute__((noinline)) static bool slab_is_elsewhere(const midden_slab *cache, uintptr_t base) {
  return cache->table[slab_table_find(cache, base)] == base;
}

static inline bool slab_is_known(const midden_slab *cache, uintptr_t base) {
  if (mid_likely(cache->table[slab_table_place(cache, base)] == base)) return true;
  return slab_is_elsewhere(cache, base);
}

// Whether an object of the slab starts at `p`, and its number.
static inline bool slab_number(const midden_slab *cache, const struct slab *slab, const void *p,
                               size_t *number) {
  size_t off = (size_t)((const char *)p - slab->objects), i = off * cache->reciprocal >> 40;
  *number = i;
  return i < slab->made && i * cache->stride == off;
}

// The slab of a taken object and its number; NULL when `p` is none.
static inline struct slab *slab_of(const midden_slab *cache, const void *p, size_t *number) {
  struct slab *slab = (struct slab *)slab_base(cache, p);
  if (mid_unlikely(!slab_is_known(cache, (uintptr_t)slab))) return NULL;
  if (mid_unlikely(!slab_number(cache, slab, p, number))) return NULL;
  return mid_likely(slab->link[*number] == SLAB_TAKEN) ? slab : NULL;
}

// A slab that was full has something to give, or nothing of it is in use any more.
__attribute__((noinline)) static void slab_give_slow(midden_slab *cache, struct slab *slab) {
  if (slab->list == SLAB_FULL) slab_push(&cache->partial, slab, SLAB_PARTIAL);
  if (slab->list == SLAB_CURRENT || slab->taken > 0) return;
  slab_unlink(&cache->partial, slab);
  slab_push(&cache->empty, slab, SLAB_EMPTY);
  cache->empties++;
  size_t spare = mid_max(SLAB_SPARE_BYTES >> cache->slab_log, 1);
  while (cache->empties > spare + cache->slabs / 8) slab_drop_empty(cache);
}

// What is no taken object: NULL, or the end.
MID_RARELY __attribute__((noinline)) static void slab_give_none(const midden_slab *cache,
                                                                const void *p) {
  size_t i;
  if (p == NULL) return;
  uintptr_t base = slab_base(cache, p);
  MID_REQUIRE(slab_is_known(cache, base), "foreign pointer", p,
              "it is not of this cache; give it to the allocator it came from");
  MID_REQUIRE(slab_number(cache, (const struct slab *)base, p, &i), "not a block's start", p,
              "no object of this cache begins there; give the pointer that was taken");
  mid_crime("double free", p, "this object is free already; look for its second owner");
}

void midden_slab_give(midden_slab *cache, void *object) {
  size_t i;
  struct slab *slab = slab_of(cache, object, &i);
  if (mid_unlikely(slab == NULL)) return slab_give_none(cache, object);
  slab->link[i] = slab->free;
  slab->free = (uint16_t)i;
  if (mid_unlikely(--slab->taken == 0 || slab->list == SLAB_FULL)) slab_give_slow(cache, slab);
}

// ---- as an allocator ----

static midden_slab *slab_self(midden_allocator *self) {
  return (midden_slab *)((char *)self - offsetof(midden_slab, allocator));
}

static bool slab_serves(const midden_slab *cache, size_t bytes, size_t align) {
  align = mid_region_align(align);
  if (align == 0) return false;
  if (bytes <= cache->type.bytes && align <= cache->type.align) return true;
  errno = ENOMEM;
  return false;
}

static void *slab_alloc(midden_allocator *self, size_t bytes, size_t align) {
  midden_slab *cache = slab_self(self);
  return slab_serves(cache, bytes, align) ? midden_slab_take(cache) : NULL;
}

static void *slab_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                         size_t align) {
  (void)old_bytes;
  if (p == NULL) return slab_alloc(self, bytes, align);
  size_t i;
  if (slab_of(slab_self(self), p, &i) == NULL) slab_give_none(slab_self(self), p);
  return slab_serves(slab_self(self), bytes, align) ? p : NULL;
}

static void slab_free(midden_allocator *self, void *p, size_t bytes) {
  (void)bytes;
  midden_slab_give(slab_self(self), p);
}

static bool slab_owns(midden_allocator *self, const void *p) {
  size_t i;
  return slab_of(slab_self(self), p, &i) != NULL;
}

static midden_stats slab_stats(midden_allocator *self) {
  return midden_slab_stats(slab_self(self));
}

midden_allocator *midden_slab_allocator(midden_slab *cache) { return &cache->allocator; }

midden_stats midden_slab_stats(const midden_slab *cache) {
  midden_stats stats = {.committed_bytes = cache->held, .peak_bytes = cache->peak};
  for (size_t i = 0; i <= cache->table_mask; i++)
    if (cache->table[i] != SLAB_NOWHERE)
      stats.live_blocks += ((struct slab *)cache->table[i])->taken;
  stats.live_bytes = stats.live_blocks * cache->type.bytes;
  return stats;
}

static const char *slab_one_broken(const midden_slab *cache, const struct slab *slab) {
  uint32_t free = 0, taken = 0;
  if (slab->made > cache->capacity) return "a slab has more objects than there is room for";
  for (uint16_t i = slab->free; i != SLAB_END; i = slab->link[i])
    if (i >= slab->made || free++ >= slab->made) return "a slab's free list leads out of it";
  for (uint32_t i = 0; i < slab->made; i++) taken += slab->link[i] == SLAB_TAKEN;
  if (taken != slab->taken || taken + free != slab->made) return "a slab's counts are wrong";
  if (slab->list == SLAB_FULL && free > 0) return "a slab in no list has objects to give";
  if ((slab->list == SLAB_EMPTY) != (taken == 0 && slab->list != SLAB_CURRENT))
    return "a slab is in the wrong list";
  return (slab == cache->current) == (slab->list == SLAB_CURRENT) ? NULL : "two slabs are current";
}

const char *mid_slab_broken(const midden_slab *cache) {
  size_t slabs = 0, empties = 0;
  for (size_t i = 0; i <= cache->table_mask; i++) {
    if (cache->table[i] == SLAB_NOWHERE) continue;
    const struct slab *slab = (const struct slab *)cache->table[i];
    if (slab_table_find(cache, cache->table[i]) != i) return "the table of slabs does not find one";
    const char *broken = slab_one_broken(cache, slab);
    if (broken != NULL) return broken;
    slabs++, empties += slab->list == SLAB_EMPTY;
  }
  if (slab_none.free != SLAB_END) return "no slab at all has objects to give";
  if (slabs != cache->slabs || empties != cache->empties) return "the counts of slabs are wrong";
  return cache->held <= cache->peak ? NULL : "more is held than the most there was";
}

// ---- open and close ----

// Sizes of a slab of `type`; false for a type that cannot be.
static bool slab_measure(midden_slab *cache, midden_slab_type type) {
  if (type.align == 0) type.align = 16;
  if (type.bytes == 0 || type.bytes > SLAB_OBJECT_MOST) return false;
  if (!mid_is_power(type.align) || type.align > 4096) return false;
  type.align = mid_max(type.align, 16);
  cache->type = type;
  cache->stride = mid_round_up(type.bytes, type.align);
  cache->reciprocal = ((uint64_t)1 << 40) / cache->stride + 1;
  size_t wanted = SLAB_LEAST_OBJECTS * cache->stride;
  cache->slab_bytes = SLAB_LEAST_BYTES;
  while (cache->slab_bytes < wanted) cache->slab_bytes *= 2;
  cache->slab_log = mid_log2(cache->slab_bytes);
  cache->base_mask = ~(uintptr_t)(cache->slab_bytes - 1);
  size_t each = cache->stride + sizeof(uint16_t);
  size_t room = cache->slab_bytes - sizeof(struct slab) - type.align;
  cache->capacity = (uint32_t)(room / each);
  cache->objects_at =
      mid_round_up(sizeof(struct slab) + cache->capacity * sizeof(uint16_t), type.align);
  cache->colour_step = mid_max(type.align, SLAB_CACHE_LINE);
  cache->colour_most = cache->slab_bytes - cache->objects_at - cache->capacity * cache->stride;
  return true;
}

static void slab_enlist(midden_slab *cache) {
  mid_lock_take(&slab_all_lock);
  cache->thread = mid_os_self();
  cache->older = slab_all;
  if (slab_all != NULL) slab_all->newer = cache;
  slab_all = cache;
  mid_lock_give(&slab_all_lock);
}

static void slab_delist(midden_slab *cache) {
  mid_lock_take(&slab_all_lock);
  if (cache->older != NULL) cache->older->newer = cache->newer;
  if (cache->newer != NULL)
    cache->newer->older = cache->older;
  else
    slab_all = cache->older;
  mid_lock_give(&slab_all_lock);
}

midden_status midden_slab_open(midden_allocator *from, const midden_slab_type *type,
                               midden_slab **out) {
  midden_slab sized = {
      .current = &slab_none,
      .from = from != NULL ? from : midden_allocator_malloc(),
      .allocator = {"slab", slab_alloc, slab_resize, slab_free, slab_owns, slab_stats}};
  if (!slab_measure(&sized, *type)) return MIDDEN_INVALID;
  if (!slab_table_grow(&sized)) return MIDDEN_NOMEM;
  midden_slab *cache = sized.from->alloc(sized.from, sizeof *cache, 0);
  if (cache == NULL) {
    sized.from->free(sized.from, sized.table, (sized.table_mask + 1) * sizeof *sized.table);
    return MIDDEN_NOMEM;
  }
  *cache = sized;
  slab_hold(cache, sizeof *cache);
  slab_enlist(cache);
  *out = cache;
  return MIDDEN_OK;
}

void midden_slab_close(midden_slab *cache) {
  if (cache == NULL) return;
  mid_ledger_close(cache);
  slab_delist(cache);
  while (cache->slabs > 0)
    for (size_t i = 0; i <= cache->table_mask; i++)
      if (cache->table[i] != SLAB_NOWHERE) slab_drop(cache, (struct slab *)cache->table[i]);
  cache->from->free(cache->from, cache->table, (cache->table_mask + 1) * sizeof *cache->table);
  cache->from->free(cache->from, cache, sizeof *cache);
}
