// walk/blocks.c -- see blocks.h.
// SPDX-License-Identifier: MIT
//
// Free are the blocks in a list of their span, those that threads put aside, those in pages that
// were given back, and those that carry the mark of a free block (heap/heap.h): the last are in
// lists that a thread was just changing, or were lost to the heap when their process forked.  In a
// hardened heap the span's table tells.
#include "walk/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/collected.h"
#include "walk/library.h"
#include "walk/own.h"
#include "walk/records.h"
#include "walk/target_source.h"

// The record of a span, and what the records of its other slices know of its pages.
struct seen {
  struct mid_span span;
  uint16_t gone[MID_MEDIUM_SLICES];
};

struct reading {
  const struct mid_target *t;
  struct mid_library library;
  struct mid_blocks *blocks;
  struct seen *seen;  // by the index of the span
  size_t room, seen_room;
  uint64_t count;                            // blocks so far
  char *bytes;                               // of the span being read
  struct mid_gathered *bundles;              // that threads put aside, by span
  struct mid_gathered *bundle, *bundle_end;  // from here on they are of spans to come
  uint64_t *shared;                          // addresses of first-class heaps, sorted
  size_t shareds;
  struct mid_collected collected;
};

// ---- spans ----

static bool span_add(struct reading *r, struct mid_blocks_span span,
                     const struct mid_record *record) {
  struct mid_blocks *b = r->blocks;
  if (span.count == 0) return true;
  if (!target_grow((void **)&b->span, &r->room, b->spans, sizeof span) ||
      !target_grow((void **)&r->seen, &r->seen_room, b->spans, sizeof *r->seen))
    return false;
  struct seen *seen = &r->seen[b->spans];
  memcpy((void *)&seen->span, record->span, sizeof seen->span);
  for (uint32_t k = 0; k < MID_MEDIUM_SLICES; k++)
    seen->gone[k] = !span.large && k < record->span->slices ? record->span[k].gone : 0;
  if (span.cells == 0 || span.large) span.end = span.base + span.count * span.block_bytes;
  span.heap = (uintptr_t)record->span->heap;
  span.record = record->at;
  span.first = (uint32_t)r->count;
  r->count += span.count;
  b->span[b->spans++] = span;
  return true;
}

static bool small_add(struct reading *r, const struct mid_record *record) {
  uint64_t bytes = record->span->block_bytes;
  struct mid_blocks_span span = {.base = record->base,
                                 .block_bytes = bytes,
                                 .reciprocal = (((uint64_t)1 << 40) + bytes - 1) / bytes,
                                 .count = record->span->carved,
                                 .klass = record->span->klass};
  return span_add(r, span, record);
}

static bool large_add(struct reading *r, const struct mid_record *record) {
  uint64_t bytes = r->library.hardened ? record->span->asked : record->span->bytes;
  struct mid_blocks_span span = {.base = record->base + record->span->block_bytes,
                                 .block_bytes = mid_max(bytes, (uint64_t)1),
                                 .asked = record->span->asked,
                                 .count = 1,
                                 .large = true};
  return span_add(r, span, record);
}

// The objects in a span of a collected heap.
static bool collected_add(struct reading *r, const struct mid_record *record) {
  const uint64_t bytes = record->span->slices * MID_SLICE_BYTES;
  for (uint64_t at = 0, read; at < bytes; at += read) {
    struct mid_blocks_span span;
    if (!mid_collected_read(&r->collected, r->blocks, record->base + at, &span, &read) ||
        !span_add(r, span, record))
      return false;
  }
  return true;
}

// What is said to have a length has it.
static bool is_mapped(const struct mid_target *t, const struct mid_record *record) {
  uint64_t bytes = record->span->slices * MID_SLICE_BYTES;
  return mid_target_mapping_at(t, record->base) != NULL &&
         mid_target_mapping_at(t, record->base + bytes - 1) != NULL;
}

