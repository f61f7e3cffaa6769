// observe/figures.h -- what is said of one process, computed once: the report, the JSON and the
// status line all print from here.
// SPDX-License-Identifier: MIT
//
//   resident = live_asked + internal_waste + free_blocks + uncarved + dirty - untouched   in spans
//              + metadata + outside                                                    and not
//
// The figures in spans count addresses, so what of them never was touched, and so is not resident,
// is taken off again.
#ifndef MID_OBSERVE_FIGURES_H
#define MID_OBSERVE_FIGURES_H

#include "observe/watch.h"

// All bytes.
#define MID_MEMORY_FIGURES(X)                                                      \
  X(resident)       /* RSS at the end, or when last seen */                        \
  X(live)           /* usable bytes of live blocks: live_asked + internal_waste */ \
  X(live_asked)     /* what the program asked for */                               \
  X(collected)      /* of live_asked, what collected heaps hold for objects */     \
  X(internal_waste) /* estimate: live blocks are this much larger than asked */    \
  X(free_blocks)    /* in spans that are not wholly free */                        \
  X(uncarved)       /* in such spans, not made into blocks yet, and rounding */    \
  X(dirty)          /* free spans kept for use again */                            \
  X(untouched)      /* of the five above, never touched or swapped out */          \
  X(metadata)       /* Midden's own tables */                                      \
  X(outside)        /* code, stacks, mapped files, other heaps */                  \
  X(span_resident)  /* RSS in the address space taken for spans */                 \
  X(huge)           /* of resident, in transparent huge pages */                   \
  X(swapped)                                                                       \
  X(dirty_bound)    /* the most that dirty may be now */                           \
  X(purged)         /* given back so far */                                        \
  X(retouched)      /* of that, taken again so far */                              \
  X(mapped)         /* address space taken for spans */                            \
  X(used)           /* of that, in spans that a heap owns */                       \
  X(peak_committed) /* the most that used + dirty has been */                      \
  X(limit)          /* heap limit in force; 0: none */

struct mid_class_figures {
  uint64_t block_bytes, span_bytes, allocated, freed, live, live_bytes, internal_waste, free_blocks,
      spans;
};

// What a request allocates on average, of those after the first; 0 where there was no second one.
struct mid_request_figures {
  double blocks, bytes;  // usable bytes
};

struct mid_figures {
  bool final;            // they are of the process's own exit
  bool spans_estimated;  // what of the heap is resident, and so `outside`, is an estimate
#define X(name) uint64_t name;
  MID_MEMORY_FIGURES(X)
#undef X
  uint64_t peak_rss, peak_live;
  uint64_t live_blocks, allocations, frees, remote_frees;
  double seconds, cpu_seconds, unseen_seconds;              // unseen: from the last look to the end
  double allocation_rate, free_rate, peak_allocation_rate;  // a second
  uint64_t requests;                                        // that the program said were over
  double request_rate;                                      // a second
  struct mid_request_figures request;
  uint32_t classes;
  struct mid_class_figures klass[MID_FEED_CLASSES];
};

void mid_figures_make(const struct mid_process *process, struct mid_figures *out);

// The largest share of a process's memory never passed through malloc.
bool mid_figures_blind(const struct mid_process *process, const struct mid_figures *f);

// Of what the heap holds, the share in hundredths that no live block has.
double mid_image_fragmentation(const struct mid_feed_image *image);
uint64_t mid_image_live(const struct mid_feed_image *image);
uint64_t mid_image_allocations(const struct mid_feed_image *image);
uint64_t mid_image_allocated_bytes(const struct mid_feed_image *image);
uint64_t mid_image_requests(const struct mid_feed_image *image);
struct mid_request_figures mid_image_request(const struct mid_feed_image *image);

#endif
