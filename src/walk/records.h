// walk/records.h -- the records of a target's spans, one after the other.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_RECORDS_H
#define MID_WALK_RECORDS_H

#include "walk/library.h"

struct mid_record {
  const struct mid_span *span;  // a copy; those of the run's other slices follow it
  uint64_t at;                  // the record's address
  uint64_t base;                // of the slice that it describes
  size_t index, slices;         // of its window
};

// Call `take` for the record of each slice, lowest address first; it returns how many it is done
// with, or 0 when memory ran out.
// returns  NULL, or a sentence
const char *mid_records_read(const struct mid_target *target, const struct mid_library *library,
                             size_t (*take)(void *self, const struct mid_record *record),
                             void *self);

// Whether a record describes equal blocks, one large block, or a free run; then it makes sense as
// such as far as `mid_record_broken` knows.
static inline bool mid_record_is_head(const struct mid_span *span) {
  return span->state == MID_SPAN_SMALL || span->state == MID_SPAN_LARGE ||
         span->state == MID_SPAN_DIRTY || span->state == MID_SPAN_CLEAN;
}

// NULL, or a sentence: what about the record of a head cannot be, so that nothing that it says
// should be used.
const char *mid_record_broken(const struct mid_record *record);

// Follow a list of blocks of a span.
struct mid_record_blocks {
  uint64_t base, block_bytes, count;  // of the span, and how many blocks it has
  uint64_t no_block;                  // the end of each list
  const char *bytes;                  // a copy of the span
};
// Call `visit` with the number of each block in the list from `block` on, at most `most` of them.
// returns  NULL, or a sentence: what is wrong with the list, as far as it was followed; `visit`
//          returning false ends it as well, as a list that goes in a circle
const char *mid_record_list(const struct mid_record_blocks *blocks, uint64_t block, uint64_t most,
                            bool (*visit)(void *self, uint64_t i), void *self);

#endif