static size_t record_take(void *self, const struct mid_record *record) {
  struct reading *r = self;
  const struct mid_span *span = record->span;
  if (record->index == 0 &&
      !mid_own_add(r->blocks, record->at, record->at + record->slices * sizeof *span))
    return 0;
  if (!mid_record_is_head(span)) return 1;
  // It was being written, or is damaged.
  if (mid_record_broken(record) != NULL || !is_mapped(r->t, record)) return r->blocks->torn++, 1;
  if (!mid_own_add(r->blocks, record->base, record->base + span->slices * MID_SLICE_BYTES) ||
      (span->state == MID_SPAN_SMALL && !small_add(r, record)) ||
      (span->state == MID_SPAN_LARGE &&
       !(span->klass == MID_SPAN_COLLECTED ? collected_add : large_add)(r, record)))
    return 0;
  return span->slices;
}

static const char *spans_read(struct reading *r) {
  const char *why = mid_records_read(r->t, &r->library, record_take, r);
  if (why == NULL && r->count >= MID_BLOCK_NONE) why = "the heap has more than 4e9 blocks";
  return why;
}

// ---- which blocks are free ----

struct freeing {
  struct mid_blocks *blocks;
  uint32_t first;
};

static bool block_free(void *self, uint64_t i) {
  const struct freeing *f = self;
  uint64_t n = f->first + i, bit = (uint64_t)1 << n % 64;
  bool was_live = (f->blocks->live[n / 64] & bit) != 0;
  f->blocks->live[n / 64] &= ~bit;
  return was_live;
}

// Blocks that reach into pages that were given back.
static void gone_free(struct freeing *f, const struct mid_blocks_span *span,
                      const struct seen *seen, uint64_t page_bytes) {
  for (uint64_t page = 0; page < (uint64_t)MID_MEDIUM_SLICES * 16; page++) {
    if ((seen->gone[page / 16] >> page % 16 & 1) == 0) continue;
    uint64_t i = page * page_bytes / span->block_bytes;
    for (; i < span->count && i * span->block_bytes < (page + 1) * page_bytes; i++)
      (void)block_free(f, i);
  }
}

static void marked_free(struct freeing *f, const struct mid_blocks_span *span, const char *bytes) {
  for (uint32_t i = 0; i < span->count; i++) {
    uint64_t mark;
    memcpy(&mark, bytes + i * span->block_bytes, sizeof mark);
    if (mark == span->record) (void)block_free(f, i);
  }
}

static void common_free(struct reading *r, const struct mid_blocks_span *span,
                        const struct seen *seen) {
  struct freeing f = {r->blocks, span->first};
  struct mid_record_blocks list = {span->base, span->block_bytes, span->count,
                                   (uintptr_t)r->library.anchor.no_block, r->bytes};
  uint64_t remote = seen->span.xfreed, *torn = &r->blocks->torn;
  if (!mid_target_read(r->t, span->base, r->bytes, span->end - span->base)) ++*torn;
  *torn += mid_record_list(&list, (uintptr_t)seen->span.ready, span->count, block_free, &f) != NULL;
  *torn += mid_record_list(&list, (uintptr_t)seen->span.freed, span->count, block_free, &f) != NULL;
  *torn += mid_record_list(&list, (uintptr_t)mid_remote_first(remote), mid_remote_count(remote),
                           block_free, &f) != NULL;
  for (; r->bundle < r->bundle_end && r->bundle->base <= span->base; r->bundle++)
    if (r->bundle->base == span->base)
      *torn += mid_record_list(&list, (uintptr_t)r->bundle->first,
                               r->bundle->most - r->bundle->room, block_free, &f) != NULL;
  gone_free(&f, span, seen, r->t->page_bytes);
  marked_free(&f, span, r->bytes);
}

static void hardened_free(struct reading *r, const struct mid_blocks_span *span,
                          const struct seen *seen) {
  struct freeing f = {r->blocks, span->first};
  uint16_t *state = (uint16_t *)(void *)r->bytes;
  uint64_t at = seen->span.asked + offsetof(struct mid_hardened_table, state);
  if (!mid_target_read(r->t, at, state, span->count * sizeof *state)) r->blocks->torn++;
  for (uint32_t i = 0; i < span->count; i++)
    if (state[i] >= MID_HARD_HELD) (void)block_free(&f, i);
}

