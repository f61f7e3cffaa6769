/* midden/arena.h -- allocate many objects, free them all at once.
 * SPDX-License-Identifier: MIT
 *
 *     chunk 0                chunk 1                      chunk 2 (current)
 *     +-----------------+    +---------------------+      +------------+-----------------+
 *     | arena | objects |<---| objects             |<-----| objects    | free            |
 *     +-----------------+    +---------------------+      +------------+-----------------+
 *                                                                      ^ top             ^ limit
 *
 * Taking memory adds to `top`; a chunk that is full is followed by one of twice its size, up to
 * 1 MiB, and what is larger than half a chunk gets a chunk for itself.  Single objects are not
 * freed: the arena goes back to a mark, is reset, or is closed.  On the way back, destructors that
 * were registered since are called, the newest first, before any memory goes.
 *
 * threads  an arena belongs to one thread at a time
 * source   D. R. Hanson, "Fast allocation and deallocation of memory based on object lifetimes",
 *          Software: Practice and Experience 20(1), 1990
 */
#ifndef MIDDEN_ARENA_H
#define MIDDEN_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "midden/allocator.h"
#include "midden/bump.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What inline code sees of an arena: the free part of the current chunk. */
typedef struct midden_arena {
  midden_bump bump;
} midden_arena;

typedef struct midden_arena_mark midden_arena_mark;

/* Open an empty arena.
 * from         where its chunks come from; NULL: malloc of this library
 * chunk_bytes  of the first chunk, in bytes; 0: 8 KiB
 * out          written only on MIDDEN_OK
 * errors       MIDDEN_NOMEM; MIDDEN_INVALID if chunk_bytes is over PTRDIFF_MAX / 2
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_arena_open(midden_allocator *from,
                                                          size_t chunk_bytes, midden_arena **out);

/* Open an arena that is closed when `parent` is closed, is reset, or goes back to a mark older than
 * the child; it may be closed before.  Its chunks are its own, from where the parent's come from.
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_arena_child(midden_arena *parent,
                                                           midden_arena **out);

/* Run all destructors, close all children, and give every chunk back.  NULL is ignored. */
MIDDEN_API void midden_arena_close(midden_arena *arena);

/* As close, but the arena stays, empty, with its first chunk and at most one more for the next
 * use.
 */
MIDDEN_API void midden_arena_reset(midden_arena *arena);

/* The way when the current chunk has no room.  Call midden_arena_alloc. */
MIDDEN_API void *midden_arena_alloc_slow(midden_arena *arena, size_t bytes);

/* Take `bytes` (0 gives a unique block), aligned to 16, contents undefined.
 * returns  NULL and ENOMEM when out of memory or when bytes is over PTRDIFF_MAX / 2
 * cost     5 instructions when `bytes` is a constant
 */
MIDDEN_MEMORY MIDDEN_SIZED(2) static inline void *midden_arena_alloc(midden_arena *arena,
                                                                     size_t bytes) {
  void *block;
  if (midden_bump_take(&arena->bump, bytes, &block)) return block;
  return midden_arena_alloc_slow(arena, bytes);
}

/* As midden_arena_alloc for count * bytes, zeroed; an overflowing product gives NULL and ENOMEM. */
MIDDEN_API MIDDEN_MEMORY void *midden_arena_calloc(midden_arena *arena, size_t count, size_t bytes);

/* `align` is a power of two, in bytes; otherwise NULL and EINVAL. */
MIDDEN_API MIDDEN_MEMORY void *midden_arena_aligned(midden_arena *arena, size_t align,
                                                    size_t bytes);

/* Grow or shrink `p`, which was asked for with `old_bytes`: in place when it is the newest block,
 * else by a copy, and the old place stays taken.  NULL and ENOMEM leave `p` as it was.
 */
MIDDEN_API void *midden_arena_resize(midden_arena *arena, void *p, size_t old_bytes, size_t bytes);

/* A copy of `text` in the arena; NULL and ENOMEM when out of memory. */
MIDDEN_API MIDDEN_MEMORY char *midden_arena_strdup(midden_arena *arena, const char *text);

/* What printf would print, in the arena.  NULL with errno of vsnprintf, or ENOMEM. */
MIDDEN_API MIDDEN_MEMORY MIDDEN_PRINTF(2, 3) char *midden_arena_sprintf(midden_arena *arena,
                                                                        const char *format, ...);
MIDDEN_API MIDDEN_MEMORY MIDDEN_PRINTF(2, 0) char *midden_arena_vsprintf(midden_arena *arena,
                                                                         const char *format,
                                                                         va_list values);

/* Remember this place.  The mark is 64 bytes in the arena and dies with what it marks: going back
 * to an older one, a reset, a close.
 * returns  NULL and ENOMEM when out of memory
 */
MIDDEN_API midden_arena_mark *midden_arena_here(midden_arena *arena);

/* Give back all that was taken since `mark`, which stays and can be gone back to again.  A mark
 * that is not the arena's, or no longer, stops the program with a sentence that says so.
 *
 * cost  O(chunks, marks, destructors and children since)
 */
MIDDEN_API void midden_arena_back(midden_arena *arena, midden_arena_mark *mark);

/* The same, and the mark goes too. */
MIDDEN_API void midden_arena_back_past(midden_arena *arena, midden_arena_mark *mark);

/* Call `run(with)` on the way back past this place.  It may take memory from the arena, which goes
 * with the rest, and may register others, which are called next; it may not reset or close the
 * arena, nor go back in it.
 * errors  MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_arena_defer(midden_arena *arena,
                                                           void (*run)(void *with), void *with);

/* The arena as an allocator, valid until it is closed.  `free` gives back the newest block when it
 * is told its size, and nothing otherwise; `owns` knows the arena's memory, not single blocks;
 * live_bytes are what was handed out, and live_blocks is not known.
 */
MIDDEN_API midden_allocator *midden_arena_allocator(midden_arena *arena);

MIDDEN_API midden_stats midden_arena_stats(const midden_arena *arena);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_arena_open_at(midden_allocator *from,
                                                                size_t chunk_bytes,
                                                                midden_arena **out,
                                                                const char *where) {
  return midden_debug_opened(midden_arena_open(from, chunk_bytes, out), out, "midden_arena", where);
}
#define midden_arena_open(from, chunk_bytes, out) \
  midden_arena_open_at(from, chunk_bytes, out, MIDDEN_DEBUG_HERE)
MIDDEN_CHECKED static inline midden_status midden_arena_child_at(midden_arena *parent,
                                                                 midden_arena **out,
                                                                 const char *where) {
  return midden_debug_opened(midden_arena_child(parent, out), out, "midden_arena", where);
}
#define midden_arena_child(parent, out) midden_arena_child_at(parent, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
