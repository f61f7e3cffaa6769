// gc/finalise.c -- functions that are called when their object has died.
// SPDX-License-Identifier: MIT
//
// Each finaliser is in one of three lists, in the order in which they were given, and moves from
// list to list without memory being needed:
//
//   given -> young ---- object is old ----> old
//              |                             |
//              +---- object is dead ----> waiting ----> run, by whoever calls midden_gc_finalise
//
// A minor cycle looks at the young ones only.  What waits is a root, so all that its object refers
// to is whole when it runs; if it makes the object reachable again, that lives on without it.
#include "gc/gc.h"
#include "midden/malloc.h"

static void finalise_append(struct mid_gc_finalisers *list, struct mid_gc_finaliser *f) {
  f->next = NULL;
  *(list->end != NULL ? list->end : &list->first) = f;
  list->end = &f->next;
}

static struct mid_gc_finaliser *finalise_take(struct mid_gc_finalisers *list) {
  struct mid_gc_finaliser *f = list->first;
  if (f == NULL) return NULL;
  list->first = f->next;
  if (f->next == NULL) list->end = NULL;
  return f;
}

// ---- giving ----

bool mid_gc_finaliser_add(midden_gc *gc, void *object, void (*finalise)(void *, void *),
                          void *context) {
  struct mid_gc_finaliser *f = midden_malloc(sizeof *f);
  if (f == NULL) return false;
  *f = (struct mid_gc_finaliser){.object.word = object, .run = finalise, .context = context};
  mid_lock_take(&gc->weak.lock);
  finalise_append(&gc->weak.young_finalisers, f);
  mid_lock_give(&gc->weak.lock);
  return true;
}

midden_status midden_gc_finaliser(midden_mutator *m, void *object, void (*finalise)(void *, void *),
                                  void *context) {
  if (object == NULL || finalise == NULL) return MIDDEN_INVALID;
  __builtin_unwind_init();
  mid_gc_enter(mid_mutator_of(m));
  bool added = mid_gc_finaliser_add(m->gc, object, finalise, context);
  mid_gc_leave(mid_mutator_of(m));
  return added ? MIDDEN_OK : MIDDEN_NOMEM;
}

// ---- collections ----

// All are judged before any object is traced: of those that died together none is found live for
// being referred to by another.
static void finalise_judge(midden_gc *gc, struct mid_gc_finalisers *list,
                           struct mid_gc_finalisers *dead) {
  struct mid_gc_finalisers all = *list;
  if (all.first == NULL) return;
  *list = (struct mid_gc_finalisers){0};
  for (struct mid_gc_finaliser *f; (f = finalise_take(&all)) != NULL;) {
    if (!mid_gc_is_live(gc, &f->object))
      finalise_append(dead, f);
    else
      finalise_append(
          mid_gc_is_young(f->object.word) ? &gc->weak.young_finalisers : &gc->weak.old_finalisers,
          f);
  }
}

void mid_gc_finalisers_mark(midden_gc *gc) {
  struct mid_gc_finalisers dead = {0};
  struct mid_gc_finaliser *f;
  if (!gc->minor) finalise_judge(gc, &gc->weak.old_finalisers, &dead);
  finalise_judge(gc, &gc->weak.young_finalisers, &dead);
  while ((f = finalise_take(&dead)) != NULL) {
    mid_gc_trace_slot(gc, &f->object);
    finalise_append(&gc->weak.waiting, f);
    if (gc->weak.young_waiting == NULL) gc->weak.young_waiting = f;
  }
}

// A minor cycle begins where all before were old after the last one, so that a backlog costs it
// nothing.
void mid_gc_finalisers_scan(midden_gc *gc) {
  struct mid_gc_finaliser *f = gc->minor ? gc->weak.young_waiting : gc->weak.waiting.first;
  gc->weak.young_waiting = NULL;
  for (; f != NULL; f = f->next) {
    mid_gc_trace_slot(gc, &f->object);
    if (gc->weak.young_waiting == NULL && mid_gc_is_young(f->object.word))
      gc->weak.young_waiting = f;
  }
  mid_gc_queues_scan(gc);
}

// ---- running ----

// The first that waits, its object held by `object` from then on; NULL: none does.
static struct mid_gc_finaliser *finalise_next(midden_mutator *m, midden_ref *object) {
  mid_gc_guard(mid_mutator_of(m));
  struct mid_gc_finaliser *f = finalise_take(&m->gc->weak.waiting);
  if (f != NULL) object->word = f->object.word;
  if (f != NULL && f == m->gc->weak.young_waiting) m->gc->weak.young_waiting = f->next;
  mid_gc_unguard(mid_mutator_of(m));
  return f;
}

size_t midden_gc_finalise(midden_mutator *m, size_t most) {
  size_t ran = 0;
  __builtin_unwind_init();
  MIDDEN_FRAME(m, object, 1);
  for (struct mid_gc_finaliser *f; ran < most && (f = finalise_next(m, object)) != NULL; ran++) {
    void (*run)(void *, void *) = f->run;
    void *context = f->context;
    midden_free(f);
    run(object[0].word, context);
  }
  MIDDEN_FRAME_END(m, object);
  return ran;
}

static void finalise_free(struct mid_gc_finalisers *list) {
  for (struct mid_gc_finaliser *f; (f = finalise_take(list)) != NULL;) midden_free(f);
}

// Those that wait now, not what these may give in turn.
void mid_gc_finalisers_close(midden_gc *gc) {
  size_t waiting = 0;
  midden_mutator *m;
  for (struct mid_gc_finaliser *f = gc->weak.waiting.first; f != NULL; f = f->next) waiting++;
  if (waiting != 0 && midden_gc_attach(gc, &m) == MIDDEN_OK) {
    midden_gc_finalise(m, waiting);
    midden_gc_detach(m);
  }
  finalise_free(&gc->weak.waiting);
  finalise_free(&gc->weak.young_finalisers);
  finalise_free(&gc->weak.old_finalisers);
}
