// region/arena.c -- bump allocation in a chain of chunks, and the way back.
// SPDX-License-Identifier: MIT
//
// What must happen on the way back stands in one list, newest first: marks, destructors, children.
// An entry lies in the arena's own memory, a child's in the child.
//
//   newest --> destructor --> mark --> child --> destructor --> NULL
//
// Chunks are listed newest first too.  The current one is the newest but for large blocks that came
// since, each a chunk of its own.
//
//   live = before + (top - start of the current chunk)
#include "midden/arena.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"
#include "heap/ledger.h"
#include "region/chunk.h"
#include "region/region.h"

// A request needs few chunks of this size, and many arenas of this size need little memory.
#define ARENA_FIRST_BYTES ((size_t)8192)
#define ARENA_MOST_BYTES \
  ((size_t)1 << 20)  // no chunk doubles beyond; a larger one is not kept as spare

struct arena_entry {
  struct arena_entry *older, *newer;
  void (*run)(void *with);  // NULL: a mark
  void *with;
};

struct midden_arena_mark {
  struct arena_entry entry;
  struct mid_chunk *current, *newest;
  uintptr_t top;
  size_t before;
};

struct arena {
  midden_arena hot;
  struct mid_chunks chunks;
  struct mid_chunk *first, *current;  // `first` holds this struct
  size_t before;                      // bytes taken in other chunks than the current
  size_t next_bytes;                  // of the next chunk
  struct arena_entry *newest;
  struct arena_entry in_parent;  // its entry there
  struct arena *parent;          // NULL: none
  bool going_back;               // destructors are running
  midden_allocator allocator;
};

static struct arena *arena_inner(const midden_arena *arena) { return (struct arena *)arena; }

// ---- chunks ----

static uintptr_t arena_chunk_start(const struct arena *a, struct mid_chunk *chunk) {
  uintptr_t payload = (uintptr_t)mid_chunk_payload(chunk);
  return chunk == a->first ? payload + mid_round_up(sizeof *a, 16) : payload;
}

static uintptr_t arena_chunk_end(struct mid_chunk *chunk) {
  return mid_round_down((uintptr_t)mid_chunk_payload(chunk) + chunk->bytes, 16);
}

static void arena_set_current(struct arena *a, struct mid_chunk *chunk, uintptr_t top) {
  a->current = chunk;
  a->hot.bump.top = top;
  a->hot.bump.limit = arena_chunk_end(chunk);
}

static size_t arena_live_bytes(const struct arena *a) {
  return a->before + (a->hot.bump.top - arena_chunk_start(a, a->current));
}

// Give back the chunks that are newer than `newest`; one is kept for the next time that chunks run
// out at this place.
static void arena_give_chunks(struct arena *a, struct mid_chunk *newest) {
  while (a->chunks.first != newest) {
    struct mid_chunk *chunk = a->chunks.first;
    if (chunk->bytes <= ARENA_MOST_BYTES)
      mid_chunk_keep(&a->chunks, chunk);
    else
      mid_chunk_give(&a->chunks, chunk);
  }
}

static void *arena_take_large(struct arena *a, size_t bytes, size_t align) {
  struct mid_chunk *chunk = mid_chunk_take(&a->chunks, mid_round_up(bytes, 16), align);
  if (chunk == NULL) return NULL;
  a->before += mid_round_up(bytes, 16);
  return mid_chunk_payload(chunk);
}

// Go on in a new chunk with room for `bytes`, or in the one that was kept.
static bool arena_next_chunk(struct arena *a, size_t bytes) {
  const struct mid_chunk *spare = a->chunks.spare;
  bool kept = spare != NULL && spare->bytes >= bytes;
  struct mid_chunk *chunk = mid_chunk_take(&a->chunks, kept ? bytes : a->next_bytes, 0);
  if (chunk == NULL) return false;
  a->before = arena_live_bytes(a);
  if (!kept && a->next_bytes < ARENA_MOST_BYTES) a->next_bytes *= 2;
  arena_set_current(a, chunk, arena_chunk_start(a, chunk));
  return true;
}

// ---- taking ----

// From the current chunk; NULL when it has no room.
static void *arena_take_here(struct arena *a, size_t bytes, size_t align) {
  uintptr_t at = mid_round_up(a->hot.bump.top, align);
  if (at < a->hot.bump.top || at > a->hot.bump.limit || bytes > a->hot.bump.limit - at) return NULL;
  a->hot.bump.top = at + mid_round_up(bytes, 16);
  return (void *)at;
}

