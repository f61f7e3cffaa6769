/* midden/allocator.h -- the interface that every way of owning memory provides.
 * SPDX-License-Identifier: MIT
 *
 * A program, a test or a replay that takes a `midden_allocator *` can be handed malloc, a heap of
 * its own, or any later kind, in one line.
 */
#ifndef MIDDEN_ALLOCATOR_H
#define MIDDEN_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an allocator holds, in bytes and blocks; a kind that does not know a figure leaves it 0. */
typedef struct midden_stats {
  size_t live_blocks;     /* blocks in the program's hands */
  size_t live_bytes;      /* their usable bytes */
  size_t committed_bytes; /* pages taken from the system and not given back */
  size_t peak_bytes;      /* the most that committed_bytes has been */
} midden_stats;

typedef struct midden_allocator midden_allocator;

/* `self` is the pointer to this struct.  Every function but free may fail with NULL and errno. */
struct midden_allocator {
  const char *name;

  /* bytes   how many the caller needs; 0 gives a unique block
   * align   a power of two, in bytes; 0 means 16
   * returns NULL with errno ENOMEM (no memory) or EINVAL (align is no power of two)
   */
  void *(*alloc)(midden_allocator *self, size_t bytes, size_t align);

  /* Grow or shrink `p`, moving it where needed; the first min(old, new) bytes stay.
   * old_bytes  what the block was asked for; 0: unknown, the allocator looks it up
   * returns    NULL with errno set, and `p` untouched, on failure; p == NULL allocates
   */
  void *(*resize)(midden_allocator *self, void *p, size_t old_bytes, size_t bytes, size_t align);

  /* bytes  what the block was asked for; 0: unknown.  NULL is ignored. */
  void (*free)(midden_allocator *self, void *p, size_t bytes);

  /* Whether `p` is a block that this allocator handed out.  Never dereferences `p`. */
  bool (*owns)(midden_allocator *self, const void *p);

  midden_stats (*stats)(midden_allocator *self);
};

/* The allocator behind malloc and free of this library; lives for ever.  threads: any. */
MIDDEN_API midden_allocator *midden_allocator_malloc(void);

#ifdef __cplusplus
}
#endif

#endif
