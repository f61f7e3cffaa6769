/* midden/midden.h -- every public header at once.
 * SPDX-License-Identifier: MIT
 */
#ifndef MIDDEN_MIDDEN_H
#define MIDDEN_MIDDEN_H

#include "midden/allocator.h"
#include "midden/arena.h"
#include "midden/box.h"
#include "midden/buddy.h"
#include "midden/bump.h"
#include "midden/callstack.h"
#include "midden/classic.h"
#include "midden/context.h"
#include "midden/debug.h"
#include "midden/fit.h"
#include "midden/gc.h"
#include "midden/heap.h"
#include "midden/malloc.h"
#include "midden/pool.h"
#include "midden/rc.h"
#include "midden/request.h"
#include "midden/scratch.h"
#include "midden/slab.h"
#include "midden/stack.h"
#include "midden/status.h"
#include "midden/version.h"

#endif
