// heap/index.c -- see index.h.
// SPDX-License-Identifier: MIT
#include "heap/index.h"

#include <string.h>

#include "span/span.h"

enum { INDEX_LEAST = 256 };

static uint32_t index_home(const struct mid_index *index, uint64_t hash) {
  return (uint32_t)(hash >> 32) & (index->places - 1);
}

static uint32_t index_after(const struct mid_index *index, uint32_t place) {
  return (place + 1) & (index->places - 1);
}

// Keys are told apart by their whole hash: few numbers are given out for nothing.
uint32_t mid_index_next(const struct mid_index *index, uint64_t hash, uint32_t *place) {
  if (index->places == 0) return 0;
  for (*place &= index->places - 1; index->at[*place] != 0; *place = index_after(index, *place))
    if (index->hash(index->at[*place]) == hash) return index->at[*place];
  return 0;
}

static void index_put(struct mid_index *index, uint32_t number) {
  uint32_t place = index_home(index, index->hash(number));
  while (index->at[place] != 0) place = index_after(index, place);
  index->at[place] = number;
}

bool mid_index_grow(struct mid_index *index) {
  uint32_t *old = index->at, places = index->places;
  uint32_t more = places == 0 ? INDEX_LEAST : places * 2;
  uint32_t *at = mid_meta_take(more * sizeof *at);
  if (at == NULL) return false;
  index->at = at;
  index->places = more;
  for (uint32_t i = 0; i < places; i++)
    if (old[i] != 0) index_put(index, old[i]);
  return true;
}

bool mid_index_add(struct mid_index *index, uint32_t number) {
  if (index->count >= index->places / 2 && !mid_index_grow(index)) return false;
  index_put(index, number);
  index->count++;
  return true;
}

void mid_index_drop(struct mid_index *index, uint32_t place) {
  uint32_t gap = place, mask = index->places - 1;
  for (uint32_t i = index_after(index, gap); index->at[i] != 0; i = index_after(index, i)) {
    uint32_t at_home = index_home(index, index->hash(index->at[i]));
    // It may move into the gap unless its home lies behind that.
    if (((i - at_home) & mask) < ((i - gap) & mask)) continue;
    index->at[gap] = index->at[i];
    gap = i;
  }
  index->at[gap] = 0;
  index->count--;
}

void mid_index_clear(struct mid_index *index) {
  if (index->at != NULL) memset(index->at, 0, index->places * sizeof *index->at);
  index->count = 0;
}
