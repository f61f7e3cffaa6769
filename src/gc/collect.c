// gc/collect.c -- one collection: a minor cycle, a major one, or both, with the world stopped.
// SPDX-License-Identifier: MIT
//
//   stop threads --> sweep what the last one left --> minor cycle --> major cycle --> go on
//                    (before a major cycle)           (generations)   (majors only)
//
// A major collection of a heap with generations promotes all that is young first, so that its major
// cycle has only old objects to mark, which several threads can do.  Within each cycle:
//
//   1  ambiguous roots: pinned, marked           5  finalisers of the dead: these live once more
//   2  exact roots, remembered objects: traced   6  ephemerons again
//   3  ephemerons, until nothing is added        7  long weak references, dead ephemerons: cleared
//   4  short weak references: cleared            8  blocks: given back, swept, or left to be swept
#include <string.h>

#include "gc/trace.h"

static double collect_seconds(uint64_t from) {
  return (double)(mid_os_nanoseconds() - from) * 1e-9;
}

// ---- buffers, logs and blocks before a cycle ----

// A thread that a signal stopped may be in the middle of an allocation: nothing in its blocks
// moves.
static void collect_hold_block(struct mid_gc_block *block) {
  if (block == NULL || (*mid_gc_kind_at(block->base) & MID_GC_FROM) == 0) return;
  MID_GC_EACH(object, block) { mid_gc_pin_in(block->gc, block, object); }
  block->pinned = true;
}

static void collect_hold_blocks(midden_gc *gc) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    collect_hold_block(m->block);
    collect_hold_block(m->spare.block);
  }
}

static void collect_take_logs(midden_gc *gc) {
  for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
    for (size_t i = 0; i < m->log.count; i++)
      if (!mid_gc_words_add(&gc->remembered, m->log.word[i])) gc->forgot = true;
    m->log.count = 0;
  }
}

// ---- what old objects say of young ones ----

// Of a large array only the parts that were stored to.
static void collect_cards(midden_gc *gc, struct mid_gc_block *block) {
  void *array = block->object;
  midden_ref *end = (midden_ref *)array + midden_gc_count(array);
  size_t cards = block->bytes / MID_GC_CARD;
  for (uint8_t *card = block->cards;
       (card = memchr(card, 1, cards - (size_t)(card - block->cards))); card++) {
    midden_ref *at = (midden_ref *)(void *)(block->base + (card - block->cards) * MID_GC_CARD);
    midden_ref *stop = at + MID_GC_CARD / sizeof *at;
    if (at < (midden_ref *)array) at = array;
    *card = 0;
    gc->now.remembered++;
    for (; at < stop && at < end; at++) *card |= mid_gc_trace_slot(gc, at);
  }
}

static void collect_remember_block(midden_gc *gc, struct mid_gc_block *block) {
  if ((*mid_gc_kind_at(block->base) & (MID_GC_YOUNG | MID_GC_IN)) != MID_GC_IN) return;
  MID_GC_EACH(object, block) {
    if (!block->unswept || mid_gc_colour(*mid_gc_word(object)) == gc->major_colour)
      mid_gc_remember(gc, object);
  }
}

// The list was lost: all old objects are looked at.
static void collect_remember_all(midden_gc *gc) {
  gc->forgot = false;
  gc->remembered.count = 0;
  mid_gc_each_block(gc, collect_remember_block);
}

// Those that may be stored to as soon as the world runs are remembered for the next cycle, whatever
// this one found in them, if they are old by now.
static void collect_remember_pending(midden_gc *gc) {
  for (size_t i = 0; i < gc->pending.count; i++) mid_gc_log(gc, (void *)gc->pending.word[i]);
  gc->pending.count = 0;
  if (gc->pending_lost) gc->forgot = true;
  gc->pending_lost = false;
}

