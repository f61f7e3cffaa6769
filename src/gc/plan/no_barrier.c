// gc/plan/no_barrier.c -- generational, for programs that store with `=`: the kernel tells of it.
// SPDX-License-Identifier: MIT
//
// A minor cycle asks the kernel which pages of the old space were written since the last one, and
// scans the objects that lie on these.  A page on which something young is still referred to stays
// among them.  What the kernel says of pages is kept by block, 16 bits for as many pages; of large
// arrays by card.
//
//   old block   | page | page | page | ... 16      written   0 1 0 ...
//   kernel      |      | written     |  --> bits --> scanned --> bits that stay: young inside
//
// Marking writes into all old objects: before a major cycle the pages are let go, and protected
// anew behind it, when nothing is young and so nothing needs to be remembered.  Where the kernel
// follows no writes, or has lost track, all of the old space counts as written; that is said once.
#include <string.h>

#include "base/text.h"
#include "gc/trace.h"
#include "os/written.h"

// ---- runs of old blocks ----

// What a large object without references holds is nobody's business: writes to it cost nothing.
static bool no_barrier_is_bytes(const struct mid_gc_block *large) {
  return mid_gc_type_in(mid_gc_read(mid_gc_word(large->object)))->inside == MID_GC_BYTES;
}

// What of the old space: blocks of small objects, large objects.
enum { NO_BARRIER_SMALL = 1, NO_BARRIER_LARGE = 2, NO_BARRIER_ALL = 3 };

static unsigned no_barrier_part(const midden_gc *gc, uintptr_t p) {
  const struct mid_gc_block *block = mid_gc_block_of((void *)p);
  uint8_t kind = *mid_gc_kind_at((void *)p);
  if (block == NULL || block->gc != gc || (kind & MID_GC_TRACE) == 0 || (kind & MID_GC_YOUNG) != 0)
    return 0;
  if ((kind & MID_GC_IS_LARGE) == 0) return NO_BARRIER_SMALL;
  return no_barrier_is_bytes(block) ? 0 : NO_BARRIER_LARGE;
}

// Addresses that the heap's memory lies between.
static void no_barrier_bounds(const midden_gc *gc, uintptr_t *low, uintptr_t *high) {
  const struct mid_gc_list *large = &gc->large;
  *low = UINTPTR_MAX;
  *high = 0;
  for (const struct mid_gc_area *a = gc->areas; a != NULL; a = a->next) {
    *low = mid_min(*low, (uintptr_t)a->block[0].base);
    *high = mid_max(*high, (uintptr_t)a->block[0].base + mid_gc_area_bytes(a));
  }
  for (const struct mid_gc_block *b = large->first; b != NULL; b = b->next) {
    *low = mid_min(*low, (uintptr_t)b->base);
    *high = mid_max(*high, (uintptr_t)b->base + b->bytes);
  }
}

// Tell of each run of these parts of the old space until `visit` returns false.
static bool no_barrier_each_run(midden_gc *gc, unsigned parts,
                                bool (*visit)(midden_gc *gc, char *base, size_t bytes)) {
  uintptr_t low, high, from = 0;
  no_barrier_bounds(gc, &low, &high);
  for (uintptr_t p = low; p < high; p += MID_GC_BLOCK) {
    bool old = (no_barrier_part(gc, p) & parts) != 0, last = p + MID_GC_BLOCK >= high;
    if (old && from == 0) from = p;
    uintptr_t to = old ? p + MID_GC_BLOCK : p;
    if (from == 0 || (old && !last)) continue;
    if (!visit(gc, (char *)from, to - from)) return false;
    from = 0;
  }
  return true;
}

// ---- what was written ----

static void no_barrier_note_page(struct mid_gc_block *block, uintptr_t page) {
  size_t off = page - (uintptr_t)block->base, page_bytes = mid_os_page_bytes();
  if (block->cards != NULL)
    memset(block->cards + off / MID_GC_CARD, 1, page_bytes / MID_GC_CARD);
  else if (block->object != NULL)
    block->written = 1;
  else
    block->written |= (uint16_t)(1u << off / page_bytes);
}

static void no_barrier_note(void *context, uintptr_t from, uintptr_t to) {
  midden_gc *gc = context;
  for (uintptr_t page = from; page < to; page += mid_os_page_bytes(), gc->now.remembered++)
    no_barrier_note_page(mid_gc_block_of((void *)page), page);
}

static void no_barrier_say(const char *when, const char *why) {
  char room[256];
  struct mid_text text = mid_text_open(room, sizeof room);
  mid_text_add(&text, "midden: collector no-barrier looks at all old objects in ");
  mid_text_add(&text, when);
  mid_text_add(&text, ": ");
  mid_text_add(&text, why);
  mid_text_add(&text, "\n");
  mid_text_say(&text);
}

static bool no_barrier_ask(midden_gc *gc, char *base, size_t bytes) {
  struct mid_written *w = gc->written;
  bool large = (*mid_gc_kind_at(base) & MID_GC_IS_LARGE) != 0;
  if (w != NULL &&
      (large ? mid_written_peek : mid_written_scan)(w, base, bytes, no_barrier_note, gc))
    return true;
  no_barrier_note(gc, (uintptr_t)base, (uintptr_t)base + bytes);
  const char *news = w != NULL ? mid_written_news(w) : NULL;
  if (news != NULL) no_barrier_say("this collection", news);
  return true;
}

