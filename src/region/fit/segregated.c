// region/fit/segregated.c -- segregated fit: a list of holes for each power of two.
// SPDX-License-Identifier: MIT
//
// A request takes the first hole that is large enough in the list of its own doubling, where the
// last to come is the first; failing that, the first hole of the next list that has any.
#include <string.h>

#include "base/bits.h"
#include "region/fit_lists.h"

enum { SEGREGATED_LISTS = 32 };

struct segregated {
  uint32_t lists;  // bit i: first[i] is a hole, of 2^i to 2^(i+1) - 1 granules
  uint32_t first[SEGREGATED_LISTS];
};

static void segregated_open(midden_fit *fit) {
  struct segregated *s = fit->state;
  memset(s->first, 0xff, sizeof s->first);  // MID_FIT_NONE in each
}

static void segregated_insert(midden_fit *fit, uint32_t hole) {
  struct segregated *s = fit->state;
  unsigned list = mid_log2(mid_fit_tag(fit, hole)->size);
  mid_holes_push(fit, &s->first[list], hole);
  s->lists |= 1u << list;
}

static void segregated_remove(midden_fit *fit, uint32_t hole) {
  struct segregated *s = fit->state;
  unsigned list = mid_log2(mid_fit_tag(fit, hole)->size);
  mid_holes_drop(fit, &s->first[list], hole);
  if (s->first[list] == MID_FIT_NONE) s->lists &= ~(1u << list);
}

static uint32_t segregated_find(midden_fit *fit, uint32_t granules) {
  const struct segregated *s = fit->state;
  unsigned list = mid_log2(granules);
  for (uint32_t hole = s->first[list]; hole != MID_FIT_NONE;) {
    const struct mid_tag *tag = mid_fit_tag(fit, hole);
    if (tag->size >= granules) return hole;
    hole = tag->right;
  }
  uint32_t larger = s->lists & ~1u << list;
  return larger == 0 ? MID_FIT_NONE : s->first[__builtin_ctz(larger)];
}

static bool segregated_belongs(uint32_t size, unsigned list) { return mid_log2(size) == list; }

static const char *segregated_broken(const midden_fit *fit, size_t holes) {
  const struct segregated *s = fit->state;
  size_t seen = 0;
  for (unsigned list = 0; list < SEGREGATED_LISTS; list++) {
    uint32_t count = mid_holes_count(fit, s->first[list], segregated_belongs, list);
    if (count == MID_FIT_NONE) return "a segregated list is broken";
    if ((count > 0) != (s->lists >> list & 1)) return "a segregated list and its bit differ";
    seen += count;
  }
  return seen == holes ? NULL : "the segregated lists do not have every hole";
}

const struct mid_fit_policy mid_fit_segregated = {
    .name = "segregated-fit",
    .source =
        "P. R. Wilson et al., Dynamic Storage Allocation: A Survey and Critical Review, "
        "IWMM 1995",
    .state_bytes = sizeof(struct segregated),
    .open = segregated_open,
    .insert = segregated_insert,
    .remove = segregated_remove,
    .find = segregated_find,
    .broken = segregated_broken,
};
