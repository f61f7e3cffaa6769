// walk/blocks.h -- the heap of a target, block by block.
// SPDX-License-Identifier: MIT
//
// Spans stand in the order of their addresses, and so do the numbers of their blocks: there is no
// record of a block, only a bit that says whether it is live.
//
//   span[0]: 3 of 64 bytes    span[1]: one of 1 MiB    span[2]: 4 of 16 bytes
//   |   0  |   1  |   2  |   |           3          |   | 4 | 5 | 6 | 7 |
//   first = 0                 first = 3                  first = 4
//
//   address of block n  =  span.base + (n - span.first) * span.block_bytes
//
// In a collected heap objects of all sizes lie in one span, a row of cells tells where:
//
//   span: one of its blocks (gc/gc.h)       | object | fill | object | object |
//   cells                                   |   5    |      |   6    |   7    |
//
// An address finds its span by a table for each 16 GiB of addresses that has spans, with an entry
// for each 64 KiB, as in the process itself (span/span.h).
#ifndef MID_WALK_BLOCKS_H
#define MID_WALK_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "walk/target.h"

#define MID_BLOCK_NONE UINT32_MAX

// Equal blocks that lie one after the other: those of a span that were made so far.
struct mid_blocks_span {
  uint64_t base;         // of block `first`
  uint64_t block_bytes;  // usable, of each; also from one to the next
  uint64_t end;          // base + count * block_bytes
  uint64_t heap;         // address of the heap that has it; 0: a block of its own, or no thread's
  uint64_t asked;        // large: bytes that the program asked for; else 0
  uint64_t reciprocal;   // 2^40 / block_bytes, rounded up; large: 0
  uint64_t record;       // address of its struct mid_span
  uint32_t first, count;
  uint32_t cells;   // of a collected heap: the first of its cells, and 1; 0: equal blocks
  uint32_t remote;  // free blocks that other threads freed and `heap` has not taken back
  uint8_t klass;
  bool large;   // one block
  bool shared;  // of a first-class heap
};

// An object of a collected heap; it begins with its fields, where references point to.
struct mid_blocks_cell {
  uint32_t offset, bytes;  // in its span; of the fields (not where the span is large)
  uint32_t type;           // among the types
};

struct mid_blocks_type {
  uint64_t address;  // of its struct mid_gc_type
  uint32_t bytes, element_bytes;
  bool has_refs;  // that hold
  char name[64];
};

struct mid_blocks_range {
  uint64_t start, end;
};

struct mid_blocks {
  struct mid_blocks_span *span;  // by base
  size_t spans;
  uint64_t *live;  // a bit for each block
  uint32_t blocks;
  uint64_t live_blocks, live_bytes, free_bytes;  // usable bytes
  uint64_t torn;  // lists that the process was changing as it stopped, or that are damaged: what
                  // they would have led to counts as live
  uint64_t low, high;            // no block lies outside
  uint32_t **window;             // private: by address >> 34, span + 1 by slice
  struct mid_blocks_cell *cell;  // of collected heaps, by address
  size_t cells;
  struct mid_blocks_type *type;
  size_t types;
  uint64_t *kept;  // a bit for each block that needs no holder, since a collector sees to it; NULL:
                   // there is none
  struct mid_blocks_range *own;  // Midden's own memory, by address
  size_t owns;
  bool hardened;
};

// NULL, or a sentence: the process is not on Midden, on another build of it ...
// cost  O(spans + free blocks); the page map and the free blocks are read from the target
const char *mid_blocks_read(const struct mid_target *target, struct mid_blocks *out);
void mid_blocks_close(struct mid_blocks *blocks);

static inline bool mid_blocks_is_live(const struct mid_blocks *blocks, uint32_t block) {
  return (blocks->live[block / 64] >> block % 64) & 1;
}

const struct mid_blocks_span *mid_blocks_span_at(const struct mid_blocks *blocks, uint64_t address);

// Block number `k` of a span.
static inline uint64_t mid_blocks_place(const struct mid_blocks *blocks,
                                        const struct mid_blocks_span *span, uint32_t k) {
  if (span->cells != 0) return span->base + blocks->cell[span->cells - 1 + k].offset;
  return span->base + k * span->block_bytes;
}
static inline uint64_t mid_blocks_size(const struct mid_blocks *blocks,
                                       const struct mid_blocks_span *span, uint32_t k) {
  if (span->cells != 0 && !span->large) return blocks->cell[span->cells - 1 + k].bytes;
  return span->block_bytes;
}
// Its type; NULL: it is of no collected heap.
static inline const struct mid_blocks_type *mid_blocks_type(const struct mid_blocks *blocks,
                                                            const struct mid_blocks_span *span,
                                                            uint32_t k) {
  return span->cells == 0 ? NULL : &blocks->type[blocks->cell[span->cells - 1 + k].type];
}
uint32_t mid_blocks_find_cell(const struct mid_blocks *blocks, const struct mid_blocks_span *span,
                              uint64_t address, uint64_t *offset);

// The block, live or free, that `address` lies in, and how far; MID_BLOCK_NONE when in none.
static inline uint32_t mid_blocks_find(const struct mid_blocks *blocks, uint64_t address,
                                       uint64_t *offset) {
  if (address - blocks->low >= blocks->high - blocks->low) return MID_BLOCK_NONE;
  const struct mid_blocks_span *span = mid_blocks_span_at(blocks, address);
  if (span == NULL) return MID_BLOCK_NONE;
  if (span->cells != 0) return mid_blocks_find_cell(blocks, span, address, offset);
  uint64_t off = address - span->base, i = (off * span->reciprocal) >> 40;
  *offset = off - i * span->block_bytes;
  return span->first + (uint32_t)i;
}

// The span of a block.  cost: O(log spans)
const struct mid_blocks_span *mid_blocks_span_of(const struct mid_blocks *blocks, uint32_t block);
uint64_t mid_blocks_address(const struct mid_blocks *blocks, uint32_t block);
uint64_t mid_blocks_bytes(const struct mid_blocks *blocks, uint32_t block);  // usable

// Whether `address` lies in Midden's own memory: address space for spans, free or not; their
// records; heaps; the feed and what lies beside it; libmidden's data.  None of it is a root.
bool mid_blocks_is_own(const struct mid_blocks *blocks, uint64_t address);

#endif
