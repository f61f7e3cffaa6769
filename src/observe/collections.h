// observe/collections.h -- what the collections of a process's heaps cost, for those who show it.
// SPDX-License-Identifier: MIT
#ifndef MID_OBSERVE_COLLECTIONS_H
#define MID_OBSERVE_COLLECTIONS_H

#include "observe/reader.h"

static inline uint64_t mid_collections_count(const struct mid_feed_image *image) {
  return image->collections.work.minor + image->collections.work.major;
}

// The record of collection `number`, from 0; NULL: it is not remembered any more.
const struct mid_feed_gc_last *mid_collections_last(const struct mid_feed_image *image,
                                                    uint64_t number);

// A histogram of pauses: rows of some octaves each, from the shortest to the longest pause.
enum { MID_PAUSE_ROWS = 12 };
struct mid_pause_row {
  uint64_t from, to;  // ns
  uint64_t pauses;
};
// returns how many rows; 0: there was no pause
unsigned mid_collections_pauses(const struct mid_feed_image *image,
                                struct mid_pause_row row[MID_PAUSE_ROWS]);

#endif
