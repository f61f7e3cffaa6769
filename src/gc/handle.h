// gc/handle.h -- references that are on no stack.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_HANDLE_H
#define MID_GC_HANDLE_H

#include "midden/gc.h"

// All of a heap are in gc->handles, and are roots.
struct midden_handle {
  midden_ref slot;
  struct midden_handle *next, *prev;
};

#endif
