// observe/must.h -- memory without which the command cannot go on.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_MUST_H
#define MID_OBSERVE_MUST_H

#include <stdlib.h>

// What malloc and its like returned; no return where that is NULL.
static inline void *mid_must(void *room) {
  if (room == NULL) abort();
  return room;
}

#endif
