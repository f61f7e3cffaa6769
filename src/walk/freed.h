// walk/freed.h -- whether what a thread used was read from memory that is freed.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_FREED_H
#define MID_WALK_FREED_H

#include "walk/blocks.h"

#define MID_FREED_NO_ADDRESS UINT64_MAX

struct mid_freed {
  uint64_t pointer;  // that leads there, and whether a register holds it or the innermost frame
  bool in_register;
  uint32_t block;       // the freed block; MID_BLOCK_NONE: none is there any longer, only
  uint64_t start, end;  // a free run, where large blocks are carved from
};

// Look among the registers of `thread`, then in its innermost frame, for a pointer to freed memory
// at which stands what may have become `address`: a pointer within 64 KiB below it.  What was given
// back to the kernel reads as zero, so that a pointer from there is NULL.
// address  MID_FREED_NO_ADDRESS: what was used is not known, but that it could not be one
// returns  false: there is none
// cost     a read of the page map where no block is; a few pages of the target
bool mid_freed_find(const struct mid_target *target, const struct mid_target_thread *thread,
                    const struct mid_blocks *blocks, uint64_t address, struct mid_freed *out);

#endif
