// gc/area.c -- areas of blocks: taken, touched ahead where a heap is large, and given back.
// SPDX-License-Identifier: MIT
//
// Objects are visited in no order, and one huge page (2 MiB) under 32 blocks saves the walk through
// the processor's tables at most of them.  But its first touch takes milliseconds, which nobody is
// to wait for.  So a heap that is large, and has helpers, keeps wide areas ahead: a helper touches
// them while the program runs, or another thread copies.
//
//   span/ --take--> ahead --touched by a helper--> areas, blocks in gc->free --all free--> span/
//          `------------------ narrow, or nothing is ready ----^
//
// Where pages are watched for writes, the first write to a huge one would split it (0021).
#include <string.h>

#include "gc/gc.h"

enum { WIDE_FROM = 128 };  // wide areas, committed: from then on a heap is large

static const size_t area_wide = (size_t)MID_GC_WIDE_BLOCKS * MID_GC_BLOCK;

// ---- memory ----

bool mid_gc_fits(const midden_gc *gc, size_t bytes) {
  return gc->most == 0 || gc->committed + bytes <= gc->most;
}

void mid_gc_commit(midden_gc *gc, size_t bytes) {
  gc->committed += bytes;
  gc->peak = mid_max(gc->peak, gc->committed);
}

struct mid_span *mid_gc_span_take(midden_gc *gc, size_t slices, size_t align) {
  struct mid_span *span = mid_span_take(slices, align, MID_SPAN_LARGE, false);
  if (span == NULL) return NULL;
  span->asked = slices * MID_SLICE_BYTES;
  span->klass = MID_SPAN_COLLECTED;
  if (!mid_span_charge(span, slices * MID_SLICE_BYTES, false)) {
    mid_span_give(span);
    return NULL;
  }
  mid_span_count_large(span, true, false);
  mid_gc_commit(gc, slices * MID_SLICE_BYTES);
  if (gc->plan->took != NULL)
    gc->plan->took(gc, (char *)mid_span_base(span), slices * MID_SLICE_BYTES);
  return span;
}

void mid_gc_span_give(midden_gc *gc, struct mid_span *span) {
  if (gc->plan->gave != NULL) gc->plan->gave(gc, (char *)mid_span_base(span), span->bytes);
  gc->committed -= span->bytes;
  mid_span_count_large(span, false, false);
  mid_span_give(span);
}

// ---- records, which are never given back ----

static bool area_is_wide(const struct mid_gc_area *area) {
  return area->blocks == MID_GC_WIDE_BLOCKS;
}

static char *area_base(const struct mid_gc_area *area) { return (char *)mid_span_base(area->span); }

size_t mid_gc_area_starts_bytes(const struct mid_gc_area *area) {
  return mid_gc_area_bytes(area) / MID_GC_WORD / 8;
}

static struct mid_gc_area **area_spare(midden_gc *gc, unsigned blocks) {
  return blocks == MID_GC_WIDE_BLOCKS ? &gc->spare_wide : &gc->spare_areas;
}

// With the room for tables of starts that it had before, if any.
static struct mid_gc_area *area_record(midden_gc *gc, unsigned blocks) {
  struct mid_gc_area **spare = area_spare(gc, blocks), *area = *spare;
  size_t bytes = sizeof *area + blocks * sizeof *area->block;
  if (area != NULL) {
    *spare = area->next;
    return area;
  }
  area = mid_meta_take(bytes);
  if (area == NULL) return NULL;
  gc->meta += bytes;
  area->blocks = blocks;
  return area;
}

static void area_record_give(midden_gc *gc, struct mid_gc_area *area) {
  struct mid_gc_area **spare = area_spare(gc, area->blocks);
  area->next = *spare;
  *spare = area;
}

// ---- taking ----

static void area_memory_give(midden_gc *gc, struct mid_gc_area *area) {
  if (area_is_wide(area)) mid_os_huge(area_base(area), mid_gc_area_bytes(area), false);
  mid_gc_span_give(gc, area->span);
  area_record_give(gc, area);
}

// One with memory, of no list.  NULL: the limit or the system refuses
static struct mid_gc_area *area_make(midden_gc *gc, unsigned blocks) {
  const size_t bytes = (size_t)blocks * MID_GC_BLOCK;
  struct mid_gc_area *area = mid_gc_fits(gc, bytes) ? area_record(gc, blocks) : NULL;
  if (area == NULL) return NULL;
  bool wide = area_is_wide(area);
  area->span = mid_gc_span_take(gc, blocks, wide ? bytes : MID_SLICE_BYTES);
  if (area->span == NULL || !mid_gc_link(area_base(area), bytes, NULL, 0)) {
    if (area->span != NULL) mid_gc_span_give(gc, area->span);
    area_record_give(gc, area);
    return NULL;
  }
  if (wide) mid_os_huge(area_base(area), bytes, true);
  atomic_store_explicit(&area->xtouched, false, memory_order_relaxed);
  return area;
}

static void area_open(midden_gc *gc, struct mid_gc_area *area) {
  for (unsigned i = area->blocks; i-- > 0;) {
    area->block[i] = (struct mid_gc_block){.base = area_base(area) + (size_t)i * MID_GC_BLOCK,
                                           .gc = gc,
                                           .bytes = MID_GC_BLOCK,
                                           .area = area,
                                           .zero = area->span->zero};
    mid_gc_push(&gc->free, &area->block[i]);
  }
  area->free = area->blocks;
  area->next = gc->areas;
  gc->areas = area;
}

