// gc/alloc.c -- from where the inline path runs dry to the next buffer, or to a collection.
// SPDX-License-Identifier: MIT
//
// A thread allocates into a buffer: a fresh block, or a hole of one.  It is cleared a piece at a
// time, just ahead of the objects that are made there, so that these find it in the cache:
//
//   | objects ......... |top  zero  |limit = clear   as it was   |end
//
// An object that does not fit the rest of a buffer, though many others would, goes to a second one.
// Objects that never move have a third, in blocks of their own, and are old from the start.
#include <string.h>

#include "base/options.h"
#include "gc/gc.h"

enum {
  CLEAR_BYTES = 8192,  // a piece: in the first cache for as long as it takes to fill it
  MEDIUM = 1024,       // from here on an object does not end a buffer that has more than its size
};

// ---- buffers ----

static void alloc_buffer_fill(struct mid_gc_block *block, char *top, char *end) {
  if (block == NULL) return;
  mid_gc_fill(top, (size_t)(end - top));
  block->buffer_top = NULL;
}

// Scanning may copy more, and so open another buffer in its place.
void mid_gc_buffer_close(midden_gc *gc, struct mid_gc_buffer *b) {
  struct mid_gc_buffer closed = *b;
  size_t ranges = gc->ranges.count;
  *b = (struct mid_gc_buffer){0};
  alloc_buffer_fill(closed.block, closed.top, closed.end);
  if (closed.block == NULL || closed.scan == closed.top) return;
  if (mid_gc_words_add(&gc->ranges, (uintptr_t)closed.scan) &&
      mid_gc_words_add(&gc->ranges, (uintptr_t)closed.top))
    return;
  gc->ranges.count = ranges;
  mid_gc_scan_range(gc, closed.scan, closed.top);
}

void mid_gc_retire(struct mid_mutator *m) {
  struct mid_gc_buffer *more[] = {&m->spare, &m->stays};
  alloc_buffer_fill(m->block, m->seen.top, m->end);
  m->block = NULL;
  m->seen.top = m->end = m->clear = NULL;
  __atomic_store_n(&m->seen.limit, NULL, __ATOMIC_RELAXED);
  for (int i = 0; i < 2; i++) {
    alloc_buffer_fill(more[i]->block, more[i]->top, more[i]->end);
    *more[i] = (struct mid_gc_buffer){0};
  }
}

static void alloc_open_fresh(struct mid_gc_buffer *b, struct mid_gc_block *block) {
  *b = (struct mid_gc_buffer){.top = block->base,
                              .end = block->base + block->bytes,
                              .clear = block->zero ? block->base + block->bytes : block->base,
                              .scan = block->base,
                              .block = block};
  block->end = b->end;
  block->free_bytes = 0;
  block->zero = false;
}

// The first hole of `block` with so much room; smaller ones stay fills until the next sweep.
static bool alloc_open_hole(struct mid_gc_buffer *b, struct mid_gc_block *block, size_t bytes) {
  while (block->holes != NULL) {
    struct mid_gc_hole *hole = block->holes;
    size_t room = hole->word >> 3;
    block->holes = hole->next;
    block->free_bytes -= (uint32_t)room;
    if (room < bytes) continue;
    char *at = (char *)hole;
    *b = (struct mid_gc_buffer){
        .top = at, .end = at + room, .clear = at, .scan = at, .block = block};
    return true;
  }
  return false;
}

// A block has one buffer at a time: who opens one of its holes has the others too.  Old blocks are
// swept for it where needed.
static bool alloc_hole(midden_gc *gc, struct mid_gc_buffer *b, bool old, size_t bytes) {
  struct mid_gc_list *from = old ? &gc->holes : &gc->young_holes;
  if (b->block != NULL && alloc_open_hole(b, b->block, bytes)) return true;
  while (old ? mid_gc_sweep_for_hole(gc) != NULL : from->first != NULL) {
    struct mid_gc_block *block = mid_gc_pop(from);
    mid_gc_push(old ? &gc->old : &gc->young, block);
    if (alloc_open_hole(b, block, bytes)) return true;
  }
  return false;
}

static bool alloc_fresh(midden_gc *gc, struct mid_gc_buffer *b, struct mid_gc_list *list,
                        uint8_t kind) {
  struct mid_gc_block *block = mid_gc_block_take(gc, kind);
  if (block == NULL) return false;
  mid_gc_push(list, block);
  alloc_open_fresh(b, block);
  return true;
}

// For a mutator, whose last one was in b->block; the lock is held.
static bool alloc_buffer_open(midden_gc *gc, struct mid_gc_buffer *b, size_t bytes) {
  bool old = !gc->plan->generations && !gc->plan->copies;
  uint8_t kind = old ? MID_GC_TRACE : MID_GC_FROM | (gc->plan->generations ? MID_GC_YOUNG : 0);
  return alloc_hole(gc, b, old, bytes) || alloc_fresh(gc, b, old ? &gc->old : &gc->young, kind);
}

