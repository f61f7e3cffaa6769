// span/resident.h -- what of a run may be resident without being charged; for span/ only.
// SPDX-License-Identifier: MIT
//
// Each slice's record says how many of its pages an earlier use may have left resident (`before`),
// whatever run the slice is in.  They are taken to be the first of the slice, which is where spans
// of blocks begin, and so what is charged to the next use lands on them.  That is a guess; but
// where a record says 0 the slice reads as zero.
#ifndef MID_SPAN_RESIDENT_H
#define MID_SPAN_RESIDENT_H

#include "span/span.h"

// Bytes that `slices` slices from `span` on hold, of whatever run.
size_t mid_resident_of(const struct mid_span *span, size_t slices);

// Bytes that a span in use holds beside what is charged and `more` behind that.
size_t mid_resident_beside(const struct mid_span *span, size_t more);

// Bytes of what is charged to a span that it did not hold before.
size_t mid_resident_fresh(const struct mid_span *span);

// The slices from `first` on come back: what was charged to them they hold, unless its pages were
// `moved` away.
void mid_resident_leave(struct mid_span *span, size_t first, bool moved);

// Nothing is resident in `slices` slices from `span` on.
void mid_resident_clear(struct mid_span *span, size_t slices);

// Ask the kernel what a span in use holds; slices that hold nothing read as zero from now on.
void mid_resident_look(struct mid_span *span);

#endif