void mid_gc_remembered(midden_gc *gc) {
  if (gc->forgot) return collect_remember_all(gc);
  struct mid_gc_words then = gc->remembered;
  gc->remembered = (struct mid_gc_words){0};
  for (size_t i = 0; i < then.count; i++) mid_gc_remember(gc, (void *)then.word[i]);
  mid_gc_words_close(&then);
  for (struct mid_gc_block *b = gc->large.first; b != NULL; b = b->next)
    if (b->cards != NULL) collect_cards(gc, b);
}

// ---- the order of things ----

static void collect_trace(midden_gc *gc) {
  if (gc->minor || gc->moves)
    mid_gc_trace_all(gc);
  else
    mid_gc_mark_all(gc);
}

static void collect_ephemerons(midden_gc *gc) {
  while (mid_gc_tables_step(gc)) collect_trace(gc);
}

static void collect_weak(midden_gc *gc) {
  collect_ephemerons(gc);
  mid_gc_weak_clear(gc, MIDDEN_GC_WEAK_SHORT);
  mid_gc_finalisers_mark(gc);
  collect_trace(gc);
  collect_ephemerons(gc);
  mid_gc_weak_clear(gc, MIDDEN_GC_WEAK_LONG);
  mid_gc_tables_clear(gc);
}

static void collect_cycle(midden_gc *gc, bool minor, bool moves) {
  uint64_t start = mid_os_nanoseconds();
  gc->cycle++;
  gc->minor = minor;
  gc->moves = moves;
  gc->scope = minor ? MID_GC_FROM : MID_GC_FROM | MID_GC_TRACE;
  gc->colour = minor ? MID_GC_YOUNG_MARK : 3 - gc->major_colour;
  gc->reached = 0;
  gc->survived_bytes = 0;
  gc->pins.count = 0;
  gc->pins_lost = false;
  if (minor) memset(gc->survived, 0, sizeof gc->survived);
  collect_hold_blocks(gc);
  collect_take_logs(gc);
  mid_gc_scan_ambiguous_roots(gc);
  mid_gc_scan_exact_roots(gc);
  gc->now.roots += collect_seconds(start);
  start = mid_os_nanoseconds();
  if (minor) (gc->plan->remembered != NULL ? gc->plan->remembered : mid_gc_remembered)(gc);
  collect_trace(gc);
  gc->now.trace += collect_seconds(start);
  start = mid_os_nanoseconds();
  collect_weak(gc);
  gc->now.weak += collect_seconds(start);
  mid_gc_buffer_close(gc, &gc->survive);
  // That of minor cycles stays open: holes behind it are for the next.
  if (!minor) mid_gc_buffer_close(gc, &gc->promote);
}

// ---- blocks after a cycle ----

// What became old where it stands may refer to what is young still, in the block of a buffer; and a
// thread that was stopped before it stored to one has seen a young object.
static void collect_remember_in_place(midden_gc *gc, struct mid_gc_block *block) {
  MID_GC_EACH(object, block) {
    if (!mid_gc_words_add(&gc->remembered, (uintptr_t)object)) gc->forgot = true;
  }
}

// Blocks that were copied from: free but for what was pinned in them.
static void collect_settle_from(midden_gc *gc, struct mid_gc_list *list) {
  struct mid_gc_list from = *list;
  *list = (struct mid_gc_list){0};
  for (struct mid_gc_block *block; (block = mid_gc_pop(&from)) != NULL;) {
    if (!block->pinned && block->buffer_top == NULL) {
      mid_gc_block_give(gc, block);
      continue;
    }
    // In a major collection all that is young becomes old, where it stands if it has to.
    bool tenure = gc->minor && gc->promote_all && block->buffer_top == NULL;
    uint64_t bits = tenure ? mid_gc_tenured(gc) & ~(uint64_t)MID_GC_OLD : 0;
    if (gc->minor && !gc->pins_lost && block->buffer_top == NULL)
      mid_gc_sweep_pinned(gc, block, bits);
    else
      mid_gc_sweep(block, gc->colour, bits);
    if (block->live_bytes == 0 && block->buffer_top == NULL) {
      mid_gc_block_give(gc, block);
      continue;
    }
    gc->now.pinned_blocks++;
    if (tenure) {
      mid_gc_kind_set(block, MID_GC_IN | MID_GC_TRACE);
      gc->now.promoted += block->live_bytes;
      mid_gc_push(block->holes != NULL ? &gc->holes : &gc->old, block);
      if (gc->plan->barrier) collect_remember_in_place(gc, block);
      continue;
    }
    // What became old beside it may refer to it, and was told of as young.
    gc->forgot |= gc->minor && gc->promote_all && gc->plan->barrier;
    gc->survivors += block->live_bytes;
    bool holes = block->holes != NULL && block->buffer_top == NULL;
    mid_gc_push(holes ? &gc->young_holes : &gc->young, block);
  }
}

