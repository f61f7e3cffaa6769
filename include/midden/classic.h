/* midden/classic.h -- classic segregated fits: one size to a pool, many pools to an arena.
 * SPDX-License-Identifier: MIT
 *
 *     arena, 1 MiB: 64 pools            pool, 16 KiB: 48 bytes of header, blocks of one size
 *     +------+------+------+-- --+      +--------+-------+-------+-------+-- --+-----------+
 *     | pool | pool | free |     |      | header | block | block | free  |     | uncarved  |
 *     +------+------+------+-- --+      +--------+-------+-------+-------+-- --+-----------+
 *
 * The small-object allocator of CPython, as of 3.10: 32 sizes, of 16 to 512 bytes; pools are taken
 * from the fullest arena, so that the others may empty and go back; anything larger, or aligned to
 * more than 16, goes to the source.  It has no locks and no atomics, and checks little.
 *
 * threads  one thread at a time
 * source   V. Marangozov, T. Peters, obmalloc.c, Python 2.3, 2002; the name is of P. Wilson et al.,
 *          "Dynamic Storage Allocation: A Survey and Critical Review", IWMM 1995
 */
#ifndef MIDDEN_CLASSIC_H
#define MIDDEN_CLASSIC_H

#include <stddef.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_classic midden_classic;

/* Open an allocator that holds no arena yet.
 * from    where arenas and large blocks come from; NULL: malloc of this library
 * out     written only on MIDDEN_OK
 * errors  MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_classic_open(midden_allocator *from,
                                                            midden_classic **out);

/* Give everything back, live blocks or not.  NULL is ignored. */
MIDDEN_API void midden_classic_close(midden_classic *classic);

/* Give `block` back.  NULL is ignored.  Small blocks are not checked, but in debug builds.
 * cost  O(1)
 */
MIDDEN_API void midden_classic_free(midden_classic *classic, void *block);

/* Take `bytes` (0 gives a unique block), aligned to 16, contents undefined.
 * returns  NULL and ENOMEM when out of memory or when bytes is over PTRDIFF_MAX / 2
 * cost     O(1)
 */
MIDDEN_API MIDDEN_MEMORY MIDDEN_SIZED(2)
    MIDDEN_GIVEN_BACK_BY(midden_classic_free, 2) void *midden_classic_alloc(midden_classic *classic,
                                                                            size_t bytes);

/* The allocator as a midden_allocator, valid until it is closed. */
MIDDEN_API midden_allocator *midden_classic_allocator(midden_classic *classic);

MIDDEN_API midden_stats midden_classic_stats(const midden_classic *classic);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_classic_open_at(midden_allocator *from,
                                                                  midden_classic **out,
                                                                  const char *where) {
  return midden_debug_opened(midden_classic_open(from, out), out, "midden_classic", where);
}
#define midden_classic_open(from, out) midden_classic_open_at(from, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
