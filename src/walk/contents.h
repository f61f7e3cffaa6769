// walk/contents.h -- what large blocks hold, so that equal ones are known.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_CONTENTS_H
#define MID_WALK_CONTENTS_H

#include "observe/evidence.h"
#include "walk/target.h"

// Of live samples that are large enough and of whose size another stack has one too.  Not of those
// that hold one word over and over, such as zeros: they say nothing.
// returns  how many are in *out, by address; the caller frees it
// cost     reads these blocks, 64 MiB of them at most
size_t mid_contents_find(const struct mid_target *target, const struct mid_profile *profile,
                         struct mid_content **out);

#endif
