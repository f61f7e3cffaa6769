// region/chunk.c -- memory taken from another allocator in chunks: see chunk.h.
// SPDX-License-Identifier: MIT
#include "region/chunk.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/check.h"

_Static_assert(sizeof(struct mid_chunk) % 16 == 0, "a payload must be aligned to 16");

size_t mid_region_align(size_t align) {
  if (align <= 16 && (align == 0 || mid_is_power(align))) return 16;
  if (mid_is_power(align)) return align;
  errno = EINVAL;
  return 0;
}

bool mid_region_size_is_sane(size_t bytes) {
  if (mid_likely(bytes <= PTRDIFF_MAX / 2)) return true;
  errno = ENOMEM;
  return false;
}

void *mid_region_move(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                      size_t align) {
  void *moved = self->alloc(self, bytes, align);
  if (moved == NULL) return NULL;
  memcpy(moved, p, mid_min(old_bytes, bytes));
  self->free(self, p, old_bytes);
  return moved;
}

struct mid_chunks mid_chunks_open(midden_allocator *from) {
  return (struct mid_chunks){.from = from != NULL ? from : midden_allocator_malloc()};
}

static size_t chunk_whole(const struct mid_chunk *chunk) { return chunk->offset + chunk->bytes; }

static void chunk_push(struct mid_chunks *chunks, struct mid_chunk *chunk) {
  chunk->prev = NULL;
  chunk->next = chunks->first;
  if (chunk->next != NULL) chunk->next->prev = chunk;
  chunks->first = chunk;
}

static void chunk_drop(struct mid_chunks *chunks, struct mid_chunk *chunk) {
  MID_REQUIRE((chunk->prev == NULL ? chunks->first : chunk->prev->next) == chunk,
              "free of a block that is not this allocator's", chunk + 1,
              "it was freed before, or taken elsewhere, or memory before it was overwritten");
  if (chunk->next != NULL) chunk->next->prev = chunk->prev;
  if (chunk->prev != NULL)
    chunk->prev->next = chunk->next;
  else
    chunks->first = chunk->next;
}

static void chunk_return(struct mid_chunks *chunks, struct mid_chunk *chunk) {
  size_t whole = chunk_whole(chunk);
  chunks->held -= whole;
  chunks->from->free(chunks->from, mid_chunk_payload(chunk) - chunk->offset, whole);
}

static struct mid_chunk *chunk_new(struct mid_chunks *chunks, size_t bytes, size_t align) {
  size_t offset = mid_round_up(sizeof(struct mid_chunk), align);
  char *block = chunks->from->alloc(chunks->from, offset + bytes, align);
  if (block == NULL) return NULL;
  struct mid_chunk *chunk = mid_chunk_of(block + offset);
  chunk->bytes = bytes, chunk->offset = offset;
  chunks->held += chunk_whole(chunk);
  chunks->peak = mid_max(chunks->peak, chunks->held);
  return chunk;
}

static struct mid_chunk *chunk_spare(struct mid_chunks *chunks, size_t bytes, size_t align) {
  struct mid_chunk *chunk = chunks->spare;
  if (chunk == NULL || chunk->bytes < bytes || (uintptr_t)(chunk + 1) % align != 0) return NULL;
  chunks->spare = NULL;
  return chunk;
}

struct mid_chunk *mid_chunk_take(struct mid_chunks *chunks, size_t bytes, size_t align) {
  align = mid_region_align(align);
  if (align == 0 || !mid_region_size_is_sane(bytes) || !mid_region_size_is_sane(align)) return NULL;
  struct mid_chunk *chunk = chunk_spare(chunks, bytes, align);
  if (chunk == NULL) chunk = chunk_new(chunks, bytes, align);
  if (chunk != NULL) chunk_push(chunks, chunk);
  return chunk;
}

void mid_chunk_give(struct mid_chunks *chunks, struct mid_chunk *chunk) {
  chunk_drop(chunks, chunk);
  chunk_return(chunks, chunk);
}

void mid_chunk_keep(struct mid_chunks *chunks, struct mid_chunk *chunk) {
  chunk_drop(chunks, chunk);
  struct mid_chunk *spare = chunks->spare;
  if (spare != NULL && spare->bytes >= chunk->bytes) return chunk_return(chunks, chunk);
  if (spare != NULL) chunk_return(chunks, spare);
  chunks->spare = chunk;
}

void mid_chunks_give_all(struct mid_chunks *chunks) {
  while (chunks->first != NULL) mid_chunk_give(chunks, chunks->first);
  if (chunks->spare != NULL) chunk_return(chunks, chunks->spare);
  chunks->spare = NULL;
}

struct mid_chunk *mid_chunks_find(const struct mid_chunks *chunks, const void *p) {
  for (struct mid_chunk *chunk = chunks->first; chunk != NULL; chunk = chunk->next)
    if ((uintptr_t)p - (uintptr_t)mid_chunk_payload(chunk) < chunk->bytes) return chunk;
  return NULL;
}

const char *mid_chunks_broken(const struct mid_chunks *chunks) {
  size_t held = chunks->spare == NULL ? 0 : chunk_whole(chunks->spare);
  const struct mid_chunk *prev = NULL;
  for (const struct mid_chunk *chunk = chunks->first; chunk != NULL; chunk = chunk->next) {
    if (chunk->prev != prev) return "a chunk's neighbour does not know it";
    held += chunk_whole(chunk);
    prev = chunk;
  }
  if (held != chunks->held) return "what is held is not the sum of the chunks";
  return chunks->held <= chunks->peak ? NULL : "more is held than the most there was";
}