// ---- what a cycle copies to ----

static bool alloc_copy_open(midden_gc *gc, struct mid_gc_buffer *b, struct mid_gc_block *last,
                            bool old, size_t bytes) {
  uint8_t kind = old ? MID_GC_TRACE : gc->minor ? MID_GC_YOUNG : 0;
  b->block = last;
  // In a major cycle the holes are of what it looks at.
  bool open = (old && gc->minor && alloc_hole(gc, b, true, bytes)) ||
              alloc_fresh(gc, b, old ? &gc->old : &gc->copied, kind);
  if (!open) {
    *b = (struct mid_gc_buffer){0};
    return false;
  }
  b->block->buffer_top = &b->top;
  b->block->buffer_end = b->end;
  return true;
}

// Copies of a major cycle are of its colour, and so not looked at again.  The fields of an object
// without any must lie within its block, too: a word is left behind the last one.
void *mid_gc_copy_room_more(midden_gc *gc, size_t bytes, bool old) {
  struct mid_gc_buffer *b = old ? &gc->promote : &gc->survive;
  while ((size_t)(b->end - b->top) < bytes + MID_GC_WORD) {
    struct mid_gc_block *last = b->block;
    mid_gc_buffer_close(gc, b);
    if (b->block == NULL && !alloc_copy_open(gc, b, last, old, bytes + MID_GC_WORD)) return NULL;
  }
  return mid_gc_copy_room(gc, bytes, old);
}

// ---- large objects ----

static void *alloc_large(midden_gc *gc, size_t bytes, size_t before) {
  bool young = gc->plan->generations;
  uint8_t kind = young ? MID_GC_YOUNG | MID_GC_FROM : MID_GC_TRACE;
  struct mid_gc_block *block = mid_gc_large_take(gc, bytes, kind);
  if (block == NULL) return NULL;
  // As for malloc's: what is resident is cleared, the rest comes from the kernel.
  if (!block->zero && mid_span_fresh(block->span) <= block->bytes / 2)
    memset(block->base, 0, bytes);
  else if (!block->zero)
    mid_os_purge(block->base, block->bytes);
  block->zero = false;
  block->object = block->base + before;
  return block->object;
}

// Born old, and so remembered, since its first stores are not told of.
static bool alloc_born_old(midden_gc *gc, void *object, const struct mid_gc_type *type) {
  *mid_gc_word(object) |= MID_GC_TENURED;
  if ((type->flags & MIDDEN_TYPE_CONSERVATIVE) != 0)
    return mid_gc_words_add(&gc->conservative, (uintptr_t)object);
  return !gc->plan->barrier || mid_gc_words_add(&gc->remembered, (uintptr_t)object);
}

// ---- one object ----

struct alloc_wish {
  const struct mid_gc_type *type;
  size_t count, bytes, before;  // elements; of all its words; of those before the fields
};

static bool alloc_wish_make(const struct mid_gc_type *type, size_t count, struct alloc_wish *w) {
  size_t most = ((size_t)1 << (MID_ADDRESS_BITS - 1));
  w->type = type;
  w->count = count;
  w->before = type->element_bytes != 0 ? 16 : 8;
  if (type->element_bytes != 0 && count > most / type->element_bytes) return false;
  w->bytes = w->before + mid_round_up(type->bytes + count * type->element_bytes, MID_GC_WORD);
  return true;
}

static void *alloc_head(char *p, const struct alloc_wish *w) {
  if (w->before == 16) *(uint64_t *)(void *)p = (uint64_t)w->count << 3 | MID_GC_COUNT;
  *(uint64_t *)(void *)(p + w->before - 8) = w->type->seen.word;
  return p + w->before;
}

// What is left out so that the fields of the object at `p` lie at a multiple of 16.
static size_t alloc_pad(const struct alloc_wish *w, const char *p) {
  if ((w->type->flags & MIDDEN_TYPE_ALIGN_16) == 0) return 0;
  return -((uintptr_t)p + w->before) % 16;
}

static void *alloc_in(struct mid_gc_buffer *b, const struct alloc_wish *w) {
  size_t pad = b->block != NULL ? alloc_pad(w, b->top) : 0;
  size_t behind = w->bytes == w->before ? MID_GC_WORD : 0;  // see mid_gc_copy_room
  if (b->block == NULL || (size_t)(b->end - b->top) < pad + w->bytes + behind) return NULL;
  char *p = b->top, *to = p + pad + w->bytes;
  if (b->clear < to) {
    memset(b->clear, 0, (size_t)(to - b->clear));
    b->clear = to;
  }
  mid_gc_fill(p, pad);
  void *object = alloc_head(p + pad, w);
  b->top = to;
  return object;
}