static void collect_settle_copies(midden_gc *gc) {
  uint8_t kind = gc->plan->generations ? MID_GC_YOUNG | MID_GC_FROM : MID_GC_FROM;
  for (struct mid_gc_block *block; (block = mid_gc_pop(&gc->copied)) != NULL;) {
    mid_gc_kind_set(block, MID_GC_IN | kind);
    mid_gc_push(&gc->young, block);
  }
}

// Large young objects are old once they have survived; the next cycle that finds nothing young in
// one lets the barrier tell of stores again.
static void collect_promote_large(midden_gc *gc, struct mid_gc_block *block) {
  uint64_t *word = mid_gc_word(block->object);
  bool refs = mid_gc_type_in(*word)->inside == MID_GC_REFS;
  *word = (*word & ~(uint64_t)(MID_GC_MARK | MID_GC_PIN | MID_GC_OLD)) |
          (mid_gc_tenured(gc) & ~(uint64_t)MID_GC_OLD);
  mid_gc_kind_set(block, MID_GC_IN | MID_GC_TRACE | MID_GC_IS_LARGE);
  mid_gc_push(&gc->large, block);
  gc->now.promoted += block->bytes;
  if (refs) block->cards = mid_os_map(NULL, mid_gc_card_bytes(block));
  if (block->cards != NULL) {
    memset(block->cards, 1, block->bytes / MID_GC_CARD);
    *word |= gc->plan->barrier ? MID_GC_OLD : 0;
  } else if (!gc->plan->barrier) {
    block->written = 1;
  } else if (!mid_gc_words_add(&gc->remembered, (uintptr_t)block->object)) {
    gc->forgot = true;
  }
}

static void collect_settle_large(midden_gc *gc, struct mid_gc_list *list, bool promote) {
  struct mid_gc_list all = *list;
  *list = (struct mid_gc_list){0};
  for (struct mid_gc_block *block; (block = mid_gc_pop(&all)) != NULL;) {
    if (mid_gc_colour(*mid_gc_word(block->object)) != gc->colour)
      mid_gc_large_give(gc, block);
    else if (promote)
      collect_promote_large(gc, block);
    else
      mid_gc_push(list, block);
  }
}

static void collect_settle_minor(midden_gc *gc) {
  gc->survivors = gc->survived_bytes;
  mid_gc_sort(&gc->pins);
  collect_settle_from(gc, &gc->young_holes);
  collect_settle_from(gc, &gc->young);
  collect_settle_copies(gc);
  collect_settle_large(gc, &gc->young_large, true);
  gc->old_used += gc->now.promoted;
}

// What a major cycle has not reached must not be found in the lists of what is looked at next.
static void collect_keep_marked(midden_gc *gc, struct mid_gc_words *w) {
  size_t kept = 0;
  for (size_t i = 0; i < w->count; i++) {
    midden_ref ref = {(void *)w->word[i]};
    if (mid_gc_is_live(gc, &ref)) w->word[kept++] = (uintptr_t)ref.word;
  }
  w->count = kept;
}

