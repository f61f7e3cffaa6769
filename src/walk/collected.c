// walk/collected.c -- see collected.h; gc/gc.h has how objects lie in blocks.
// SPDX-License-Identifier: MIT
//
// A target that was stopped in the middle of a collection has objects that were just moved: what of
// a block cannot be read in order is left out, and counts as torn.
#include "walk/collected.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/own.h"
#include "walk/target_source.h"

static const char collected_other_build[] =
    "its collected heaps are of another build of Midden: use the midden command that belongs to it";

const char *mid_collected_open(struct mid_collected *c, const struct mid_target *t,
                               const struct mid_library *library) {
  static const uint32_t layout[MID_GC_ANCHOR_LAYOUTS] = MID_GC_ANCHOR_LAYOUT;
  struct mid_gc_anchor anchor;
  *c = (struct mid_collected){.t = t};
  uint64_t at = mid_library_word(t, (uintptr_t)library->anchor.collected);
  if (at == 0) return NULL;
  if (!mid_target_read(t, at, &anchor, sizeof anchor) ||
      memcmp(anchor.layout, layout, sizeof layout) != 0)
    return collected_other_build;
  c->window = calloc(MID_WINDOWS, sizeof *c->window);
  c->bytes = malloc(MID_GC_BLOCK);
  if (c->window == NULL || c->bytes == NULL) return target_no_memory;
  (void)mid_target_read(t, (uintptr_t)anchor.windows, (void *)c->window,
                        MID_WINDOWS * sizeof *c->window);
  return NULL;
}

void mid_collected_close(struct mid_collected *c) {
  free((void *)c->window);
  free(c->bytes);
  free(c->gc);
}

// ---- types ----

static bool type_read(struct mid_collected *c, struct mid_blocks *out, uint64_t address) {
  struct mid_gc_type type;
  if (!target_grow((void **)&out->type, &c->types_room, out->types, sizeof *out->type))
    return false;
  struct mid_blocks_type *t = &out->type[out->types];
  // A type tells the word that its objects carry, so what does not is none.
  if (!mid_target_read(c->t, address, (void *)&type, sizeof type) ||
      type.seen.word >> MID_GC_BITS != address)
    return false;
  *t = (struct mid_blocks_type){
      .address = address,
      .bytes = type.bytes,
      .element_bytes = type.element_bytes,
      .has_refs = type.inside != MID_GC_BYTES && type.inside != MID_GC_WEAK};
  for (size_t i = 0; i + 1 < sizeof t->name; i++)
    if (!mid_target_read(c->t, (uintptr_t)type.name + i, &t->name[i], 1) || t->name[i] == 0) break;
  out->types++;
  return true;
}

// The place of a type; UINT32_MAX: it is none.
static uint32_t type_find(struct mid_collected *c, struct mid_blocks *out, uint64_t address) {
  if (c->last_type == address && address != 0) return c->last;
  uint32_t i = 0;
  while (i < out->types && out->type[i].address != address) i++;
  if (i == out->types && !type_read(c, out, address)) return UINT32_MAX;
  c->last_type = address;
  return c->last = i;
}

// ---- objects ----

struct object {
  uint64_t word, count;  // the type word, and elements
  uint32_t before;       // bytes of the words before its fields
};

static uint64_t field_bytes(const struct mid_blocks_type *type, const struct object *o) {
  return type->bytes + o->count * type->element_bytes;
}

static bool cell_add(struct mid_collected *c, struct mid_blocks *out, struct mid_blocks_cell cell) {
  if (!target_grow((void **)&out->cell, &c->cells_room, out->cells, sizeof cell)) return false;
  out->cell[out->cells++] = cell;
  return true;
}

// The words before an object, at `at`.  false: there is none.
static bool object_read(const char *at, const char *end, struct object *o) {
  uint64_t word[2] = {0};
  memcpy(word, at, end - at < 16 ? 8 : 16);
  bool counted = (word[0] & 7) == MID_GC_COUNT;
  *o = (struct object){word[counted], counted ? word[0] >> 3 : 0, counted ? 16 : 8};
  return !mid_gc_is_forwarded(o->word) && (o->word & 7) == 0 && o->word >> MID_GC_BITS != 0;
}