// The inline buffer as one of the others, and back.
static struct mid_gc_buffer alloc_seen(const struct mid_mutator *m) {
  return (struct mid_gc_buffer){
      .top = m->seen.top, .end = m->end, .clear = m->clear, .block = m->block};
}

static void alloc_see(struct mid_mutator *m, const struct mid_gc_buffer *b) {
  char *clear = b->clear;
  if (clear < b->top + CLEAR_BYTES / 8) {
    size_t ahead = mid_min(CLEAR_BYTES, (size_t)(b->end - clear));
    memset(clear, 0, ahead);
    clear += ahead;
  }
  m->seen.top = b->top;
  m->end = b->end;
  m->clear = clear;
  m->block = b->block;
  MIDDEN_GC_IN_ORDER();  // in a forked child this may have got no further
  if (b->top < b->block->base + MID_GC_BLOCK) mid_gc_note_start(b->block, b->top);
  // In stress mode every allocation comes here.
  __atomic_store_n(&m->seen.limit, m->seen.gc->stress != 0 ? NULL : clear, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&m->seen.stop, __ATOMIC_SEQ_CST) != 0)
    __atomic_store_n(&m->seen.limit, NULL, __ATOMIC_SEQ_CST);
}

static void alloc_own(struct mid_mutator *m) {
  if (m->block == NULL) return;
  m->block->buffer_top = &m->seen.top;
  m->block->buffer_end = m->end;
}

static void *alloc_inline(struct mid_mutator *m, const struct alloc_wish *w) {
  struct mid_gc_buffer b = alloc_seen(m);
  void *object = alloc_in(&b, w);
  if (object != NULL) alloc_see(m, &b);
  return object;
}

// ---- when to collect ----

static bool alloc_wants_minor(const midden_gc *gc) {
  return gc->plan->generations && gc->eden_used >= gc->eden_size;
}

static bool alloc_wants_major(midden_gc *gc) {
  size_t used = gc->old_used + (gc->plan->generations ? 0 : gc->eden_used);
  int64_t held = atomic_load_explicit(&gc->external, memory_order_relaxed) - gc->external_then;
  return used + (held > 0 ? (size_t)held : 0) >= gc->goal;
}

static void alloc_collect_if_due(struct mid_mutator *m) {
  midden_gc *gc = m->seen.gc;
  if (alloc_wants_major(gc))
    mid_gc_collect(gc, m, MIDDEN_GC_MAJOR,
                   gc->plan->generations ? "Ergonomics" : "Allocation Failure");
  else if (alloc_wants_minor(gc))
    mid_gc_collect(gc, m, MIDDEN_GC_MINOR, "Allocation Failure");
}

// ---- the slow path; the lock is held ----

static void *alloc_from_new_buffer(struct mid_mutator *m, const struct alloc_wish *w) {
  midden_gc *gc = m->seen.gc;
  size_t left = m->block != NULL ? (size_t)(m->end - m->seen.top) : 0;
  bool spare = w->bytes > MEDIUM && left > w->bytes / 4;
  struct mid_gc_buffer *b = &m->spare, made = {.block = spare ? b->block : m->block};
  if (!alloc_buffer_open(gc, &made, w->bytes + 2 * MID_GC_WORD)) return NULL;
  gc->eden_used += (size_t)(made.end - made.top);
  gc->allocated += (size_t)(made.end - made.top);
  if (spare) {
    alloc_buffer_fill(b->block, b->top, b->end);
    *b = made;
    b->block->buffer_top = &b->top;
    b->block->buffer_end = b->end;
    return alloc_in(b, w);
  }
  alloc_buffer_fill(m->block, m->seen.top, m->end);
  void *object = alloc_in(&made, w);
  alloc_see(m, &made);
  alloc_own(m);
  return object;
}

static void *alloc_that_stays(struct mid_mutator *m, const struct alloc_wish *w) {
  midden_gc *gc = m->seen.gc;
  struct mid_gc_buffer *b = &m->stays;
  void *object = alloc_in(b, w);
  if (object == NULL) {
    alloc_buffer_fill(b->block, b->top, b->end);
    *b = (struct mid_gc_buffer){0};
    if (!alloc_fresh(gc, b, &gc->stays, MID_GC_TRACE | MID_GC_STAYS)) return NULL;
    b->block->buffer_top = &b->top;
    b->block->buffer_end = b->end;
    gc->old_used += MID_GC_BLOCK;
    gc->allocated += MID_GC_BLOCK;
    object = alloc_in(b, w);
  }
  return object != NULL && alloc_born_old(gc, object, w->type) ? object : NULL;
}

