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

struct mid_chunk *mid_chunk_take(struct mid_chunks *chunks, size_t bytes, size_t align) {
  align = mid_region_align(align);
  if (align == 0 || !mid_region_size_is_sane(bytes) || !mid_region_size_is_sane(align)) return NULL;
  size_t offset = mid_round_up(sizeof(struct mid_chunk), align);
  char *block = chunks->from->alloc(chunks->from, offset + bytes, align);
  if (block == NULL) return NULL;
  struct mid_chunk *chunk = mid_chunk_of(block + offset);
  *chunk = (struct mid_chunk){.next = chunks->first, .bytes = bytes, .offset = offset};
  if (chunk->next != NULL) chunk->next->prev = chunk;
  chunks->first = chunk;
  chunks->held += chunk_whole(chunk);
  chunks->peak = mid_max(chunks->peak, chunks->held);
  return chunk;
}

void mid_chunk_give(struct mid_chunks *chunks, struct mid_chunk *chunk) {
  if (chunk->next != NULL) chunk->next->prev = chunk->prev;
  if (chunk->prev != NULL)
    chunk->prev->next = chunk->next;
  else
    chunks->first = chunk->next;
  size_t whole = chunk_whole(chunk);
  chunks->held -= whole;
  chunks->from->free(chunks->from, mid_chunk_payload(chunk) - chunk->offset, whole);
}

void mid_chunks_give_all(struct mid_chunks *chunks) {
  while (chunks->first != NULL) mid_chunk_give(chunks, chunks->first);
}

struct mid_chunk *mid_chunks_find(const struct mid_chunks *chunks, const void *p) {
  for (struct mid_chunk *chunk = chunks->first; chunk != NULL; chunk = chunk->next)
    if ((uintptr_t)p - (uintptr_t)mid_chunk_payload(chunk) < chunk->bytes) return chunk;
  return NULL;
}

const char *mid_chunks_broken(const struct mid_chunks *chunks) {
  size_t held = 0;
  const struct mid_chunk *prev = NULL;
  for (const struct mid_chunk *chunk = chunks->first; chunk != NULL; chunk = chunk->next) {
    if (chunk->prev != prev) return "a chunk's neighbour does not know it";
    held += chunk_whole(chunk);
    prev = chunk;
  }
  if (held != chunks->held) return "what is held is not the sum of the chunks";
  return chunks->held <= chunks->peak ? NULL : "more is held than the most there was";
}
