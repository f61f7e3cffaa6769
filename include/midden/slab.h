/* midden/slab.h -- a cache of objects of one type, which stay constructed between uses.
 * SPDX-License-Identifier: MIT
 *
 * What is costly to set up (locks, lists, buffers) is set up when an object is made, and not each
 * time that it is taken.  Objects lie in slabs of at least 8 KiB, each begun a little further in
 * than the one before, so that the same field of different objects falls on different cache lines.
 *
 * threads  a slab cache belongs to the thread that opens it
 * source   J. Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory Allocator", USENIX
 *          Summer 1994
 */
#ifndef MIDDEN_SLAB_H
#define MIDDEN_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_slab midden_slab;

/* The type of a cache's objects. */
typedef struct midden_slab_type {
  size_t bytes; /* 1 to 65536 */
  size_t align; /* a power of two up to 4096; 0: 16 */
  /* Called once for a new object, and once before its memory goes; either may be NULL.  Neither may
   * use the cache.  construct: false when it fails, having undone what it did. */
  bool (*construct)(void *object, void *context);
  void (*destruct)(void *object, void *context);
  void *context;
} midden_slab_type;

/* Open an empty cache.
 * from    where slabs come from; NULL: malloc of this library
 * type    copied
 * out     written only on MIDDEN_OK
 * errors  MIDDEN_INVALID; MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_slab_open(midden_allocator *from,
                                                         const midden_slab_type *type,
                                                         midden_slab **out);

/* Destruct every object, taken or not, and give all memory back.  NULL is ignored. */
MIDDEN_API void midden_slab_close(midden_slab *slab);

/* Give an object back, in the state that construct left it in.  NULL is ignored.  A pointer that is
 * no taken object of this cache stops the program with a sentence.  Slabs without an
 * object in use are kept up to 64 KiB and an eighth of all.
 * cost  constant, but for destructors of a slab that is not kept
 */
MIDDEN_API void midden_slab_give(midden_slab *slab, void *object);

/* Take an object, constructed.  When no memory is to be had, all caches of this thread give back
 * the slabs that they do not use, and it is tried again.
 * returns  NULL and ENOMEM when there is no memory, or construct failed
 * cost     constant, but for a new object its constructor
 */
MIDDEN_GIVEN_BACK_BY(midden_slab_give, 2)
MIDDEN_API void *midden_slab_take(midden_slab *slab);

/* Destruct the objects of slabs that are not in use and give those back; for when memory is short.
 * returns  bytes given back
 */
MIDDEN_API size_t midden_slab_reclaim(midden_slab *slab);

/* The cache as an allocator of blocks of up to `bytes`, valid until it is closed. */
MIDDEN_API midden_allocator *midden_slab_allocator(midden_slab *slab);

/* cost  O(slabs) */
MIDDEN_API midden_stats midden_slab_stats(const midden_slab *slab);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_slab_open_at(midden_allocator *from,
                                                               const midden_slab_type *type,
                                                               midden_slab **out,
                                                               const char *where) {
  return midden_debug_opened(midden_slab_open(from, type, out), out, "midden_slab", where);
}
#define midden_slab_open(from, type, out) midden_slab_open_at(from, type, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
