// walk/own.c -- see own.h.
// SPDX-License-Identifier: MIT
#include "walk/own.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "walk/target_source.h"

bool mid_own_add(struct mid_blocks *b, uint64_t start, uint64_t end) {
  struct mid_blocks_range *last = b->owns > 0 ? &b->own[b->owns - 1] : NULL;
  if (last != NULL && last->end == start) {
    last->end = end;
    return true;
  }
  // Room for a power of two, made anew as they are reached.
  if ((b->owns & (b->owns - 1)) == 0) {
    void *more = reallocarray(b->own, b->owns == 0 ? 1 : 2 * b->owns, sizeof *b->own);
    if (more == NULL) return false;
    b->own = more;
  }
  b->own[b->owns++] = (struct mid_blocks_range){start, end};
  return true;
}

// Sort, and join what touches or overlaps.
static void own_sort(struct mid_blocks *b) {
  size_t kept = 0;
  if (b->owns > 0) qsort(b->own, b->owns, sizeof *b->own, target_compare);
  for (size_t i = 0; i < b->owns; i++)
    if (kept > 0 && b->own[i].start <= b->own[kept - 1].end)
      b->own[kept - 1].end = mid_max(b->own[kept - 1].end, b->own[i].end);
    else
      b->own[kept++] = b->own[i];
  b->owns = kept;
}

static bool metas_add(const struct mid_target *t, const struct mid_library *l,
                      struct mid_blocks *b) {
  struct mid_meta meta;
  struct mid_library_list list = {.at = mid_library_word(t, (uintptr_t)l->anchor.metas)};
  for (; list.at != 0; mid_library_step(&list, (uintptr_t)meta.next)) {
    if (!mid_target_read(t, list.at, &meta, sizeof meta)) b->torn++;
    if (meta.bytes > 0 && !mid_own_add(b, list.at, list.at + meta.bytes)) return false;
  }
  return true;
}

bool mid_own_find(const struct mid_target *t, const struct mid_library *l, struct mid_blocks *b) {
  if (!metas_add(t, l, b)) return false;
  if (l->data < l->data_end && !mid_own_add(b, l->data, l->data_end)) return false;
  for (size_t i = 0; i < t->mappings; i++)
    if (mid_target_is_feed(t->mapping[i].path) &&
        !mid_own_add(b, t->mapping[i].start, t->mapping[i].end))
      return false;
  own_sort(b);
  return true;
}

bool mid_blocks_is_own(const struct mid_blocks *b, uint64_t address) {
  size_t i = target_search(b->own, b->owns, sizeof *b->own, address);
  return i < b->owns && b->own[i].start <= address;
}