static void collect_settle_old(midden_gc *gc, struct mid_gc_list *list, bool stays) {
  struct mid_gc_list all = *list;
  *list = (struct mid_gc_list){0};
  for (struct mid_gc_block *block; (block = mid_gc_pop(&all)) != NULL;) {
    bool held = block->buffer_top != NULL;
    if (!*mid_gc_marked_at(block->base) && !held) {
      mid_gc_block_give(gc, block);
      continue;
    }
    block->holes = NULL;
    *mid_gc_marked_at(block->base) = 0;
    // A thread goes on allocating in it: what is new must not be swept.
    if (stays || held) mid_gc_sweep(block, gc->colour, 0);
    block->unswept = !stays && !held;
    mid_gc_push(stays ? &gc->stays : held ? &gc->old : &gc->unswept, block);
  }
}

// Old blocks that were chosen to be emptied.
static void collect_settle_chosen(midden_gc *gc) {
  for (struct mid_gc_block *block; (block = mid_gc_pop(&gc->chosen)) != NULL;) {
    if (!block->pinned && block->buffer_top == NULL) {
      gc->now.evacuated_blocks++;
      mid_gc_block_give(gc, block);
      continue;
    }
    mid_gc_kind_set(block, MID_GC_IN | MID_GC_TRACE);
    mid_gc_sweep(block, gc->colour, 0);
    mid_gc_push(block->holes != NULL ? &gc->holes : &gc->old, block);
  }
}

static void collect_settle_major(midden_gc *gc) {
  collect_keep_marked(gc, &gc->remembered);
  collect_keep_marked(gc, &gc->conservative);
  gc->survivors = 0;
  gc->major_colour = gc->colour;
  collect_settle_from(gc, &gc->young_holes);
  collect_settle_from(gc, &gc->young);
  if (gc->plan->copies) collect_settle_copies(gc);
  collect_settle_old(gc, &gc->old, false);
  collect_settle_old(gc, &gc->holes, false);
  collect_settle_old(gc, &gc->stays, true);
  collect_settle_chosen(gc);
  collect_settle_large(gc, &gc->young_large, false);
  collect_settle_large(gc, &gc->large, false);
  mid_gc_types_found(gc);
  gc->old_used = gc->live = gc->reached;
  gc->live_objects = gc->now.marked;
  gc->external_then = atomic_load_explicit(&gc->external, memory_order_relaxed);
}

// ---- one collection ----

static void collect_minor(midden_gc *gc, bool promote_all) {
  gc->promote_all = promote_all;
  collect_cycle(gc, true, true);
  collect_settle_minor(gc);
  collect_remember_pending(gc);
}

static void collect_major(midden_gc *gc) {
  size_t marked = gc->now.marked;
  mid_gc_buffer_close(gc, &gc->promote);
  if (gc->plan->marking != NULL) gc->plan->marking(gc);
  bool chosen = !gc->plan->copies && mid_gc_choose(gc);
  collect_cycle(gc, false, gc->plan->copies || chosen);
  gc->now.marked -= marked;
  collect_settle_major(gc);
}

static void collect_run(midden_gc *gc, enum midden_gc_scope scope) {
  bool all = scope == MIDDEN_GC_MAJOR || !gc->plan->generations;
  gc->now.scope = all ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR;
  if (gc->plan->generations) collect_minor(gc, all);
  if (all) collect_major(gc);
  gc->eden_used = 0;
  *(all ? &gc->majors : &gc->minors) += 1;
  if (gc->plan->over != NULL) gc->plan->over(gc);
  mid_gc_pace(gc);
}

static void collect_check(midden_gc *gc, const char *when) {
  if (gc->verify == 0) return;
  const char *wrong = mid_gc_broken(gc);
  if (wrong != NULL) mid_crime(wrong, gc, when);
}

