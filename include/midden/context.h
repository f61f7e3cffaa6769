/* midden/context.h -- blocks that own blocks: free the parent, and its children go with it.
 * SPDX-License-Identifier: MIT
 *
 *     server
 *     |-- configuration       a context: a block with a name, for what belongs together
 *     |   |-- block
 *     |   `-- block
 *     `-- connection
 *         `-- block           every block can own others: midden_context_of
 *             `-- block
 *
 * Unlike in an arena each block can be freed, resized and handed to another owner.  A block costs
 * 80 bytes more than it would without an owner.
 *
 * Freeing calls a block's destructor first, while all below it is still there, then does the same
 * to what it owns, the newest first.  A destructor may free what is below or beside its block, take
 * memory, and save blocks by handing them to another owner; it may not free, resize or hand on its
 * own block, nor any above it that is being freed.
 *
 * threads  a tree belongs to one thread at a time
 * source   A. Tridgell, talloc, Samba 4, 2004; memory contexts of PostgreSQL 7.1, 2001
 */
#ifndef MIDDEN_CONTEXT_H
#define MIDDEN_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What can own blocks. */
typedef struct midden_context midden_context;

/* Open a context without an owner.
 * from     where its blocks and those below come from; NULL: malloc of this library
 * name     is copied
 * out      written only on MIDDEN_OK
 * errors   MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_context_open(midden_allocator *from,
                                                            const char *name, midden_context **out);

/* As midden_context_free. */
MIDDEN_API void midden_context_close(midden_context *context);

/* A context owned by `owner`, with a copy of `name`; NULL and ENOMEM when out of memory. */
MIDDEN_API midden_context *midden_context_child(midden_context *owner, const char *name);

/* Take `bytes` (0 gives a unique block), aligned to 16, contents undefined, owned by `owner`.
 * returns  NULL and ENOMEM when out of memory or when bytes is over PTRDIFF_MAX / 2
 * cost     one block of the source, and a few links
 */
MIDDEN_API MIDDEN_MEMORY MIDDEN_SIZED(2) void *midden_context_alloc(midden_context *owner,
                                                                    size_t bytes);

/* Resize a block, which keeps its owner and what it owns; NULL and ENOMEM leave it as it was.
 * cost  O(blocks that it owns itself) when it moves
 */
MIDDEN_API void *midden_context_resize(void *block, size_t bytes);

/* Free a block or context with all below it.  NULL is ignored.
 * cost  O(blocks below), without recursion
 */
MIDDEN_API void midden_context_free(void *block);

/* A block as an owner of others.  Like every call here, it stops the program with a sentence when
 * `block` is none of a context. */
MIDDEN_API midden_context *midden_context_of(void *block);

/* The owner of a block or context; NULL for one that was opened. */
MIDDEN_API midden_context *midden_context_owner(const void *block);

/* Hand a block or context, with all below it, to `owner`.  It may not be `owner` itself or above
 * it. cost  O(depth of owner); from one tree to another, whose memory must come from the same
 * source, O(blocks below)
 */
MIDDEN_API void midden_context_steal(void *block, midden_context *owner);

/* Call `run(block)` when the block or context is freed; NULL: nothing.  A block has one destructor.
 */
MIDDEN_API void midden_context_on_free(void *block, void (*run)(void *block));

/* What is in a context. */
typedef struct midden_context_sizes {
  size_t blocks, bytes;         /* its own: nearer to it than to any context below it */
  size_t all_blocks, all_bytes; /* with the contexts below it */
} midden_context_sizes;

/* Call `visit(context, name, depth, sizes, with)` for `context`, of depth 0, and each context below
 * it, an owner before what it owns, until it returns false.  It may not change the tree.
 * returns  false when a visit returned false
 */
MIDDEN_API bool midden_context_walk(const midden_context *context,
                                    bool (*visit)(const midden_context *context, const char *name,
                                                  unsigned depth, const midden_context_sizes *sizes,
                                                  void *with),
                                    void *with);

/* Print the tree of contexts with their sizes, a line each. */
MIDDEN_API void midden_context_print(const midden_context *context, FILE *to);

/* The context as an allocator, valid until it is freed.  Only for one that was opened. */
MIDDEN_API midden_allocator *midden_context_allocator(midden_context *context);

/* Of the whole tree that `context` is in; contexts are not counted as blocks. */
MIDDEN_API midden_stats midden_context_stats(const midden_context *context);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_context_open_at(midden_allocator *from,
                                                                  const char *name,
                                                                  midden_context **out,
                                                                  const char *where) {
  return midden_debug_opened(midden_context_open(from, name, out), out, "midden_context", where);
}
#define midden_context_open(from, name, out) \
  midden_context_open_at(from, name, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
