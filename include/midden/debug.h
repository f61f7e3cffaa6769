/* midden/debug.h -- what a program gets that is compiled with -DMIDDEN_DEBUG.
 * SPDX-License-Identifier: MIT
 *
 * Handles that were opened and not closed are named when the program ends, with the line that
 * opened them; a box (midden/box.h) that is borrowed, moved or dropped against the rules stops the
 * program. Without MIDDEN_DEBUG nothing of it is compiled in.
 */
#ifndef MIDDEN_DEBUG_H
#define MIDDEN_DEBUG_H

#include <stdbool.h>
#include <stddef.h>

#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The rest is called by what the headers define under MIDDEN_DEBUG.  threads: any. */

/* Remember what was opened, unless `status` is an error.  Returns `status`.
 * handle_at  where the handle was written
 * kind       such as "midden_arena"; `where` such as "server.c:12".  Both are kept by pointer.
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_debug_opened(midden_status status,
                                                            const void *handle_at, const char *kind,
                                                            const char *where);

/* A box was made to own `p`, which is moved, dropped, borrowed, or back from a borrow.  NULL is an
 * empty box, which may be dropped. */
MIDDEN_API void midden_debug_box_made(const void *p, const char *where);
MIDDEN_API void midden_debug_box_moved(const void *p);
MIDDEN_API void midden_debug_box_dropped(const void *p);
MIDDEN_API void midden_debug_box_borrowed(const void *p, bool exclusive, const char *where);
MIDDEN_API void midden_debug_box_returned(const void *p);

#ifdef __cplusplus
}
#endif

#define MIDDEN_DEBUG_TEXT(x) #x
#define MIDDEN_DEBUG_LINE(line) MIDDEN_DEBUG_TEXT(line)
#define MIDDEN_DEBUG_HERE __FILE__ ":" MIDDEN_DEBUG_LINE(__LINE__)

#endif