// Bytes from one object or fill to what follows; 0: this cannot be.
static uint64_t step_read(struct mid_collected *c, struct mid_blocks *out, uint64_t offset,
                          uint64_t end, uint8_t dead) {
  const char *at = c->bytes + offset;
  struct object o;
  uint64_t word, bytes;
  memcpy(&word, at, sizeof word);
  if ((word & 7) == MID_GC_FILL) return word >> 3;
  if (!object_read(at, c->bytes + end, &o)) return 0;
  uint32_t type = type_find(c, out, o.word >> MID_GC_BITS);
  if (type == UINT32_MAX) return 0;
  bytes = field_bytes(&out->type[type], &o);
  if (bytes > MID_GC_BLOCK) return 0;
  if (dead >> mid_gc_colour(o.word) & 1) {
    // Not reached by the last major collection, and not swept yet.
  } else if (!cell_add(
                 c, out,
                 (struct mid_blocks_cell){(uint32_t)offset + o.before, (uint32_t)bytes, type})) {
    return 0;
  }
  return mid_round_up(bytes, MID_GC_WORD) + o.before +
         ((o.word & MID_GC_HASH_KEPT) != 0 ? MID_GC_WORD : 0);
}

// A bit for each colour that only the dead have in this block.
static uint8_t dead_colours(const struct mid_collected *c, const struct mid_gc_block *block) {
  if (!block->unswept) return 0;
  uint64_t gc = (uintptr_t)block->gc + offsetof(struct midden_gc, major_colour);
  return (uint8_t) ~(1u << (mid_library_word(c->t, gc) & 3));
}

static void block_read(struct mid_collected *c, struct mid_blocks *out, uint64_t base,
                       const struct mid_gc_block *block) {
  uint64_t end = (uintptr_t)block->end - base, top = UINT64_MAX;
  uint8_t dead = dead_colours(c, block);
  if (end > MID_GC_BLOCK || !mid_target_read(c->t, base, c->bytes, MID_GC_BLOCK)) {
    out->torn++;
    return;
  }
  if (block->buffer_top != NULL) top = mid_library_word(c->t, (uintptr_t)block->buffer_top) - base;
  for (uint64_t at = 0, step; at < end; at += step) {
    if (at == top)
      step = (uintptr_t)block->buffer_end - base - at;
    else
      step = step_read(c, out, at, end, dead);
    if (step == 0 || step > end - at || step % MID_GC_WORD != 0) {
      // Up to the end of a buffer nothing need be there.
      out->torn += at + MID_GC_WORD <= end;
      return;
    }
  }
}

static bool large_read(struct mid_collected *c, struct mid_blocks *out,
                       const struct mid_gc_block *block, struct mid_blocks_span *span) {
  uint64_t words[2], object = (uintptr_t)block->object;
  struct object o;
  uint32_t type = UINT32_MAX;
  if (mid_target_read(c->t, object - sizeof words, words, sizeof words)) {
    bool counted = (words[0] & 7) == MID_GC_COUNT && (words[1] & MID_GC_COUNTED) != 0;
    o = (struct object){words[1], counted ? words[0] >> 3 : 0, counted ? 16 : 8};
    type = type_find(c, out, o.word >> MID_GC_BITS);
  }
  if (type == UINT32_MAX) return out->torn++, true;
  uint64_t bytes = field_bytes(&out->type[type], &o);
  if (bytes == 0 || bytes > block->bytes) return out->torn++, true;
  *span = (struct mid_blocks_span){.base = object,
                                   .block_bytes = bytes,
                                   .asked = bytes,
                                   .cells = (uint32_t)out->cells + 1,
                                   .count = 1,
                                   .large = true};
  return cell_add(c, out, (struct mid_blocks_cell){.type = type});
}

// ---- blocks ----

