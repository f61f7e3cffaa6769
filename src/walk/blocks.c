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
#include "walk/library.h"
#include "walk/own.h"
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
  uint64_t count;          // blocks so far
  struct mid_span *table;  // of the window being read
  uint64_t table_at;
  char *bytes;                               // of the span being read
  struct mid_gathered *bundles;              // that threads put aside, by span
  struct mid_gathered *bundle, *bundle_end;  // from here on they are of spans to come
  uint64_t *shared;                          // addresses of first-class heaps, sorted
  size_t shareds;
};

// ---- spans ----

// Whether a record makes sense.  One that does not was being written, or is damaged.
static bool is_small(const struct mid_span *span, size_t room) {
  return span->klass < MID_CLASSES && span->block_bytes == mid_class_bytes(span->klass) &&
         span->slices == mid_class_slices(span->klass) && span->slices <= room &&
         span->carved <= span->slices * MID_SLICE_BYTES / span->block_bytes;
}

static bool is_large(const struct mid_span *span) {
  return span->slices > 0 && span->bytes <= span->slices * MID_SLICE_BYTES &&
         span->block_bytes < span->bytes;
}

static bool span_add(struct reading *r, struct mid_blocks_span span, size_t i) {
  const struct mid_span *record = &r->table[i];
  struct mid_blocks *b = r->blocks;
  if (span.count == 0) return true;
  if (!target_grow((void **)&b->span, &r->room, b->spans, sizeof span) ||
      !target_grow((void **)&r->seen, &r->seen_room, b->spans, sizeof *r->seen))
    return false;
  struct seen *seen = &r->seen[b->spans];
  memcpy((void *)&seen->span, record, sizeof *record);
  for (uint32_t k = 0; k < MID_MEDIUM_SLICES; k++)
    seen->gone[k] = !span.large && k < record->slices ? record[k].gone : 0;
  span.end = span.base + span.count * span.block_bytes;
  span.heap = (uintptr_t)record->heap;
  span.record = r->table_at + i * sizeof *record;
  span.first = (uint32_t)r->count;
  r->count += span.count;
  b->span[b->spans++] = span;
  return true;
}

static bool small_add(struct reading *r, uint64_t base, size_t i) {
  const struct mid_span *record = &r->table[i];
  uint64_t bytes = record->block_bytes;
  struct mid_blocks_span span = {.base = base,
                                 .block_bytes = bytes,
                                 .reciprocal = (((uint64_t)1 << 40) + bytes - 1) / bytes,
                                 .count = record->carved,
                                 .klass = record->klass};
  return span_add(r, span, i);
}

static bool large_add(struct reading *r, uint64_t base, size_t i) {
  const struct mid_span *record = &r->table[i];
  uint64_t bytes = r->library.hardened ? record->asked : record->bytes;
  struct mid_blocks_span span = {.base = base + record->block_bytes,
                                 .block_bytes = mid_max(bytes, (uint64_t)1),
                                 .asked = record->asked,
                                 .count = 1,
                                 .large = true};
  return span_add(r, span, i);
}

// Take record `i` of a window of `slices`: how many of them it describes, 0 when memory ran out.
static size_t record_take(struct reading *r, uint64_t window_base, size_t i, size_t slices) {
  const struct mid_span *record = &r->table[i];
  uint64_t base = window_base + ((uint64_t)i << MID_SLICE_SHIFT);
  bool small = record->state == MID_SPAN_SMALL, large = record->state == MID_SPAN_LARGE;
  bool free_run = record->state == MID_SPAN_DIRTY || record->state == MID_SPAN_CLEAN;
  if (!small && !large && !free_run) return 1;
  if (record->slices == 0 || (small && !is_small(record, slices - i)) ||
      (large && !is_large(record))) {
    r->blocks->torn++;
    return 1;
  }
  if (!mid_own_add(r->blocks, base, base + record->slices * MID_SLICE_BYTES) ||
      (small && !small_add(r, base, i)) || (large && !large_add(r, base, i)))
    return 0;
  return record->slices;
}

