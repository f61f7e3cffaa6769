// gc/weak.c -- weak references, and the queues that cleared ones are put into.
// SPDX-License-Identifier: MIT
//
// A weak reference is an object of 32 bytes.  Its first word links it, in turn, to others that this
// cycle has found, and when it was cleared to the next one in its queue:
//
//   | type word | next | object | queue, how |
//
// A queue is two stacks, of references that may be young, which each minor cycle walks through, and
// of old ones.  So its length costs minor cycles nothing.
#include "gc/gc.h"
#include "midden/malloc.h"

struct weak {
  midden_ref next, object;
  uintptr_t queue;  // its address, and the enum midden_gc_weakness in bit 0
};

static struct midden_gc_queue *weak_queue(const struct weak *w) {
  return (struct midden_gc_queue *)(w->queue & ~(uintptr_t)1);
}

// ---- shared by what is beyond the reach of ordinary references ----

void mid_gc_guard(struct mid_mutator *m) {
  mid_gc_enter(m);
  mid_lock_take(&m->seen.gc->weak.lock);
}

void mid_gc_unguard(struct mid_mutator *m) {
  mid_lock_give(&m->seen.gc->weak.lock);
  mid_gc_leave(m);
}

const midden_type *mid_gc_weak_type(midden_gc *gc, _Atomic(const midden_type *) *xtype,
                                    const char *name, size_t bytes, int inside) {
  const midden_type *seen = atomic_load_explicit(xtype, memory_order_acquire);
  if (seen != NULL) return seen;
  struct mid_gc_type *made =
      mid_gc_type_make(gc, &(midden_type_config){.name = name, .bytes = bytes});
  if (made == NULL) return NULL;
  made->inside = (enum mid_gc_inside)inside;
  if (atomic_compare_exchange_strong_explicit(xtype, &seen, &made->seen, memory_order_acq_rel,
                                              memory_order_acquire))
    return &made->seen;
  midden_gc_type_drop(gc, &made->seen);  // another thread was first
  return seen;
}

static midden_ref *const weak_last = (midden_ref *)1;

// Two markers may come with the same object: the one that takes its link from NULL adds it.
void mid_gc_found_add(struct mid_gc_found *list, midden_ref *link) {
  void *not_in = NULL;
  if (!__atomic_compare_exchange_n(&link->word, &not_in, weak_last, false, __ATOMIC_RELAXED,
                                   __ATOMIC_RELAXED))
    return;
  midden_ref *first = atomic_load_explicit(&list->xfirst, memory_order_relaxed);
  do {
    __atomic_store_n(&link->word, first != NULL ? first : weak_last, __ATOMIC_RELAXED);
  } while (!atomic_compare_exchange_weak_explicit(&list->xfirst, &first, link, memory_order_release,
                                                  memory_order_relaxed));
}

void *mid_gc_found_take(struct mid_gc_found *list) {
  midden_ref *link = atomic_load_explicit(&list->xfirst, memory_order_acquire);
  if (link == NULL) return NULL;
  atomic_store_explicit(&list->xfirst, link->word == weak_last ? NULL : link->word,
                        memory_order_relaxed);
  link->word = NULL;
  return link;
}

// ---- weak references ----

void *midden_gc_weak(midden_mutator *m, void *object, enum midden_gc_weakness how,
                     midden_gc_queue *queue) {
  const midden_type *type = mid_gc_weak_type(m->gc, &m->gc->weak.xweak_type, "midden.weak",
                                             sizeof(struct weak), MID_GC_WEAK);
  if (type == NULL) return NULL;
  MIDDEN_FRAME(m, target, 1);
  target[0].word = object;
  struct weak *w = midden_gc_new(m, type);
  if (w != NULL) {
    w->queue = (uintptr_t)queue | (uintptr_t)(how == MIDDEN_GC_WEAK_LONG);
    midden_gc_store_init(m, w, &w->object, target[0].word);
  }
  MIDDEN_FRAME_END(m, target);
  return w;
}

void *midden_gc_weak_get(midden_mutator *m, void *weak) {
  return midden_gc_load(m, &((struct weak *)weak)->object);
}

bool mid_gc_weak_found(midden_gc *gc, void *weak) {
  struct weak *w = weak;
  if (w->object.word == NULL) return false;
  if (weak_queue(w) != NULL)
    atomic_store_explicit(&weak_queue(w)->xfound, gc->cycle, memory_order_relaxed);
  mid_gc_found_add(&gc->weak.found[w->queue & 1], &w->next);
  return gc->minor && mid_gc_is_young(w->object.word);
}