// ---- ahead ----

static bool ahead_helps(midden_gc *gc) {
  return gc->plan->took == NULL && gc->committed >= WIDE_FROM * area_wide &&
         mid_gc_helpers_ready(gc, 1) > 0;
}

static void ahead_touch(void *context) {
  midden_gc *gc = context;
  for (unsigned i = 0; i < gc->touches; i++) {
    if (atomic_load_explicit(&gc->xtouch_stop, memory_order_relaxed)) return;
    struct mid_gc_area *area = gc->touch[i];
    mid_os_populate(area_base(area), mid_gc_area_bytes(area));
    atomic_store_explicit(&area->xtouched, true, memory_order_release);
  }
}

void mid_gc_ahead_stop(midden_gc *gc) {
  if (mid_gc_helpers_ready(gc, 1) == 0) return;
  atomic_store_explicit(&gc->xtouch_stop, true, memory_order_relaxed);
  mid_gc_helper_wait(gc, 0);
}

// Let the helper touch what is not, if it has nothing else to do.
static void ahead_start(midden_gc *gc) {
  if (!mid_gc_helper_is_idle(gc, 0)) return;
  gc->touches = 0;
  for (unsigned i = 0; i < gc->aheads; i++)
    if (!atomic_load_explicit(&gc->ahead[i]->xtouched, memory_order_relaxed))
      gc->touch[gc->touches++] = gc->ahead[i];
  if (gc->touches == 0) return;
  atomic_store_explicit(&gc->xtouch_stop, false, memory_order_relaxed);
  mid_gc_helper_start(gc, 0, ahead_touch, gc);
}

// The first that was touched; all of them are as good where no helper is there any more.
static struct mid_gc_area *ahead_take(midden_gc *gc, bool any) {
  for (unsigned i = 0; i < gc->aheads; i++) {
    struct mid_gc_area *area = gc->ahead[i];
    if (!any && !atomic_load_explicit(&area->xtouched, memory_order_acquire)) continue;
    memmove(&gc->ahead[i], &gc->ahead[i + 1], (--gc->aheads - i) * sizeof *gc->ahead);
    return area;
  }
  return NULL;
}

static void ahead_fill(midden_gc *gc) {
  while (gc->aheads < MID_GC_AHEAD) {
    struct mid_gc_area *area = area_make(gc, MID_GC_WIDE_BLOCKS);
    if (area == NULL) break;
    gc->ahead[gc->aheads++] = area;
  }
  ahead_start(gc);
}

void mid_gc_ahead_drop(midden_gc *gc) {
  if (gc->aheads == 0) return;
  mid_gc_ahead_stop(gc);
  for (struct mid_gc_area *area; (area = ahead_take(gc, true)) != NULL;) area_memory_give(gc, area);
}

static struct mid_gc_area *area_next(midden_gc *gc) {
  struct mid_gc_area *area = NULL;
  if (ahead_helps(gc)) {
    area = ahead_take(gc, false);
    ahead_fill(gc);
  }
  if (area == NULL) area = area_make(gc, MID_GC_AREA_BLOCKS);
  if (area != NULL || gc->aheads == 0) return area;
  mid_gc_ahead_stop(gc);
  return ahead_take(gc, true);
}

bool mid_gc_area_take(midden_gc *gc) {
  struct mid_gc_area *area = area_next(gc);
  if (area != NULL) area_open(gc, area);
  return area != NULL;
}

// ---- giving back ----

// Take the blocks of `area` out of `list`; returns how many.
static unsigned area_unlist(struct mid_gc_list *list, const struct mid_gc_area *area) {
  unsigned taken = 0;
  for (struct mid_gc_block **at = &list->first; *at != NULL && taken < area->blocks;) {
    if ((*at)->area == area) {
      *at = (*at)->next;
      taken++;
    } else {
      at = &(*at)->next;
    }
  }
  list->count -= taken;
  return taken;
}

static void area_drop(midden_gc *gc, struct mid_gc_area *area) {
  size_t away = (area->blocks - area_unlist(&gc->free, area)) * (size_t)MID_GC_BLOCK;
  if (away > 0) area_unlist(&gc->away, area);
  (void)mid_span_recharge(area->span, away, true);
  gc->committed += away;
  area_memory_give(gc, area);
}

void mid_gc_areas_drop(midden_gc *gc, size_t keep, bool all) {
  if (all || !ahead_helps(gc)) mid_gc_ahead_drop(gc);
  for (struct mid_gc_area **at = &gc->areas, *area; (area = *at) != NULL;) {
    if (area->free < area->blocks || (keep > 0 && gc->free.count < keep + area->blocks)) {
      at = &area->next;
      continue;
    }
    *at = area->next;
    area_drop(gc, area);
  }
}

static void area_starts_unmap(struct mid_gc_area *area) {
  for (; area != NULL; area = area->next) {
    if (area->starts != NULL) mid_os_unmap(area->starts, mid_gc_area_starts_bytes(area));
    area->starts = NULL;
  }
}

void mid_gc_areas_close(midden_gc *gc) {
  area_starts_unmap(gc->spare_areas);
  area_starts_unmap(gc->spare_wide);
}