static bool gc_met(struct mid_collected *c, uint64_t gc) {
  for (size_t i = 0; i < c->gcs; i++)
    if (c->gc[i] == gc) return true;
  if (!target_grow((void **)&c->gc, &c->gcs_room, c->gcs, sizeof *c->gc)) return false;
  c->gc[c->gcs++] = gc;
  return true;
}

bool mid_collected_read(struct mid_collected *c, struct mid_blocks *out, uint64_t base,
                        struct mid_blocks_span *span, uint64_t *read) {
  struct mid_gc_block block;
  uint64_t window = c->window == NULL ? 0 : (uintptr_t)c->window[base >> MID_WINDOW_SHIFT];
  uint64_t slice = (base >> MID_GC_BLOCK_SHIFT) % MID_WINDOW_SLICES;
  uint64_t place = window + offsetof(struct mid_gc_window, block) + slice * sizeof(void *);
  uint64_t at = window == 0 ? 0 : mid_library_word(c->t, place);
  *span = (struct mid_blocks_span){0};
  *read = MID_GC_BLOCK;
  if (at == 0 || !mid_target_read(c->t, at, (void *)&block, sizeof block) ||
      (uintptr_t)block.base != base)
    return true;
  if (!gc_met(c, (uintptr_t)block.gc)) return false;
  if (block.object != NULL) {
    *read = mid_max(block.bytes, (size_t)MID_GC_BLOCK);
    return large_read(c, out, &block, span);
  }
  size_t before = out->cells;
  block_read(c, out, base, &block);
  *span = (struct mid_blocks_span){.base = base,
                                   .block_bytes = 1,
                                   .end = base + MID_GC_BLOCK,
                                   .cells = (uint32_t)before + 1,
                                   .count = (uint32_t)(out->cells - before)};
  return true;
}

// ---- what is the collector's own ----

static bool words_own(const struct mid_collected *c, struct mid_blocks *out, uint64_t at) {
  struct mid_gc_words words;
  if (!mid_target_read(c->t, at, &words, sizeof words) || words.word == NULL) return true;
  uint64_t start = (uintptr_t)words.word;
  return mid_own_add(out, start, start + words.room * sizeof *words.word);
}

// What it remembers is no root, since it may be dead.
static bool gc_own(const struct mid_collected *c, struct mid_blocks *out, uint64_t gc) {
  static const size_t lists[] = {
      offsetof(struct midden_gc, stack), offsetof(struct midden_gc, ranges),
      offsetof(struct midden_gc, remembered), offsetof(struct midden_gc, conservative)};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (!words_own(c, out, gc + lists[i])) return false;
  struct mid_library_list list = {
      .at = mid_library_word(c->t, gc + offsetof(struct midden_gc, mutators))};
  for (; list.at != 0; mid_library_step(
           &list, mid_library_word(c->t, list.at + offsetof(struct mid_mutator, next))))
    if (!words_own(c, out, list.at + offsetof(struct mid_mutator, log))) return false;
  return true;
}

// What a heap's own record leads to, its types, handles and roots, is reached from there.
bool mid_collected_keep(struct mid_collected *c, struct mid_blocks *out) {
  if (c->gcs == 0) return true;
  out->kept = calloc((size_t)out->blocks / 64 + 1, sizeof *out->kept);
  if (out->kept == NULL) return false;
  for (size_t i = 0; i < out->spans; i++) {
    const struct mid_blocks_span *span = &out->span[i];
    for (uint32_t k = span->first; span->cells != 0 && k < span->first + span->count; k++)
      out->kept[k / 64] |= (uint64_t)1 << k % 64;
  }
  for (size_t i = 0; i < c->gcs; i++) {
    uint64_t offset;
    uint32_t gc = mid_blocks_find(out, c->gc[i], &offset);
    if (gc != MID_BLOCK_NONE) out->kept[gc / 64] |= (uint64_t)1 << gc % 64;
    if (!gc_own(c, out, c->gc[i])) return false;
  }
  return true;
}
