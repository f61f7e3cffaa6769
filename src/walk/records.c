// walk/records.c -- see records.h.
// SPDX-License-Identifier: MIT
#include "walk/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/target_source.h"

static const char *window_read(const struct mid_target *t, uint64_t base,
                               const struct mid_window *window,
                               size_t (*take)(void *, const struct mid_record *), void *self) {
  size_t slices = mid_min(window->slices, MID_WINDOW_SLICES), took = 1;
  struct mid_span *table = malloc(slices * sizeof *table);
  if (table == NULL) return target_no_memory;
  uint64_t at = (uintptr_t)window->spans;
  (void)mid_target_read(t, at, (void *)table, slices * sizeof *table);
  for (size_t i = 0; i < slices && took > 0; i += took) {
    struct mid_record record = {&table[i], at + i * sizeof *table,
                                base + ((uint64_t)i << MID_SLICE_SHIFT), i, slices};
    took = take(self, &record);
  }
  free((void *)table);
  return took == 0 ? target_no_memory : NULL;
}

const char *mid_records_read(const struct mid_target *t, const struct mid_library *library,
                             size_t (*take)(void *, const struct mid_record *), void *self) {
  struct mid_window *root = malloc(MID_WINDOWS * sizeof *root);
  if (root == NULL) return target_no_memory;
  const char *why = NULL;
  if (!mid_target_read(t, (uintptr_t)library->anchor.map_root, (void *)root,
                       MID_WINDOWS * sizeof *root))
    why = "the heap's page map cannot be read";
  for (size_t w = 0; w < MID_WINDOWS && why == NULL; w++)
    if (root[w].spans != NULL && root[w].slices > 0)
      why = window_read(t, (uint64_t)w << MID_WINDOW_SHIFT, &root[w], take, self);
  free((void *)root);
  return why;
}

static const char *record_small_broken(const struct mid_span *span, size_t room) {
  if (span->klass >= MID_CLASSES || span->block_bytes != mid_class_bytes(span->klass))
    return "a span of blocks that are of no size class";
  if (span->slices != mid_class_slices(span->klass) || span->slices > room)
    return "a span of blocks of a wrong length";
  if (span->carved > span->slices * MID_SLICE_BYTES / span->block_bytes)
    return "a span with more blocks than it holds";
  return NULL;
}

static const char *large_broken(const struct mid_span *span) {
  if (span->slices == 0) return "a large block of no length";
  if (span->bytes > span->slices * MID_SLICE_BYTES || span->block_bytes >= span->bytes)
    return "a large block that is longer than its span";
  return NULL;
}

const char *mid_record_broken(const struct mid_record *record) {
  const struct mid_span *span = record->span;
  size_t room = record->slices - record->index;
  if (span->state == MID_SPAN_SMALL) return record_small_broken(span, room);
  if (span->state == MID_SPAN_LARGE) return large_broken(span);
  // Runs that cross into another window have their records there.
  return span->slices == 0 || span->slices > room ? "a free run of a wrong length" : NULL;
}

const char *mid_record_list(const struct mid_record_blocks *b, uint64_t block, uint64_t most,
                            bool (*visit)(void *self, uint64_t i), void *self) {
  for (; most > 0 && block != b->no_block; most--) {
    uint64_t off = block - b->base, i = off / b->block_bytes;
    if (i >= b->count) return "a free list that leaves its span";
    if (off % b->block_bytes != 0) return "a free list that holds no block's start";
    if (!visit(self, i)) return "a free list that goes in a circle, or a block in two lists";
    memcpy(&block, b->bytes + off + offsetof(struct mid_block, next), sizeof block);
  }
  return NULL;
}
