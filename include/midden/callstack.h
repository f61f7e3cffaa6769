/* midden/callstack.h -- how much of a thread's own call stack is used, and was.
 * SPDX-License-Identifier: MIT
 *
 * For choosing the size of a thread's stack by measurement, and for asking in a deep recursion
 * whether there is room to go on.  Nothing is painted beforehand: the kernel knows which pages were
 * touched, and a page is zero until then.
 */
#ifndef MIDDEN_CALLSTACK_H
#define MIDDEN_CALLSTACK_H

#include <stddef.h>

#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the calling thread's stack.
 * used   by thread-local variables, which lie there, and by the frames that are active now, down to
 *        that of this call's caller
 * peak   the most that has been used: down to the deepest byte that is not 0
 * whole  that it may grow to; of the first thread: RLIMIT_STACK
 * guard  under it that cannot be accessed; 0: an overflow writes into other memory
 */
typedef struct midden_stack_use {
  size_t used_bytes, peak_bytes, whole_bytes, guard_bytes;
} midden_stack_use;

/* Measure the calling thread's stack.
 * out     written only on MIDDEN_OK
 * errors  MIDDEN_OS where the kernel does not tell (no /proc)
 * cost    system calls: about 20 us, and more for a stack of many MiB
 *
 * A thread may get the stack of one that ended, with up to some 16 KiB of its traces left in it;
 * call midden_stack_forget_peak at the thread's start to have them gone.
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_stack_used(midden_stack_use *out);

/* Give the pages under the active frames back to the system, and begin a new peak.
 * errors  MIDDEN_OS as above
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_stack_forget_peak(void);

#ifdef __cplusplus
}
#endif

#endif
