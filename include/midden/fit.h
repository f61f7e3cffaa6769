/* midden/fit.h -- a heap in a region of yours, with the placement policy of your choice.
 * SPDX-License-Identifier: MIT
 *
 * Blocks of any size come out of one region, are split, and join their free neighbours when freed.
 * Where a block is placed is a policy: first-fit, next-fit, best-fit, worst-fit, segregated-fit, or
 * tlsf, whose every call takes constant time.  Nothing outside the region is read or written, and
 * nothing is asked of the system.
 *
 *     static _Alignas(16) char region[65536];
 *     midden_fit *fit;
 *     if (midden_fit_open(region, sizeof region, "tlsf", &fit) != MIDDEN_OK) ...
 *
 * Source: D. E. Knuth, "The Art of Computer Programming", vol. 1, 1968, section 2.5.
 */
#ifndef MIDDEN_FIT_H
#define MIDDEN_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "midden/allocator.h"
#include "midden/debug.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_fit midden_fit;

/* The name of policy `i`, counted from 0; NULL past the last.  threads: any. */
MIDDEN_API const char *midden_fit_policy(size_t i);

/* Make a heap of `bytes` at `region`, which is the heap's until it is closed.
 * region   aligned to 16; its first 180 bytes to 4 KiB, by policy, and its last 16 are the heap's
 *          own
 * policy   one of the names above
 * out      written only on MIDDEN_OK
 * errors   MIDDEN_INVALID for an unknown policy, a misaligned region, one too small for one block,
 *          or one of 32 GiB or more
 * threads  a heap belongs to one thread at a time
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_fit_open(void *region, size_t bytes,
                                                        const char *policy, midden_fit **out);

/* The region is yours again, with whatever is in it.  `fit` may be NULL. */
MIDDEN_API void midden_fit_close(midden_fit *fit);

/* Free `p`; NULL is ignored.  A pointer that is no live block of this heap, or one whose tag
 * was overwritten, stops the program with a sentence.
 * cost     as of midden_fit_alloc
 */
MIDDEN_API void midden_fit_free(midden_fit *fit, void *p);

/* Take `bytes`, aligned to 16; 0 gives a unique block.  Each block costs 16 bytes more, and is a
 * multiple of 16.
 * errors   NULL with errno ENOMEM when the policy finds no hole large enough
 * cost     tlsf: constant; segregated-fit: the holes of one size class at most; the others: a
 *          logarithm of the number of holes, as they are kept in a tree
 */
MIDDEN_GIVEN_BACK_BY(midden_fit_free, 2)
MIDDEN_SIZED(2) MIDDEN_MEMORY MIDDEN_API void *midden_fit_alloc(midden_fit *fit, size_t bytes);

/* The heap as an allocator, valid until it is closed: aligned blocks, and resizing, which stays in
 * place where the block after is a hole.
 */
MIDDEN_API midden_allocator *midden_fit_allocator(midden_fit *fit);

/* committed_bytes is the extent, from the start of the region to the end of its highest block;
 * peak_bytes the most that has been, which is what the region needed to be.  cost: constant.
 */
MIDDEN_API midden_stats midden_fit_stats(const midden_fit *fit);

/* Call `visit(offset, bytes, context)` for each hole, lowest first, until it returns false.
 * offset   bytes from the start of the region
 * bytes    with the 16 that a block in it would need for itself
 * returns  false when a visit returned false
 */
MIDDEN_API bool midden_fit_holes(const midden_fit *fit,
                                 bool (*visit)(size_t offset, size_t bytes, void *context),
                                 void *context);

#ifdef MIDDEN_DEBUG
MIDDEN_CHECKED static inline midden_status midden_fit_open_at(void *region, size_t bytes,
                                                              const char *policy, midden_fit **out,
                                                              const char *where) {
  return midden_debug_opened(midden_fit_open(region, bytes, policy, out), out, "midden_fit", where);
}
#define midden_fit_open(region, bytes, policy, out) \
  midden_fit_open_at(region, bytes, policy, out, MIDDEN_DEBUG_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