static void collect_begin(midden_gc *gc, const char *cause, uint64_t asked) {
  double reach = gc->now.reach, sweep = gc->now.sweep;
  gc->now = (midden_gc_collection){.number = gc->minors + gc->majors,
                                   .cause = cause,
                                   .at = (double)(asked - gc->opened_ns) * 1e-9,
                                   .reach = reach,
                                   .sweep = sweep,
                                   .before = mid_gc_used(gc),
                                   .eden_before = gc->eden_used,
                                   .survivor_before = gc->survivors,
                                   .young_before = gc->eden_used + gc->survivors,
                                   .old_before = gc->old_used};
  if (!gc->plan->generations) gc->now.young_before = gc->now.eden_before = 0;
}

static void collect_end(midden_gc *gc, uint64_t start) {
  midden_gc_collection *c = &gc->now;
  c->after = mid_gc_used(gc);
  c->committed = gc->committed;
  c->survivor_after = c->young_after = gc->plan->generations ? gc->survivors : 0;
  c->eden = gc->eden_size;
  c->survivor = gc->survivor_size;
  c->young = c->eden + c->survivor;
  c->old_after = gc->old_used;
  c->old = gc->committed > c->young ? gc->committed - c->young : gc->old_used;
  c->tenuring = gc->threshold;
  c->pause = collect_seconds(start);
  gc->pause += c->pause;
  if (c->pause > gc->pause_most) gc->pause_most = c->pause;
}

static void collect_trim(midden_gc *gc, bool all) {
  bool young = gc->plan->generations;
  mid_gc_trim(gc, young ? gc->eden_size + gc->survivor_size : gc->old_used / 4, all);
}

// What the last major cycle left to sweep is done while the others run, who get their turns.
static void collect_sweep_ahead(midden_gc *gc, struct mid_mutator *m) {
  enum { BLOCKS = 64 };
  uint64_t start = mid_os_nanoseconds();
  while (mid_gc_sweep_some(gc, BLOCKS)) {
    mid_gc_unlock(m);
    mid_gc_lock(m);
  }
  gc->now.sweep = collect_seconds(start);
}

void mid_gc_collect(midden_gc *gc, struct mid_mutator *m, enum midden_gc_scope scope,
                    const char *cause) {
  gc->now.sweep = 0;
  if (scope == MIDDEN_GC_MAJOR || !gc->plan->generations) collect_sweep_ahead(gc, m);
  uint64_t asked = mid_os_nanoseconds();
  mid_gc_retire(m);
  mid_gc_stop_world(gc, m, cause);
  struct mid_os_times before = mid_os_times_read(), after;
  collect_begin(gc, cause, asked);
  collect_check(gc, "found before a collection: it was written over, or a store was not told of");
  collect_run(gc, scope);
  collect_check(gc, "found after a collection");
  after = mid_os_times_read();
  gc->now.user = after.user - before.user;
  gc->now.system = after.system - before.system;
  collect_end(gc, asked);
  mid_gc_tell(gc, &gc->now);
  if (gc->events.collected != NULL) gc->events.collected(gc->context, &gc->now);
  mid_gc_resume_world(gc);
  mid_gc_weak_free(gc);
  if (gc->now.scope == MIDDEN_GC_MAJOR) {
    mid_gc_types_free(gc);
    collect_trim(gc, false);
  }
}

// Who asks for a full collection wants back what it can give.
static void collect_compact(midden_gc *gc, struct mid_mutator *m) {
  collect_sweep_ahead(gc, m);
  if (mid_gc_is_sparse(gc)) {
    gc->compacts = true;
    mid_gc_collect(gc, m, MIDDEN_GC_MAJOR, "Ergonomics");
    gc->compacts = false;
  }
  collect_trim(gc, true);
}

void midden_gc_collect(midden_mutator *m, enum midden_gc_scope scope) {
  struct mid_mutator *own = mid_mutator_of(m);
  __builtin_unwind_init();
  mid_gc_enter(own);
  mid_gc_lock(own);
  mid_gc_collect(m->gc, own, scope, "System.gc()");
  if (scope == MIDDEN_GC_MAJOR) collect_compact(m->gc, own);
  mid_gc_unlock(own);
  mid_gc_leave(own);
}
