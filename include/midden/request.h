/* midden/request.h -- a program says where its requests end, for figures of one.
 * SPDX-License-Identifier: MIT
 *
 * Seen from outside, a program does work, not requests.  Where it says that a request (a frame, a
 * transaction, any unit of work) is over, `midden run`, `midden top` and the rest tell how many
 * blocks and bytes one allocates, and how many end in a second (docs/findings.md).
 *
 * A program that is not linked with libmidden finds the function when `midden run` preloads it:
 *
 *     __attribute__((weak)) void midden_request_end(void);
 *     ...
 *     if (midden_request_end) midden_request_end();
 */
#ifndef MIDDEN_REQUEST_H
#define MIDDEN_REQUEST_H

#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread has ended one request.  errno is kept.
 * threads  any, at any time; not from a signal handler
 * cost     two stores into the thread's own memory, 2 ns; no lock, no allocation
 *          The first call of a process also sums up what was allocated until then, under the locks
 *          of its heaps: about 0.1 ms for each thread.
 */
MIDDEN_API void midden_request_end(void);

#ifdef __cplusplus
}
#endif

#endif
