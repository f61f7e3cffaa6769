// region/chunk.h -- memory taken from another allocator in chunks: listed, counted, given back.
// SPDX-License-Identifier: MIT
//
// Everything in region/ that grows holds its memory so.  A chunk is a block of the source:
//
//   block            chunk          payload, aligned as asked
//   |<-- offset ---------------->|  |<------------ bytes ----------->|
//   +----------------+--------------+--------------------------------+
//   | (alignment)    | mid_chunk    |                                |
//   +----------------+--------------+--------------------------------+
//
//   held = sum of offset + bytes, the spare's too        peak = the most that held has been
#ifndef MID_REGION_CHUNK_H
#define MID_REGION_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midden/allocator.h"

struct mid_chunk {
  struct mid_chunk *next, *prev;  // newest first
  size_t bytes, offset;
};

struct mid_chunks {
  midden_allocator *from;  // never NULL
  struct mid_chunk *first;
  struct mid_chunk *spare;  // in no list, for the next take that it serves; NULL: none
  size_t held, peak;        // bytes
};

// `from` NULL: malloc of this library.
struct mid_chunks mid_chunks_open(midden_allocator *from);

// Take a chunk of `bytes` payload; `align` as in midden_allocator.  NULL and errno as the source
// has it, or ENOMEM for an absurd size.
struct mid_chunk *mid_chunk_take(struct mid_chunks *chunks, size_t bytes, size_t align);
void mid_chunk_give(struct mid_chunks *chunks, struct mid_chunk *chunk);
// As give, but the larger of it and the spare is kept as the spare: for those who would take a like
// one soon.  A take that is served by it may get more bytes than it asked for.
void mid_chunk_keep(struct mid_chunks *chunks, struct mid_chunk *chunk);

// Give every chunk back, the spare too.  Where `chunks` itself lies in one of them, copy it to the
// stack first.
void mid_chunks_give_all(struct mid_chunks *chunks);

// The chunk whose payload holds `p`, found by looking at each; NULL when there is none.
struct mid_chunk *mid_chunks_find(const struct mid_chunks *chunks, const void *p);

static inline char *mid_chunk_payload(struct mid_chunk *chunk) { return (char *)(chunk + 1); }
static inline struct mid_chunk *mid_chunk_of(void *payload) {
  return (struct mid_chunk *)payload - 1;
}

// NULL, or a sentence naming the first broken invariant.
const char *mid_chunks_broken(const struct mid_chunks *chunks);

// ---- what the allocators of region/ ask of a request ----

// The alignment that is meant by `align`; 0 with errno EINVAL when that is no power of two.
size_t mid_region_align(size_t align);
// Whether a block may be so large; else errno is ENOMEM.
bool mid_region_size_is_sane(size_t bytes);
// Resize by taking a block of `self`, copying `old_bytes` and giving `p` back.  NULL and errno
// leave `p` as it was.
void *mid_region_move(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                      size_t align);

#endif