static const char *window_read(struct reading *r, size_t w, const struct mid_window *window) {
  size_t slices = mid_min(window->slices, MID_WINDOW_SLICES), bytes = slices * sizeof *r->table;
  r->table_at = (uintptr_t)window->spans;
  r->table = malloc(bytes);
  if (r->table == NULL || !mid_own_add(r->blocks, r->table_at, r->table_at + bytes))
    return target_no_memory;
  if (!mid_target_read(r->t, r->table_at, (void *)r->table, bytes)) r->blocks->torn++;
  size_t took = 1;
  for (size_t i = 0; i < slices && took > 0; i += took)
    took = record_take(r, (uint64_t)w << MID_WINDOW_SHIFT, i, slices);
  free((void *)r->table);
  r->table = NULL;
  return took == 0 ? target_no_memory : NULL;
}

static const char *spans_read(struct reading *r) {
  struct mid_window *root = malloc(MID_WINDOWS * sizeof *root);
  if (root == NULL) return target_no_memory;
  const char *why = NULL;
  if (!mid_target_read(r->t, (uintptr_t)r->library.anchor.map_root, (void *)root,
                       MID_WINDOWS * sizeof *root))
    why = "the heap's page map cannot be read";
  for (size_t w = 0; w < MID_WINDOWS && why == NULL; w++)
    if (root[w].spans != NULL && root[w].slices > 0) why = window_read(r, w, &root[w]);
  free((void *)root);
  if (why == NULL && r->count >= MID_BLOCK_NONE) why = "the heap has more than 4e9 blocks";
  return why;
}

// ---- which blocks are free ----

static void block_free(struct reading *r, const struct mid_blocks_span *span, uint64_t i) {
  uint64_t n = span->first + i;
  r->blocks->live[n / 64] &= ~((uint64_t)1 << n % 64);
}

static struct mid_block block_read(const struct reading *r, const struct mid_blocks_span *span,
                                   uint64_t i) {
  struct mid_block block;
  memcpy(&block, r->bytes + i * span->block_bytes, sizeof block);
  return block;
}

// Follow a list of at most `most` blocks.  What leads out of the span, to no block's start or to a
// block that was met already ends it.
static void list_free(struct reading *r, const struct mid_blocks_span *span, uint64_t block,
                      uint32_t most) {
  for (; most > 0 && block != (uintptr_t)r->library.anchor.no_block; most--) {
    uint64_t off = block - span->base, i = off / span->block_bytes;
    if (off >= span->end - span->base || off % span->block_bytes != 0 ||
        !mid_blocks_is_live(r->blocks, span->first + (uint32_t)i)) {
      r->blocks->torn++;
      return;
    }
    block_free(r, span, i);
    block = (uintptr_t)block_read(r, span, i).next;
  }
}

// Blocks that reach into pages that were given back.
static void gone_free(struct reading *r, const struct mid_blocks_span *span,
                      const struct seen *seen) {
  uint64_t page_bytes = r->t->page_bytes;
  for (uint64_t page = 0; page < (uint64_t)MID_MEDIUM_SLICES * 16; page++) {
    if ((seen->gone[page / 16] >> page % 16 & 1) == 0) continue;
    uint64_t i = page * page_bytes / span->block_bytes;
    for (; i < span->count && i * span->block_bytes < (page + 1) * page_bytes; i++)
      block_free(r, span, i);
  }
}

static void marked_free(struct reading *r, const struct mid_blocks_span *span) {
  for (uint32_t i = 0; i < span->count; i++)
    if ((uintptr_t)block_read(r, span, i).mark == span->record) block_free(r, span, i);
}