// ---- heaps ----

// What of each heap is needed here: the bundles of its thread, and whether it is first-class.
static const char *heaps_read(struct reading *r) {
  struct mid_gathered *bundle;
  size_t bundles = 0, bundles_room = 0, shared_room = 0;
  struct mid_library_list list = {.at = mid_library_word(r->t, (uintptr_t)r->library.anchor.heaps)};
  while (list.at != 0) {
    uint64_t heap = list.at;
    uint32_t kind = (uint32_t)mid_library_word(r->t, heap + offsetof(struct mid_heap, kind));
    if (!target_grow((void **)&r->bundles, &bundles_room, bundles + MID_GATHERS, sizeof *bundle) ||
        !target_grow((void **)&r->shared, &shared_room, r->shareds, sizeof *r->shared))
      return target_no_memory;
    if (kind == MID_HEAP_SHARED) r->shared[r->shareds++] = heap;
    bundle = &r->bundles[bundles];
    if (!mid_target_read(r->t, heap + offsetof(struct mid_heap, gathered), bundle,
                         MID_GATHERS * sizeof *bundle))
      r->blocks->torn++;
    for (unsigned i = 0; i < MID_GATHERS; i++)
      if (bundle[i].limit != 0 && bundle[i].room < bundle[i].most)
        r->bundles[bundles++] = bundle[i];
    mid_library_step(&list, mid_library_word(r->t, heap + offsetof(struct mid_heap, next)));
  }
  if (bundles > 0) qsort(r->bundles, bundles, sizeof *bundle, target_compare);
  if (r->shareds > 0) qsort(r->shared, r->shareds, sizeof *r->shared, target_compare);
  r->bundle = r->bundles;
  r->bundle_end = r->bundles + bundles;
  return NULL;
}

static bool is_shared(const struct reading *r, uint64_t heap) {
  return r->shareds > 0 &&
         bsearch(&heap, r->shared, r->shareds, sizeof heap, target_compare) != NULL;
}

// ---- the whole ----

// From an address to its span: the index of the span, and 1, for each slice.
static bool index_make(struct mid_blocks *b) {
  b->window = calloc(MID_WINDOWS, sizeof *b->window);
  for (size_t i = 0; i < b->spans && b->window != NULL; i++) {
    uint64_t slice = b->span[i].base >> MID_SLICE_SHIFT;
    for (; slice << MID_SLICE_SHIFT < b->span[i].end; slice++) {
      uint32_t **window = &b->window[slice / MID_WINDOW_SLICES % MID_WINDOWS];
      if (*window == NULL) *window = calloc(MID_WINDOW_SLICES, sizeof **window);
      if (*window == NULL) return false;
      (*window)[slice % MID_WINDOW_SLICES] = (uint32_t)i + 1;
    }
  }
  if (b->spans > 0) b->low = b->span[0].base, b->high = b->span[b->spans - 1].end;
  return b->window != NULL;
}

const struct mid_blocks_span *mid_blocks_span_at(const struct mid_blocks *b, uint64_t address) {
  uint64_t slice = address >> MID_SLICE_SHIFT, w = slice / MID_WINDOW_SLICES;
  if (w >= MID_WINDOWS || b->window[w] == NULL) return NULL;
  uint32_t i = b->window[w][slice % MID_WINDOW_SLICES];
  if (i == 0) return NULL;
  const struct mid_blocks_span *span = &b->span[i - 1];
  return address - span->base < span->end - span->base ? span : NULL;
}

static void live_count(struct mid_blocks *b, const struct mid_blocks_span *span) {
  uint64_t live = 0;
  if (span->cells != 0) {
    b->live_blocks += span->count;
    for (uint32_t i = 0; i < span->count; i++) b->live_bytes += mid_blocks_size(b, span, i);
    return;
  }
  for (uint32_t i = 0; i < span->count; i++) live += mid_blocks_is_live(b, span->first + i);
  b->live_blocks += live;
  b->live_bytes += live * span->block_bytes;
  b->free_bytes += (span->count - live) * span->block_bytes;
}

