// region/fit.h -- a heap with boundary tags over a region, and what a placement policy has to do.
// SPDX-License-Identifier: MIT
//
// The region is a row of blocks and holes without a gap, counted in granules of 16 bytes.  No two
// holes are neighbours.  Each begins with a tag that knows its size and that of the one before it,
// so both neighbours of a block are found in constant time when it is given back:
//
//   region   base
//   +--------+-----+-----------+-----+------+-----+---------+-----+
//   | fit,   | tag | payload   | tag | hole | tag | payload | end |
//   | policy |     |           |     |      |     |         | tag |
//   +--------+-----+-----------+-----+------+-----+---------+-----+
//            |<----- size ---->|<-- before of the tag behind it
//
//   sum of the sizes = granules          tag(g + size(g)).before = size(g)
//
// Tags may also lie apart, 32 bytes for each granule, so that blocks have no header: then `header`
// is 0.  That is how textbooks count, and how their traces can be compared with ours.
//
// A policy indexes the holes of `least` granules or more and names one for each request; the block
// comes from the hole's low end.  A hole of one granule with its tag in it is not indexed: it has
// no room for links and waits for a neighbour to join.
#ifndef MID_REGION_FIT_H
#define MID_REGION_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midden/fit.h"

#define MID_FIT_GRANULE ((size_t)16)
#define MID_FIT_NONE UINT32_MAX           // no such hole
#define MID_FIT_MOST ((size_t)INT32_MAX)  // granules of a region

// Blocks and holes are named by the granule that they begin at.
struct mid_tag {
  uint32_t size : 31;
  uint32_t used : 1;
  uint32_t before;  // size of the block or hole before this one; 0: this is the first
  union {
    uint64_t mark;  // used: tells a block from what only looks like one
    struct {
      uint32_t left, right;  // hole: the policy's links
    };
  };
  // Only of a hole that is indexed.
  uint32_t most;  // the policy's: the largest size at and under this node of its tree
  uint32_t unused[3];
};
_Static_assert(offsetof(struct mid_tag, most) == 16 && sizeof(struct mid_tag) == 32,
               "a block has one granule of tag, a hole two");

struct mid_fit_policy {
  const char *name, *source;
  size_t state_bytes;  // of what fit->state points to
  void (*open)(midden_fit *fit);
  void (*insert)(midden_fit *fit, uint32_t hole);
  void (*remove)(midden_fit *fit, uint32_t hole);
  // A hole of `granules` or more, MID_FIT_NONE when the policy finds none.  That many are taken
  // from its low end next.
  uint32_t (*find)(midden_fit *fit, uint32_t granules);
  // NULL when the index is sound and has `holes` holes, or a sentence.
  const char *(*broken)(const midden_fit *fit, size_t holes);
};

// Every policy there is, NULL behind the last: the build makes it of the files in region/fit/.
extern const struct mid_fit_policy *const mid_fit_policies[];

struct midden_fit {
  char *tags, *base;  // see mid_fit_tag; the payload of granule 0
  uint32_t stride;    // bytes from the tag of a granule to the next one's
  uint32_t header;    // granules of a block that are its tag: 1, or 0 when tags lie apart
  uint32_t least;     // granules of a block: header + 1
  uint32_t granules;  // the end tag's place
  uint32_t peak;      // the highest end of a block there has been
  const struct mid_fit_policy *policy;
  void *state;   // the policy's
  char *region;  // where offsets are counted from
  size_t live_blocks, live_granules;
  midden_allocator allocator;
};

static inline struct mid_tag *mid_fit_tag(const midden_fit *fit, uint32_t granule) {
  return (struct mid_tag *)(void *)(fit->tags + (size_t)granule * fit->stride);
}

// The bytes that are named by `granules`.
static inline size_t mid_fit_bytes(uint32_t granules) { return granules * MID_FIT_GRANULE; }

// The policy of this name, NULL when there is none.
const struct mid_fit_policy *mid_fit_policy_named(const char *name);

// What midden_fit_open does once it knows where everything lies: *fit has base, tags, stride,
// header, granules, policy, state and region.
void mid_fit_prepare(midden_fit *fit);

// Behind the region's end, so many granules are the heap's too.
void mid_fit_grow(midden_fit *fit, uint32_t granules);

// NULL, or a sentence naming the first broken invariant.  cost: every block and hole.
const char *mid_fit_broken(const midden_fit *fit);

#endif