static void common_free(struct reading *r, const struct mid_blocks_span *span,
                        const struct seen *seen) {
  size_t bytes = span->end - span->base;
  if (!mid_target_read(r->t, span->base, r->bytes, bytes)) r->blocks->torn++;
  uint64_t remote = seen->span.xfreed;
  list_free(r, span, (uintptr_t)seen->span.ready, span->count);
  list_free(r, span, (uintptr_t)seen->span.freed, span->count);
  list_free(r, span, (uintptr_t)mid_remote_first(remote), mid_remote_count(remote));
  for (; r->bundle < r->bundle_end && r->bundle->base <= span->base; r->bundle++)
    if (r->bundle->base == span->base)
      list_free(r, span, (uintptr_t)r->bundle->first, r->bundle->most - r->bundle->room);
  gone_free(r, span, seen);
  marked_free(r, span);
}

static void hardened_free(struct reading *r, const struct mid_blocks_span *span,
                          const struct seen *seen) {
  uint16_t *state = (uint16_t *)(void *)r->bytes;
  uint64_t at = seen->span.asked + offsetof(struct mid_hardened_table, state);
  if (!mid_target_read(r->t, at, state, span->count * sizeof *state)) r->blocks->torn++;
  for (uint32_t i = 0; i < span->count; i++)
    if (state[i] >= MID_HARD_HELD) block_free(r, span, i);
}

// ---- heaps ----

static int bundle_compare(const void *a, const void *b) {
  uint64_t x = ((const struct mid_gathered *)a)->base, y = ((const struct mid_gathered *)b)->base;
  return (x > y) - (x < y);
}

static int word_compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// What of each heap is needed here: the bundles of its thread, and whether it is first-class.
static const char *heaps_read(struct reading *r) {
  enum { HEAPS_MOST = 1 << 20 };
  struct mid_gathered *bundle;
  size_t bundles = 0, bundles_room = 0, shared_room = 0;
  uint64_t heap = mid_library_word(r->t, r->library.anchor.heaps);
  for (size_t n = 0; heap != 0 && n < HEAPS_MOST; n++) {
    const struct mid_heap *there = (const struct mid_heap *)(uintptr_t)heap;
    uint32_t kind = (uint32_t)mid_library_word(r->t, &there->kind);
    if (!target_grow((void **)&r->bundles, &bundles_room, bundles + MID_GATHERS, sizeof *bundle) ||
        !target_grow((void **)&r->shared, &shared_room, r->shareds, sizeof *r->shared))
      return target_no_memory;
    if (kind == MID_HEAP_SHARED) r->shared[r->shareds++] = heap;
    bundle = &r->bundles[bundles];
    if (!mid_target_read(r->t, (uintptr_t)there->gathered, bundle, sizeof there->gathered))
      r->blocks->torn++;
    for (unsigned i = 0; i < MID_GATHERS; i++)
      if (bundle[i].limit != 0 && bundle[i].room < bundle[i].most)
        r->bundles[bundles++] = bundle[i];
    heap = mid_library_word(r->t, &there->next);
  }
  if (bundles > 0) qsort(r->bundles, bundles, sizeof *bundle, bundle_compare);
  if (r->shareds > 0) qsort(r->shared, r->shareds, sizeof *r->shared, word_compare);
  r->bundle = r->bundles;
  r->bundle_end = r->bundles + bundles;
  return NULL;
}

static bool is_shared(const struct reading *r, uint64_t heap) {
  return r->shareds > 0 && bsearch(&heap, r->shared, r->shareds, sizeof heap, word_compare) != NULL;
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
    if (!span->large && r->library.hardened)
      hardened_free(r, span, &r->seen[i]);
    else if (!span->large)
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
  if (why == NULL) why = spans_read(&r);
  if (why == NULL) why = heaps_read(&r);
  if (why == NULL) why = live_find(&r);
  if (why == NULL && !mid_own_find(target, &r.library, out)) why = target_no_memory;
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
  return span->base + (block - span->first) * span->block_bytes;
}

uint64_t mid_blocks_bytes(const struct mid_blocks *b, uint32_t block) {
  return mid_blocks_span_of(b, block)->block_bytes;
}
