// heap/index.h -- a hash table of record numbers, which grows and is never given back.
// SPDX-License-Identifier: MIT
//
// Linear probing; the keys are in the records, so that a place takes 4 bytes.  After D. E. Knuth,
// "The Art of Computer Programming" 3, 6.4, with his algorithm R to take one out.
#ifndef MID_HEAP_INDEX_H
#define MID_HEAP_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct mid_index {
  uint32_t *at;  // 0: free
  uint32_t places, count;
  uint64_t (*hash)(uint32_t number);  // of the key of record `number`
};

// The first number that may have the key of this hash, from place `*place` on; 0: none.  The caller
// compares keys, and goes on with *place + 1.
uint32_t mid_index_next(const struct mid_index *index, uint64_t hash, uint32_t *place);
static inline uint32_t mid_index_first(const struct mid_index *index, uint64_t hash,
                                       uint32_t *place) {
  *place = index->places == 0 ? 0 : (uint32_t)(hash >> 32) & (index->places - 1);
  return mid_index_next(index, hash, place);
}

// Have twice the places, or the first ones.  false: no memory for it.
bool mid_index_grow(struct mid_index *index);
// false: no memory for it.
bool mid_index_add(struct mid_index *index, uint32_t number);
void mid_index_drop(struct mid_index *index, uint32_t place);
void mid_index_clear(struct mid_index *index);

#endif
