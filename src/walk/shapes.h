// walk/shapes.h -- blocks that look alike, and which sites those of them come from that are known.
// SPDX-License-Identifier: MIT
#ifndef MID_WALK_SHAPES_H
#define MID_WALK_SHAPES_H

#include <stddef.h>
#include <stdint.h>

#define MID_SHAPE_NO_SITE SIZE_MAX

// Of one size, and with the same word of a module's in front, such as a table of functions.
struct mid_shape {
  uint64_t bytes, word;  // 0: none of a module's
  struct mid_shape_site *site;
  size_t sites, room;
  uint64_t unknown;  // blocks to be given to sites
  size_t giving;     // the site that is given to next
  uint32_t group;    // for the caller; UINT32_MAX
};

struct mid_shapes {
  struct mid_shape *shape;
  size_t count, room;
  uint32_t *table;  // shape + 1, by hash
  size_t places;    // a power of two
};

void mid_shapes_close(struct mid_shapes *shapes);

// The number of the shape.
uint32_t mid_shapes_find(struct mid_shapes *shapes, uint64_t bytes, uint64_t word);
// The same if there is one with sites, else NULL.
const struct mid_shape *mid_shapes_known(const struct mid_shapes *shapes, uint64_t bytes,
                                         uint64_t word);
// A block of the shape is of `site`, and stands for `others` that are not known.
void mid_shape_known(struct mid_shape *shape, size_t site, double others);
// Blocks of `shape` may be of the sites of `other` too.
void mid_shape_borrow(struct mid_shape *shape, const struct mid_shape *other);
// After all: of each block of the `unknown` ones, the site that it is given to, so that the sites
// get their share to the block; MID_SHAPE_NO_SITE: none is known.
void mid_shape_share(struct mid_shape *shape);
size_t mid_shape_give(struct mid_shape *shape);

#endif
