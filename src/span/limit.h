// span/limit.h -- the option heap_limit; for span/ only, under the span lock.
// SPDX-License-Identifier: MIT
#ifndef MID_SPAN_LIMIT_H
#define MID_SPAN_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void mid_limit_start(void);

// Whether `more` bytes may be committed beside `committed`.
bool mid_limit_admits(size_t committed, size_t more);

// The limit in force, in bytes of committed memory; 0: none.
size_t mid_limit_now(void);

#endif
