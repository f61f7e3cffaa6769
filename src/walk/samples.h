// walk/samples.h -- the sample file of a target.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_SAMPLES_H
#define MID_WALK_SAMPLES_H

#include "observe/profile.h"
#include "walk/target.h"

// Read the profile of a target: as it was when the target stopped, where its memory has it, else
// from the file that was mapped.  NULL, or a sentence; then *out is empty.
const char *mid_target_profile(const struct mid_target *target, struct mid_profile *out);

#endif
