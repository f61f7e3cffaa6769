// region/bitset.h -- a set of small numbers whose least is found in a few steps.
// SPDX-License-Identifier: MIT
//
// Bit i of a level says that word i of the level below is not 0: the least number of 2^30 is five
// steps away.
#ifndef MID_REGION_BITSET_H
#define MID_REGION_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MID_BITSET_LEVELS = 7 };  // 64^7 numbers

struct mid_bitset {
  uint64_t *level[MID_BITSET_LEVELS];
  unsigned levels;
};

// Words that a set of the numbers below `count` (1 or more) needs.
static inline size_t mid_bitset_words(size_t count) {
  size_t words = 0;
  do {
    count = (count + 63) / 64;
    words += count;
  } while (count > 1);
  return words;
}

// An empty set in `words`, which are 0 and as many as mid_bitset_words says.
static inline struct mid_bitset mid_bitset_open(size_t count, uint64_t *words) {
  struct mid_bitset set = {.levels = 0};
  do {
    count = (count + 63) / 64;
    set.level[set.levels++] = words;
    words += count;
  } while (count > 1);
  return set;
}

static inline void mid_bitset_add(struct mid_bitset *set, size_t i) {
  for (unsigned l = 0; l < set->levels; l++, i /= 64) {
    uint64_t was = set->level[l][i / 64];
    set->level[l][i / 64] = was | (uint64_t)1 << i % 64;
    if (was != 0) return;
  }
}

static inline void mid_bitset_drop(struct mid_bitset *set, size_t i) {
  for (unsigned l = 0; l < set->levels; l++, i /= 64)
    if ((set->level[l][i / 64] &= ~((uint64_t)1 << i % 64)) != 0) return;
}

static inline bool mid_bitset_has(const struct mid_bitset *set, size_t i) {
  return set->level[0][i / 64] >> i % 64 & 1;
}

static inline bool mid_bitset_is_empty(const struct mid_bitset *set) {
  return set->level[set->levels - 1][0] == 0;
}

// The least number in a set that is not empty.
static inline size_t mid_bitset_least(const struct mid_bitset *set) {
  size_t i = 0;
  for (unsigned l = set->levels; l-- > 0;) i = i * 64 + (size_t)__builtin_ctzll(set->level[l][i]);
  return i;
}

#endif