static void *alloc_that_is_large(struct mid_mutator *m, const struct alloc_wish *w) {
  midden_gc *gc = m->seen.gc;
  void *object = alloc_large(gc, 16 + w->bytes - w->before, 16);
  if (object == NULL) return NULL;
  struct mid_gc_block *block = mid_gc_block_of(object);
  bool stays = (w->type->flags & (MIDDEN_TYPE_PINNED | MIDDEN_TYPE_CONSERVATIVE)) != 0;
  mid_gc_fill(block->base, 16 - w->before);
  alloc_head((char *)object - w->before, w);
  mid_gc_push(gc->plan->generations && !stays ? &gc->young_large : &gc->large, block);
  gc->allocated += block->bytes;
  *(stays ? &gc->old_used : &gc->eden_used) += block->bytes;
  if (!stays) return object;
  mid_gc_kind_set(block, MID_GC_IN | MID_GC_TRACE | MID_GC_IS_LARGE | MID_GC_STAYS);
  return alloc_born_old(gc, object, w->type) ? object : NULL;
}

static void *alloc_try(struct mid_mutator *m, const struct alloc_wish *w) {
  if (w->bytes > MID_GC_LARGE) return alloc_that_is_large(m, w);
  if ((w->type->flags & (MIDDEN_TYPE_PINNED | MIDDEN_TYPE_CONSERVATIVE)) != 0)
    return alloc_that_stays(m, w);
  void *object = alloc_inline(m, w);
  if (object == NULL) object = alloc_in(&m->spare, w);
  return object != NULL ? object : alloc_from_new_buffer(m, w);
}

static void *alloc_hard(struct mid_mutator *m, const struct alloc_wish *w) {
  midden_gc *gc = m->seen.gc;
  void *object;
  do {
    mid_gc_collect(gc, m, MIDDEN_GC_MAJOR, "Allocation Failure");
    if ((object = alloc_try(m, w)) != NULL) return object;
    if (gc->out_of_memory == NULL) return NULL;
    mid_gc_unlock(m);
    bool more = gc->out_of_memory(gc->context, w->bytes);
    mid_gc_lock(m);
    if (!more) return NULL;
  } while (object == NULL);
  return object;
}

// Every n-th call collects, each fourth time all.
void mid_gc_stress(struct mid_mutator *m) {
  midden_gc *gc = m->seen.gc;
  if (gc->stress == 0 || ++m->stressed % gc->stress != 0) return;
  bool all = m->stressed / gc->stress % 4 == 0;
  mid_gc_lock(m);
  mid_gc_collect(gc, m, all ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR, "Allocation Failure");
  mid_gc_unlock(m);
}

void *mid_gc_allocate(struct mid_mutator *m, const struct mid_gc_type *type, size_t count) {
  struct alloc_wish w;
  midden_gc *gc = m->seen.gc;
  if (!alloc_wish_make(type, count, &w)) return NULL;
  bool plain = w.bytes <= MID_GC_LARGE && type->finalise == NULL &&
               (type->flags & ~(unsigned)MIDDEN_TYPE_ALIGN_16) == 0;
  mid_gc_stress(m);
  void *object = plain ? alloc_inline(m, &w) : NULL;
  if (object != NULL) return object;
  mid_gc_lock(m);
  alloc_collect_if_due(m);
  object = alloc_try(m, &w);
  if (object == NULL) object = alloc_hard(m, &w);
  if (object != NULL && type->finalise != NULL &&
      !mid_gc_finaliser_add(gc, object, type->finalise, type->context))
    object = NULL;
  mid_gc_unlock(m);
  return object;
}

// ---- the public calls ----

void *midden_gc_new_slow(midden_mutator *m, const midden_type *type) {
  if ((__atomic_load_n(&m->stop, __ATOMIC_RELAXED) & 1) != 0) midden_gc_poll_slow(m);
  __builtin_unwind_init();
  mid_gc_enter(mid_mutator_of(m));
  void *object = mid_gc_allocate(mid_mutator_of(m), (const struct mid_gc_type *)type, 0);
  mid_gc_leave(mid_mutator_of(m));
  return object;
}

void *midden_gc_new_array(midden_mutator *m, const midden_type *type, size_t count) {
  if ((__atomic_load_n(&m->stop, __ATOMIC_RELAXED) & 1) != 0) midden_gc_poll_slow(m);
  __builtin_unwind_init();
  mid_gc_enter(mid_mutator_of(m));
  void *object = mid_gc_allocate(mid_mutator_of(m), (const struct mid_gc_type *)type, count);
  mid_gc_leave(mid_mutator_of(m));
  return object;
}