static const char *live_find(struct reading *r) {
  struct mid_blocks *b = r->blocks;
  b->blocks = (uint32_t)r->count;
  b->live = malloc((r->count / 64 + 1) * sizeof *b->live);
  r->bytes = malloc(MID_MEDIUM_SLICES * MID_SLICE_BYTES);
  if (b->live == NULL || r->bytes == NULL || !index_make(b)) return target_no_memory;
  memset(b->live, 0xff, (r->count / 64 + 1) * sizeof *b->live);
  for (size_t i = 0; i < b->spans; i++) {
    struct mid_blocks_span *span = &b->span[i];
    span->shared = is_shared(r, span->heap);
    // Of a collected heap what is there lives, as far as is known before a collection.
    bool equal = !span->large && span->cells == 0;
    span->remote = equal ? mid_remote_count(r->seen[i].span.xfreed) : 0;
    if (equal && r->library.hardened)
      hardened_free(r, span, &r->seen[i]);
    else if (equal)
      common_free(r, span, &r->seen[i]);
    live_count(b, span);
  }
  return NULL;
}

const char *mid_blocks_read(const struct mid_target *target, struct mid_blocks *out) {
  struct reading r = {.t = target, .blocks = out};
  *out = (struct mid_blocks){0};
  const char *why = mid_library_find(target, &r.library);
  out->hardened = r.library.hardened;
  if (why == NULL) why = mid_collected_open(&r.collected, target, &r.library);
  if (why == NULL) why = spans_read(&r);
  if (why == NULL) why = heaps_read(&r);
  if (why == NULL) why = live_find(&r);
  if (why == NULL && !mid_collected_keep(&r.collected, out)) why = target_no_memory;
  if (why == NULL && !mid_own_find(target, &r.library, out)) why = target_no_memory;
  mid_collected_close(&r.collected);
  free(r.seen);
  free(r.bytes);
  free(r.bundles);
  free(r.shared);
  if (why != NULL) mid_blocks_close(out);
  return why;
}

void mid_blocks_close(struct mid_blocks *b) {
  for (size_t w = 0; b->window != NULL && w < MID_WINDOWS; w++) free(b->window[w]);
  free(b->window);
  free(b->span);
  free(b->live);
  free(b->cell);
  free(b->type);
  free(b->kept);
  free(b->own);
  *b = (struct mid_blocks){0};
}

// ---- looking up ----

const struct mid_blocks_span *mid_blocks_span_of(const struct mid_blocks *b, uint32_t block) {
  size_t low = 0, high = b->spans;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (b->span[middle].first <= block)
      low = middle;
    else
      high = middle;
  }
  return &b->span[low];
}

uint64_t mid_blocks_address(const struct mid_blocks *b, uint32_t block) {
  const struct mid_blocks_span *span = mid_blocks_span_of(b, block);
  return mid_blocks_place(b, span, block - span->first);
}

uint64_t mid_blocks_bytes(const struct mid_blocks *b, uint32_t block) {
  const struct mid_blocks_span *span = mid_blocks_span_of(b, block);
  return mid_blocks_size(b, span, block - span->first);
}

uint32_t mid_blocks_find_cell(const struct mid_blocks *b, const struct mid_blocks_span *span,
                              uint64_t address, uint64_t *offset) {
  const struct mid_blocks_cell *cell = &b->cell[span->cells - 1];
  uint64_t at = address - span->base, low = 0, high = span->count;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    if (cell[middle].offset <= at)
      low = middle;
    else
      high = middle;
  }
  if (at < cell[low].offset) return MID_BLOCK_NONE;
  *offset = at - cell[low].offset;
  if (*offset >= mid_blocks_size(b, span, (uint32_t)low) && *offset > 0) return MID_BLOCK_NONE;
  return span->first + (uint32_t)low;
}