static void *arena_take(struct arena *a, size_t bytes, size_t align) {
  if (!mid_region_size_is_sane(bytes) || !mid_region_size_is_sane(align)) return NULL;
  bytes = mid_max(bytes, 1);
  void *p = arena_take_here(a, bytes, align);
  if (p != NULL) return p;
  if (bytes + align > a->next_bytes / 2) return arena_take_large(a, bytes, align);
  return arena_next_chunk(a, bytes + align) ? arena_take_here(a, bytes, align) : NULL;
}

void *midden_arena_alloc_slow(midden_arena *arena, size_t bytes) {
  return arena_take(arena_inner(arena), bytes, 16);
}

void *midden_arena_calloc(midden_arena *arena, size_t count, size_t bytes) {
  size_t all;
  if (__builtin_mul_overflow(count, bytes, &all)) return errno = ENOMEM, NULL;
  void *p = midden_arena_alloc(arena, all);
  return p == NULL ? NULL : memset(p, 0, all);
}

void *midden_arena_aligned(midden_arena *arena, size_t align, size_t bytes) {
  if (!mid_is_power(align)) return errno = EINVAL, NULL;
  return arena_take(arena_inner(arena), bytes, mid_max(align, 16));
}

static bool arena_is_newest(const struct arena *a, const void *p, size_t bytes) {
  return p != NULL && bytes != 0 && bytes <= a->hot.bump.top &&
         (uintptr_t)p + mid_round_up(bytes, 16) == a->hot.bump.top &&
         (uintptr_t)p >= arena_chunk_start(a, a->current);
}

// Bytes that may be read at `p`, a block whose size is not known: to the end of its chunk.
static size_t arena_most_at(const struct arena *a, const void *p) {
  struct mid_chunk *chunk = mid_chunks_find(&a->chunks, p);
  MID_REQUIRE(chunk != NULL, "resize of a block that is not the arena's", p,
              "hand over what midden_arena_alloc returned");
  return arena_chunk_end(chunk) - (uintptr_t)p;
}

static void *arena_resize(struct arena *a, void *p, size_t old_bytes, size_t bytes, size_t align) {
  bool aligned = mid_round_down((uintptr_t)p, align) == (uintptr_t)p;
  if (aligned && arena_is_newest(a, p, old_bytes) && bytes <= a->hot.bump.limit - (uintptr_t)p) {
    a->hot.bump.top = (uintptr_t)p + mid_round_up(mid_max(bytes, 1), 16);
    return p;
  }
  if (p != NULL && aligned && old_bytes != 0 && bytes <= old_bytes) return p;
  void *moved = arena_take(a, bytes, align);
  if (moved == NULL || p == NULL) return moved;
  // What may be read of an unknown size may reach into the new block.
  return memmove(moved, p, mid_min(old_bytes != 0 ? old_bytes : arena_most_at(a, p), bytes));
}

void *midden_arena_resize(midden_arena *arena, void *p, size_t old_bytes, size_t bytes) {
  return arena_resize(arena_inner(arena), p, old_bytes, bytes, 16);
}

// ---- text ----

