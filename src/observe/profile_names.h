// observe/profile_names.h -- what profile.c needs of profile_names.c.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_PROFILE_NAMES_H
#define MID_OBSERVE_PROFILE_NAMES_H

#include "observe/profile.h"

// The words that frames point to, and what each return address was found to be.
struct mid_profile_names;
struct mid_profile_names *mid_profile_names_open(void);
void mid_profile_names_close(struct mid_profile_names *n);

// Whose code it is, by the names alone.
bool mid_frame_is_allocator(const struct mid_profile_frame *f);  // libmidden's
bool mid_frame_is_runtime(const struct mid_profile_frame *f);    // of a language's library
bool mid_frame_is_wrapper(const struct mid_profile_frame *f);    // a malloc by another name

#endif
