// walk/mapped.h -- what it is that grew outside the heap.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_MAPPED_H
#define MID_WALK_MAPPED_H

#include "observe/evidence.h"
#include "walk/blocks.h"

// Of memory that is neither the heap's nor a file's, the kind of mapping that grew most since the
// process's maps were looked at.  false: they were not, or none grew.
bool mid_mapped_find(const struct mid_process *process, const struct mid_blocks *blocks,
                     struct mid_mapped *out);

#endif
