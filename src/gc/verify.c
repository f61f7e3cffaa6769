// gc/verify.c -- the whole heap, object by object: is it what it should be?
// SPDX-License-Identifier: MIT
//
// After each collection, and before the next, in verification mode; the world is stopped:
//
//   - a block is a row of objects, fills and a buffer, without a gap, to its end
//   - a reference is to the start of an object that is not known to be dead
//   - an old object that the barrier would tell of refers to nothing young
//   - each block is in one list; objects know whether they are old
#include "gc/trace.h"

struct verify {
  midden_gc *gc;
  const char *wrong;
  bool tells;  // the barrier would tell of a store to it
};

static bool verify_is_dead(const midden_gc *gc, const struct mid_gc_block *block, uint64_t word) {
  return block->unswept && mid_gc_colour(word) != gc->major_colour;
}

static const char *verify_target(struct verify *v, midden_ref *slot) {
  void *object = slot->word, *also;
  if ((v->gc->keeps & MIDDEN_GC_INTERIOR) != 0) object = mid_gc_owner(v->gc, (uintptr_t)object);
  struct mid_gc_block *block = mid_gc_block_around(v->gc, (uintptr_t)object);
  if (block == NULL) return "a reference leads out of the collected heap";
  if (block->object == NULL && object == slot->word &&
      mid_gc_find(block, (uintptr_t)object, &also) != object)
    return "a reference does not lead to an object";
  uint64_t word = *mid_gc_word(object);
  if ((word & 3) != 0) return "a reference leads to something that is no object any more";
  if (mid_gc_type_in(word)->gc != v->gc) return "a reference leads to an object without a type";
  if (verify_is_dead(v->gc, block, word)) return "a reference leads to an object that is dead";
  bool young = (*mid_gc_kind_at(object) & MID_GC_YOUNG) != 0;
  if (v->tells && young) return "an old object refers to a young one, and is not remembered";
  return NULL;
}

static void verify_visit(void *context, midden_ref *slot) {
  struct verify *v = context;
  if (slot->word != NULL && v->wrong == NULL) v->wrong = verify_target(v, slot);
}

static const char *verify_object(midden_gc *gc, struct mid_gc_block *block, void *object) {
  uint64_t word = *mid_gc_word(object);
  uint8_t kind = *mid_gc_kind_at(block->base);
  if ((word & 3) != 0) return "an object's type word was written over";
  struct mid_gc_type *type = mid_gc_type_in(word);
  if (type->gc != gc) return "an object's type word is of no type";
  if (verify_is_dead(gc, block, word)) return NULL;
  if ((word & MID_GC_PIN) != 0) return "an object is still pinned by a collection that is over";
  if ((kind & MID_GC_YOUNG) != 0 && (word & (MID_GC_OLD | MID_GC_TENURED)) != 0)
    return "a young object is said to be old";
  struct verify v = {.gc = gc};
  v.tells = gc->plan->barrier && !gc->forgot && (word & MID_GC_OLD) != 0 && block->cards == NULL;
  if (type->inside == MID_GC_FIELDS || type->inside == MID_GC_REFS || type->inside == MID_GC_CALLS)
    mid_gc_each_ref(object, word, verify_visit, &v);
  if (type->inside == MID_GC_WEAK) mid_gc_weak_each(object, verify_visit, &v);
  if (type->inside == MID_GC_TABLE) mid_gc_table_each(object, verify_visit, &v);
  return v.wrong;
}

static const char *verify_block(midden_gc *gc, struct mid_gc_block *block) {
  if (mid_gc_block_of(block->base) != block) return "a block is not found by its address";
  if (block->object != NULL) return verify_object(gc, block, block->object);
  char *at = block->base;
  while (at < block->end) {
    void *object;
    char *next = mid_gc_step(block, at, &object);
    if (next <= at || next > block->end) return "an object or a hole reaches out of its block";
    const char *wrong = object != NULL ? verify_object(gc, block, object) : NULL;
    if (wrong != NULL) return wrong;
    at = next;
  }
  return NULL;
}

static const char *verify_list(midden_gc *gc, const struct mid_gc_list *list) {
  size_t count = 0;
  for (struct mid_gc_block *b = list->first; b != NULL; b = b->next, count++) {
    const char *wrong = verify_block(gc, b);
    if (wrong != NULL) return wrong;
    if (count > list->count) return "a list of blocks is longer than it says";
  }
  return count == list->count ? NULL : "a list of blocks is shorter than it says";
}

const char *mid_gc_broken(midden_gc *gc) {
  const struct mid_gc_list *all[] = {&gc->young,   &gc->young_holes, &gc->old,   &gc->holes,
                                     &gc->unswept, &gc->stays,       &gc->large, &gc->young_large};
  if (gc->copied.count + gc->chosen.count != 0) return "a cycle left blocks in its own lists";
  gc->cycle++;  // tables of starts are of an earlier state
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *wrong = verify_list(gc, all[i]);
    if (wrong != NULL) return wrong;
  }
  return mid_gc_tables_broken(gc);
}

const char *midden_gc_verify(midden_mutator *m) {
  struct mid_mutator *own = mid_mutator_of(m);
  __builtin_unwind_init();
  mid_gc_enter(own);
  mid_gc_lock(own);
  mid_gc_retire(own);
  mid_gc_stop_world(m->gc, own, "verification");
  const char *wrong = mid_gc_broken(m->gc);
  mid_gc_resume_world(m->gc);
  mid_gc_unlock(own);
  mid_gc_leave(own);
  return wrong;
}

// ---- every object ----

struct verify_walk {
  bool (*visit)(void *object, size_t bytes, void *context);
  void *context;
  bool over;
};
static struct verify_walk *verify_walk_now;  // under the heap's lock, the world stopped

static void verify_walk_block(midden_gc *gc, struct mid_gc_block *block) {
  struct verify_walk *w = verify_walk_now;
  MID_GC_EACH(object, block) {
    uint64_t word = *mid_gc_word(object);
    if (w->over || verify_is_dead(gc, block, word)) continue;
    w->over = !w->visit(object, mid_gc_field_bytes(object, word), w->context);
  }
}

void midden_gc_walk(midden_mutator *m, bool (*visit)(void *, size_t, void *), void *context) {
  struct mid_mutator *own = mid_mutator_of(m);
  struct verify_walk walk = {.visit = visit, .context = context};
  __builtin_unwind_init();
  mid_gc_enter(own);
  mid_gc_lock(own);
  mid_gc_retire(own);
  mid_gc_stop_world(m->gc, own, "walk");
  verify_walk_now = &walk;
  mid_gc_each_block(m->gc, verify_walk_block);
  mid_gc_resume_world(m->gc);
  mid_gc_unlock(own);
  mid_gc_leave(own);
}
