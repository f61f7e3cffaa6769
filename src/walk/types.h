// walk/types.h -- the C++ class of an object, from the table of functions that it begins with.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_TYPES_H
#define MID_WALK_TYPES_H

#include "walk/modules.h"
#include "walk/target.h"

// Write the class of an object whose first word is `word` into `room`: by the symbol of the table
// there, or by what the table tells at run time, which stripped programs have too.  false: it is no
// such table.
// source  Itanium C++ ABI, 2.5.2 and 2.9
bool mid_type_name(const struct mid_target *target, const struct mid_walk_modules *modules,
                   struct mid_symbols *symbols, uint64_t word, char *room, size_t bytes);

#endif
