// observe/collections.c -- see collections.h.
// SPDX-License-Identifier: MIT
#include "observe/collections.h"

#include "base/bits.h"

const struct mid_feed_gc_last *mid_collections_last(const struct mid_feed_image *image,
                                                    uint64_t number) {
  uint64_t count = mid_collections_count(image), records = image->last_collections;
  if (number >= count || count - number > records) return NULL;
  return &image->collections.last[number % records];
}

// Where the row that begins with bucket `i` ends, and the first one ends where its octave does.
static unsigned pauses_next(unsigned i, unsigned octaves) {
  unsigned next = i == 0 ? 1 : i + 4 * octaves;
  return next < MID_FEED_PAUSES ? next : MID_FEED_PAUSES;
}

unsigned mid_collections_pauses(const struct mid_feed_image *image,
                                struct mid_pause_row row[MID_PAUSE_ROWS]) {
  const struct mid_feed_gc_pause *bucket = image->collections.pause;
  unsigned first = 0, last = MID_FEED_PAUSES, rows = 0, octaves = 1;
  while (first < MID_FEED_PAUSES && bucket[first].pauses == 0) first++;
  if (first == MID_FEED_PAUSES) return 0;
  while (bucket[last - 1].pauses == 0) last--;
  if (first > 0) first -= (first - 1) % 4;  // rows are whole octaves
  while ((last - first + 3) / 4 + 1 > MID_PAUSE_ROWS * octaves) octaves++;
  for (unsigned i = first, next; i < last; i = next, rows++) {
    next = pauses_next(i, octaves);
    uint64_t to = next < MID_FEED_PAUSES ? bucket[next].from : image->collections.work.longest;
    row[rows] = (struct mid_pause_row){.from = bucket[i].from, .to = to};
    for (unsigned k = i; k < next; k++) row[rows].pauses += bucket[k].pauses;
  }
  return rows;
}