void mid_gc_weak_each(void *weak, midden_visit *visit, void *context) {
  visit(context, &((struct weak *)weak)->object);
}

static void weak_enqueue(struct midden_gc_queue *queue, struct weak *w) {
  midden_ref *stack = mid_gc_is_young(w) ? &queue->young : &queue->old;
  w->next = *stack;
  stack->word = w;
}

static void weak_clear(midden_gc *gc, struct mid_gc_found *list) {
  struct weak *w;
  while ((w = mid_gc_found_take(list)) != NULL) {
    if (mid_gc_is_live(gc, &w->object)) continue;
    w->object.word = NULL;
    struct midden_gc_queue *queue = weak_queue(w);
    if (queue != NULL && !queue->closed) weak_enqueue(queue, w);
  }
}

// ---- queues ----

midden_gc_queue *midden_gc_queue_new(midden_gc *gc) {
  struct midden_gc_queue *queue = midden_malloc(sizeof *queue);
  if (queue == NULL) return NULL;
  *queue = (struct midden_gc_queue){.gc = gc};
  mid_gc_lock_quietly(gc);
  queue->next = gc->weak.queues;
  gc->weak.queues = queue;
  mid_gc_unlock_quietly(gc);
  return queue;
}

// Weak references still name it: it is freed when a major cycle has found none that does.
void midden_gc_queue_close(midden_gc_queue *queue) {
  if (queue == NULL) return;
  midden_gc *gc = queue->gc;
  mid_gc_lock_quietly(gc);
  queue->closed = true;
  queue->young.word = queue->old.word = NULL;
  mid_gc_unlock_quietly(gc);
}

void *midden_gc_queue_take(midden_mutator *m, midden_gc_queue *queue) {
  __builtin_unwind_init();
  mid_gc_guard(mid_mutator_of(m));
  midden_ref *stack = queue->young.word != NULL ? &queue->young : &queue->old;
  struct weak *w = stack->word;
  if (w != NULL) {
    *stack = w->next;
    w->next.word = NULL;
  }
  mid_gc_unguard(mid_mutator_of(m));
  return w;
}

// What it holds is sorted anew, by where it is now.
static void weak_stack_scan(midden_gc *gc, struct midden_gc_queue *queue, midden_ref *stack) {
  midden_ref at = *stack;
  stack->word = NULL;
  while (at.word != NULL) {
    mid_gc_trace_slot(gc, &at);
    struct weak *w = at.word;
    at = w->next;
    weak_enqueue(queue, w);
  }
}

void mid_gc_queues_scan(midden_gc *gc) {
  for (struct midden_gc_queue *q = gc->weak.queues; q != NULL; q = q->next) {
    if (!gc->minor) weak_stack_scan(gc, q, &q->old);
    weak_stack_scan(gc, q, &q->young);
  }
}

static void weak_queues_drop(midden_gc *gc) {
  for (struct midden_gc_queue **at = &gc->weak.queues, *q; (q = *at) != NULL;) {
    if (!q->closed || atomic_load_explicit(&q->xfound, memory_order_relaxed) == gc->cycle) {
      at = &q->next;
      continue;
    }
    *at = q->next;
    q->next = gc->weak.closed;
    gc->weak.closed = q;
  }
}

// ---- collections ----

void mid_gc_weak_clear(midden_gc *gc, enum midden_gc_weakness how) {
  weak_clear(gc, &gc->weak.found[MIDDEN_GC_WEAK_SHORT]);
  if (how == MIDDEN_GC_WEAK_SHORT) return;
  weak_clear(gc, &gc->weak.found[MIDDEN_GC_WEAK_LONG]);
  if (!gc->minor) weak_queues_drop(gc);
}

static void weak_queues_free(struct midden_gc_queue *list) {
  for (struct midden_gc_queue *next; list != NULL; list = next) {
    next = list->next;
    midden_free(list);
  }
}

void mid_gc_weak_free(midden_gc *gc) {
  mid_lock_take(&gc->weak.lock);
  struct mid_gc_entries *dead = gc->weak.dead;
  struct midden_gc_queue *closed = gc->weak.closed;
  gc->weak.dead = NULL;
  gc->weak.closed = NULL;
  mid_lock_give(&gc->weak.lock);
  mid_gc_tables_free(gc, dead);
  weak_queues_free(closed);
}

void mid_gc_weak_close(midden_gc *gc) {
  mid_gc_finalisers_close(gc);
  mid_gc_weak_free(gc);
  mid_gc_tables_free(gc, gc->weak.young);
  mid_gc_tables_free(gc, gc->weak.old);
  weak_queues_free(gc->weak.queues);
  mid_gc_handles_close(gc);
}
