// region/fit/tlsf.c -- two-level segregated fit: every call takes constant time.
// SPDX-License-Identifier: MIT
//
// A bit for each list that has a hole, and a bit for each doubling that has such a list: two
// searches for a lowest bit find a list whose every hole is large enough.  The price is good fit
// instead of best fit: the list that the request itself lies in is not searched.
#include "region/fit_tlsf.h"

#include <string.h>

#include "region/fit_lists.h"

// Of the largest region, and one more for a search that rounds up past it.
enum { TLSF_FL = 30 };

struct tlsf {
  uint32_t doublings;       // bit fl: lists[fl] is not 0
  uint32_t lists[TLSF_FL];  // bit sl of [fl]: first[fl][sl] is a hole
  uint32_t first[TLSF_FL][MID_TLSF_SL];
};

static void tlsf_open(midden_fit *fit) {
  struct tlsf *tlsf = fit->state;
  memset(tlsf->first, 0xff, sizeof tlsf->first);  // MID_FIT_NONE in each
}

static struct mid_tlsf_list tlsf_list_of(const midden_fit *fit, uint32_t hole) {
  return mid_tlsf_insert(mid_fit_bytes(mid_fit_tag(fit, hole)->size));
}

static void tlsf_insert(midden_fit *fit, uint32_t hole) {
  struct tlsf *tlsf = fit->state;
  struct mid_tlsf_list list = tlsf_list_of(fit, hole);
  mid_holes_push(fit, &tlsf->first[list.fl][list.sl], hole);
  tlsf->lists[list.fl] |= 1u << list.sl;
  tlsf->doublings |= 1u << list.fl;
}

static void tlsf_remove(midden_fit *fit, uint32_t hole) {
  struct tlsf *tlsf = fit->state;
  struct mid_tlsf_list list = tlsf_list_of(fit, hole);
  uint32_t *first = &tlsf->first[list.fl][list.sl];
  mid_holes_drop(fit, first, hole);
  if (*first != MID_FIT_NONE) return;
  tlsf->lists[list.fl] &= ~(1u << list.sl);
  if (tlsf->lists[list.fl] == 0) tlsf->doublings &= ~(1u << list.fl);
}

static uint32_t tlsf_find(midden_fit *fit, uint32_t granules) {
  const struct tlsf *tlsf = fit->state;
  struct mid_tlsf_list from = mid_tlsf_search(mid_fit_bytes(granules));
  unsigned fl = from.fl;
  uint32_t lists = tlsf->lists[fl] & ~0u << from.sl;
  if (lists == 0) {
    uint32_t doublings = tlsf->doublings & ~1u << fl;
    if (doublings == 0) return MID_FIT_NONE;
    fl = (unsigned)__builtin_ctz(doublings);
    lists = tlsf->lists[fl];
  }
  return tlsf->first[fl][__builtin_ctz(lists)];
}

static bool tlsf_belongs(uint32_t size, unsigned list) {
  struct mid_tlsf_list own = mid_tlsf_insert(mid_fit_bytes(size));
  return own.fl * MID_TLSF_SL + own.sl == list;
}

static const char *tlsf_broken(const midden_fit *fit, size_t holes) {
  const struct tlsf *tlsf = fit->state;
  size_t seen = 0;
  for (unsigned fl = 0; fl < TLSF_FL; fl++) {
    for (unsigned sl = 0; sl < MID_TLSF_SL; sl++) {
      uint32_t count =
          mid_holes_count(fit, tlsf->first[fl][sl], tlsf_belongs, fl * MID_TLSF_SL + sl);
      if (count == MID_FIT_NONE) return "a list of tlsf is broken";
      if ((count > 0) != (tlsf->lists[fl] >> sl & 1)) return "a list of tlsf and its bit differ";
      seen += count;
    }
    if ((tlsf->lists[fl] != 0) != (tlsf->doublings >> fl & 1)) return "a bit of tlsf is wrong";
  }
  return seen == holes ? NULL : "the lists of tlsf do not have every hole";
}

const struct mid_fit_policy mid_fit_tlsf = {
    .name = "tlsf",
    .source =
        "M. Masmano, I. Ripoll, A. Crespo, J. Real, TLSF: A New Dynamic Memory Allocator for "
        "Real-Time Systems, ECRTS 2004",
    .state_bytes = sizeof(struct tlsf),
    .open = tlsf_open,
    .insert = tlsf_insert,
    .remove = tlsf_remove,
    .find = tlsf_find,
    .broken = tlsf_broken,
};