// ---- the objects there ----

// The bits of the pages that [from, to) touches, of a block that starts at `base`.
static uint16_t no_barrier_bits(const char *base, const char *from, const char *to) {
  size_t page = mid_os_page_bytes();
  unsigned first = (unsigned)((size_t)(from - base) / page);
  unsigned last = (unsigned)((size_t)(to - 1 - base) / page);
  return (uint16_t)((2u << last) - (1u << first));
}

// The bits of its pages, if these were written to and something young is referred to from them.
static uint16_t no_barrier_look_at(midden_gc *gc, const struct mid_gc_block *block, void *object,
                                   const char *first, const char *end) {
  uint16_t bits = no_barrier_bits(block->base, first, end);
  if ((bits & block->written) == 0) return 0;
  if (block->unswept && mid_gc_colour(*mid_gc_word(object)) != gc->major_colour) return 0;
  return mid_gc_scan(gc, object) ? bits : 0;
}

static void no_barrier_look(midden_gc *gc, struct mid_gc_block *block) {
  uint16_t written = block->written, stay = 0;
  if (written == 0 || no_barrier_part(gc, (uintptr_t)block->base) == 0) return;
  if (block->object != NULL) {
    block->written = mid_gc_scan(gc, block->object);
    return;
  }
  char *at = block->base;
  for (unsigned i = 0; i < MID_GC_PIECES; i++) {
    const char *piece = block->base + i * (size_t)MID_GC_PIECE, *end = piece + MID_GC_PIECE;
    if ((no_barrier_bits(block->base, piece, end) & written) == 0) continue;
    char *from = mid_gc_before_piece(block, i);
    if (from > at) at = from;
    for (void *object; at < end && at < block->end;) {
      char *next = mid_gc_step(block, at, &object);
      if (object != NULL) stay |= no_barrier_look_at(gc, block, object, at, next);
      at = next;
    }
  }
  block->written = stay;
}

static bool no_barrier_arm(midden_gc *gc, char *base, size_t bytes) {
  return mid_written_scan(gc->written, base, bytes, NULL, NULL);
}

// The references of large objects to what is moved are written in this cycle itself: they are
// protected behind that, at once.  Into blocks of small objects a cycle also copies, so what is
// written there from the question on must be told of by the next.
static void no_barrier_remembered(midden_gc *gc) {
  no_barrier_each_run(gc, NO_BARRIER_SMALL, no_barrier_ask);
  no_barrier_each_run(gc, NO_BARRIER_LARGE, no_barrier_ask);
  mid_gc_each_block(gc, no_barrier_look);
  mid_gc_remembered(gc);
  if (gc->written != NULL) no_barrier_each_run(gc, NO_BARRIER_LARGE, no_barrier_arm);
}

// ---- around major cycles ----

static bool no_barrier_lift(midden_gc *gc, char *base, size_t bytes) {
  mid_written_lift(gc->written, base, bytes);
  return true;
}

static void no_barrier_marking(midden_gc *gc) {
  if (gc->written != NULL) no_barrier_each_run(gc, NO_BARRIER_ALL, no_barrier_lift);
}

static void no_barrier_forget(midden_gc *gc, struct mid_gc_block *block) {
  (void)gc;
  block->written = 0;
  if (block->cards != NULL) memset(block->cards, 0, block->bytes / MID_GC_CARD);
}

// Only a thread that a signal stopped in its young block leaves anything young behind.
static void no_barrier_over(midden_gc *gc) {
  bool young = gc->young.count + gc->young_holes.count + gc->young_large.count > 0;
  if (gc->now.scope != MIDDEN_GC_MAJOR || gc->written == NULL || young) return;
  if (no_barrier_each_run(gc, NO_BARRIER_ALL, no_barrier_arm))
    mid_gc_each_block(gc, no_barrier_forget);
}

// ---- the heap's memory ----

static void no_barrier_took(midden_gc *gc, char *base, size_t bytes) {
  if (gc->written != NULL) (void)mid_written_track(gc->written, base, bytes);
}

static void no_barrier_gave(midden_gc *gc, char *base, size_t bytes) {
  if (gc->written != NULL) mid_written_untrack(gc->written, base, bytes);
}

static bool no_barrier_open(midden_gc *gc) {
  const char *why;
  struct mid_written *w = mid_meta_take(sizeof *w);
  if (w == NULL) return false;
  if (mid_written_open(w, &why)) {
    gc->written = w;
    return true;
  }
  no_barrier_say("each collection", why);
  return true;
}

static void no_barrier_close(midden_gc *gc) {
  if (gc->written != NULL) mid_written_close(gc->written);
}

const struct mid_gc_plan mid_gc_plan_no_barrier = {
    .name = "no-barrier",
    .source =
        "H.-J. Boehm, A. Demers, S. Shenker, \"Mostly Parallel Garbage Collection\", PLDI 1991",
    .generations = true,
    .open = no_barrier_open,
    .close = no_barrier_close,
    .took = no_barrier_took,
    .gave = no_barrier_gave,
    .remembered = no_barrier_remembered,
    .marking = no_barrier_marking,
    .over = no_barrier_over,
};