char *midden_arena_strdup(midden_arena *arena, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *copy = midden_arena_alloc(arena, bytes);
  return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

// Printed into what is free of the chunk, which mostly is enough, and else once more.
char *midden_arena_vsprintf(midden_arena *arena, const char *format, va_list values) {
  va_list again;
  va_copy(again, values);
  size_t room = arena->bump.limit - arena->bump.top;
  int length = vsnprintf(room == 0 ? NULL : (char *)arena->bump.top, room, format, values);
  char *text = length < 0 ? NULL : midden_arena_alloc(arena, (size_t)length + 1);
  if (text != NULL && (size_t)length >= room) vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

char *midden_arena_sprintf(midden_arena *arena, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *text = midden_arena_vsprintf(arena, format, values);
  va_end(values);
  return text;
}

// ---- the way back ----

static void arena_entry_push(struct arena *a, struct arena_entry *entry) {
  entry->newer = NULL;
  entry->older = a->newest;
  if (a->newest != NULL) a->newest->newer = entry;
  a->newest = entry;
}

static void arena_entry_drop(struct arena *a, struct arena_entry *entry) {
  if (entry->older != NULL) entry->older->newer = entry->newer;
  if (entry->newer != NULL)
    entry->newer->older = entry->older;
  else
    a->newest = entry->older;
}

// Deal with every entry newer than `last`.  What runs may add some, and close children.
static void arena_unwind(struct arena *a, const struct arena_entry *last) {
  a->going_back = true;
  while (a->newest != last) {
    struct arena_entry *entry = a->newest;
    arena_entry_drop(a, entry);
    if (entry->run != NULL) entry->run(entry->with);
  }
  a->going_back = false;
}

static void arena_require_idle(const struct arena *a) {
  MID_REQUIRE(!a->going_back, "an arena given back by one of its own destructors", a,
              "a destructor may not reset, close or go back in the arena that calls it");
}

midden_arena_mark *midden_arena_here(midden_arena *arena) {
  midden_arena_mark *mark = midden_arena_alloc(arena, sizeof *mark);
  if (mark == NULL) return NULL;
  struct arena *a = arena_inner(arena);
  *mark = (midden_arena_mark){.current = a->current,
                              .newest = a->chunks.first,
                              .top = a->hot.bump.top,
                              .before = a->before};
  arena_entry_push(a, &mark->entry);
  return mark;
}

void midden_arena_back(midden_arena *arena, midden_arena_mark *mark) {
  struct arena *a = arena_inner(arena);
  arena_require_idle(a);
  const struct arena_entry *entry = a->newest;
  while (entry != NULL && entry != &mark->entry) entry = entry->older;
  MID_REQUIRE(entry != NULL && entry->run == NULL, "going back to a mark that is gone", mark,
              "it died when its arena went back past it, or belongs to another arena");
  arena_unwind(a, entry);
  arena_give_chunks(a, mark->newest);
  a->before = mark->before;
  arena_set_current(a, mark->current, mark->top);
}

void midden_arena_back_past(midden_arena *arena, midden_arena_mark *mark) {
  midden_arena_back(arena, mark);
  arena_entry_drop(arena_inner(arena), &mark->entry);
  arena->bump.top = (uintptr_t)mark;  // it is the last that is left
}

midden_status midden_arena_defer(midden_arena *arena, void (*run)(void *with), void *with) {
  struct arena_entry *entry = midden_arena_alloc(arena, sizeof *entry);
  if (entry == NULL) return MIDDEN_NOMEM;
  *entry = (struct arena_entry){.run = run, .with = with};
  arena_entry_push(arena_inner(arena), entry);
  return MIDDEN_OK;
}

void midden_arena_reset(midden_arena *arena) {
  struct arena *a = arena_inner(arena);
  arena_require_idle(a);
  arena_unwind(a, NULL);
  arena_give_chunks(a, a->first);
  a->before = 0;
  arena_set_current(a, a->first, arena_chunk_start(a, a->first));
}

// ---- opening and closing ----

static void *arena_as_alloc(midden_allocator *self, size_t bytes, size_t align);
static void *arena_as_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                             size_t align);
static void arena_as_free(midden_allocator *self, void *p, size_t bytes);
static bool arena_as_owns(midden_allocator *self, const void *p);
static midden_stats arena_as_stats(midden_allocator *self);

midden_status midden_arena_open(midden_allocator *from, size_t chunk_bytes, midden_arena **out) {
  if (chunk_bytes > PTRDIFF_MAX / 2) return MIDDEN_INVALID;
  size_t bytes =
      mid_max(chunk_bytes == 0 ? ARENA_FIRST_BYTES : chunk_bytes, 2 * sizeof(struct arena));
  struct mid_chunks chunks = mid_chunks_open(from);
  struct mid_chunk *first = mid_chunk_take(&chunks, bytes, 0);
  if (first == NULL) return MIDDEN_NOMEM;
  struct arena *a = (struct arena *)(void *)mid_chunk_payload(first);
  *a = (struct arena){
      .chunks = chunks,
      .first = first,
      .next_bytes = bytes < ARENA_MOST_BYTES ? 2 * bytes : bytes,
      .allocator = {"arena", arena_as_alloc, arena_as_resize, arena_as_free, arena_as_owns,
                    arena_as_stats},
  };
  arena_set_current(a, first, arena_chunk_start(a, first));
  *out = &a->hot;
  return MIDDEN_OK;
}

static void arena_close_child(void *child) {
  arena_inner(child)->parent = NULL;  // which has dropped the entry already
  midden_arena_close(child);
}

midden_status midden_arena_child(midden_arena *parent, midden_arena **out) {
  midden_status status = midden_arena_open(arena_inner(parent)->chunks.from, 0, out);
  if (status != MIDDEN_OK) return status;
  struct arena *a = arena_inner(*out);
  a->parent = arena_inner(parent);
  a->in_parent = (struct arena_entry){.run = arena_close_child, .with = *out};
  arena_entry_push(a->parent, &a->in_parent);
  return MIDDEN_OK;
}

void midden_arena_close(midden_arena *arena) {
  if (arena == NULL) return;
  struct arena *a = arena_inner(arena);
  arena_require_idle(a);
  arena_unwind(a, NULL);
  mid_ledger_close(arena);
  if (a->parent != NULL) arena_entry_drop(a->parent, &a->in_parent);
  struct mid_chunks chunks = a->chunks;  // `a` lies in one of them
  mid_chunks_give_all(&chunks);
}

// ---- as an allocator ----

static struct arena *arena_of(midden_allocator *self) {
  return (struct arena *)(void *)((char *)self - offsetof(struct arena, allocator));
}

static void *arena_as_alloc(midden_allocator *self, size_t bytes, size_t align) {
  align = mid_region_align(align);
  return align == 0 ? NULL : arena_take(arena_of(self), bytes, align);
}

static void *arena_as_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                             size_t align) {
  align = mid_region_align(align);
  return align == 0 ? NULL : arena_resize(arena_of(self), p, old_bytes, bytes, align);
}

