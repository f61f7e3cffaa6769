/* midden/scratch.h -- an arena of each thread for what a function needs while it runs.
 * SPDX-License-Identifier: MIT
 *
 *     midden_scratch scratch = midden_scratch_begin(result);
 *     char *path = midden_arena_sprintf(scratch.arena, "%s/%s", folder, name);
 *     ...
 *     midden_scratch_end(&scratch);
 *
 * Scratches nest.  A thread has two arenas, since a function may be handed a scratch arena to put
 * its result into: named in `midden_scratch_begin`, it gets the other, and the result is not given
 * back with the function's own.  They are closed when the thread ends.
 *
 * threads  each has its own
 */
#ifndef MIDDEN_SCRATCH_H
#define MIDDEN_SCRATCH_H

#include "midden/arena.h"
#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the scratch began; `arena` is for use. */
typedef struct midden_scratch {
  midden_arena *arena;
  midden_arena_mark *mark;
} midden_scratch;

/* Begin to use an arena of the calling thread.
 * avoid    another arena that results go into; NULL: none
 * returns  an arena of NULL, with errno ENOMEM, when out of memory
 */
MIDDEN_API midden_scratch midden_scratch_begin(const midden_arena *avoid);

/* Give back what was taken since it began.  One that has ended, or whose outer one has, stops the
 * program with a sentence; an arena of NULL is ignored.
 */
MIDDEN_API void midden_scratch_end(midden_scratch *scratch);

#ifdef __cplusplus
}
#endif

#endif
