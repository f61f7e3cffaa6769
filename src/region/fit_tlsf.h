// region/fit_tlsf.h -- which of TLSF's lists a size belongs to.
// SPDX-License-Identifier: MIT
//
// Sizes below 256 bytes have a list for each multiple of 8 (fl 0); above, each doubling (fl) is cut
// into 32 lists (sl) of equal width.  A hole goes to the list that its size lies in.  A request
// looks from the next list on, unless it is the least size of its own: then whatever is found there
// is large enough without looking at it.
#ifndef MID_REGION_FIT_TLSF_H
#define MID_REGION_FIT_TLSF_H

#include <stddef.h>

#include "base/bits.h"

enum { MID_TLSF_SL_LOG = 5, MID_TLSF_SL = 32, MID_TLSF_LINEAR_LOG = 8 };

struct mid_tlsf_list {
  unsigned fl, sl;
};

static inline struct mid_tlsf_list mid_tlsf_insert(size_t bytes) {
  if (bytes >> MID_TLSF_LINEAR_LOG == 0) return (struct mid_tlsf_list){0, (unsigned)(bytes / 8)};
  unsigned log = mid_log2(bytes);
  return (struct mid_tlsf_list){log - MID_TLSF_LINEAR_LOG + 1,
                                (unsigned)(bytes >> (log - MID_TLSF_SL_LOG)) - MID_TLSF_SL};
}

static inline struct mid_tlsf_list mid_tlsf_search(size_t bytes) {
  unsigned log = mid_log2(bytes | ((size_t)1 << MID_TLSF_LINEAR_LOG));
  return mid_tlsf_insert(bytes + ((size_t)1 << (log - MID_TLSF_SL_LOG)) - 1);
}

#endif
