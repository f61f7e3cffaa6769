// walk/calls.h -- the calls that a thread of a target is in.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_CALLS_H
#define MID_WALK_CALLS_H

#include "walk/target.h"

// Where each call stands, the innermost first: the address of the instruction that a thread is at,
// then addresses within those that called.  By the unwind tables of the files that are mapped.
// returns  how many; `most` of them are kept, and up to a million counted
// cost     opens each of the files; then about a microsecond a call
size_t mid_calls_read(const struct mid_target *t, const struct mid_target_thread *thread,
                      uint64_t *place, size_t most);

#endif