static void arena_as_free(midden_allocator *self, void *p, size_t bytes) {
  struct arena *a = arena_of(self);
  if (arena_is_newest(a, p, bytes)) a->hot.bump.top = (uintptr_t)p;
}

static bool arena_as_owns(midden_allocator *self, const void *p) {
  const struct arena *a = arena_of(self);
  struct mid_chunk *chunk = mid_chunks_find(&a->chunks, p);
  if (chunk == NULL || (uintptr_t)p < arena_chunk_start(a, chunk)) return false;
  return chunk != a->current || (uintptr_t)p < a->hot.bump.top;
}

midden_stats midden_arena_stats(const midden_arena *arena) {
  const struct arena *a = arena_inner(arena);
  return (midden_stats){.live_bytes = arena_live_bytes(a),
                        .committed_bytes = a->chunks.held,
                        .peak_bytes = a->chunks.peak};
}

static midden_stats arena_as_stats(midden_allocator *self) {
  return midden_arena_stats(&arena_of(self)->hot);
}

midden_allocator *midden_arena_allocator(midden_arena *arena) {
  return &arena_inner(arena)->allocator;
}

// ---- the check ----

static const char *arena_entries_broken(const struct arena *a) {
  const struct arena_entry *newer = NULL;
  for (const struct arena_entry *e = a->newest; e != NULL; newer = e, e = e->older) {
    if (e->newer != newer) return "an entry of the way back does not know the newer one";
    bool is_child = e->run == arena_close_child;
    if (is_child && arena_inner(e->with)->parent != a) return "a child has another parent";
    if (!is_child && mid_chunks_find(&a->chunks, e) == NULL) return "an entry lies elsewhere";
  }
  return NULL;
}

const char *mid_arena_broken(const midden_arena *arena) {
  const struct arena *a = arena_inner(arena);
  const char *broken = mid_chunks_broken(&a->chunks);
  if (broken != NULL) return broken;
  if (mid_chunks_find(&a->chunks, a) != a->first) return "the first chunk does not hold the arena";
  if (a->hot.bump.limit != arena_chunk_end(a->current))
    return "the limit is not the current chunk's end";
  if (a->hot.bump.top % 16 != 0) return "the top is not aligned to 16";
  if (a->hot.bump.top < arena_chunk_start(a, a->current) || a->hot.bump.top > a->hot.bump.limit)
    return "the top lies outside the current chunk";
  if (arena_live_bytes(a) > a->chunks.held) return "more is taken than held";
  return arena_entries_broken(a);
}
