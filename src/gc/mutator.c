// gc/mutator.c -- threads come to a heap and leave it; fork.
// SPDX-License-Identifier: MIT
//
// A mutator is never given back before its heap is closed: what a thread leaves behind, such as its
// log, stays in it for the next collection, and the next thread gets it.
//
// Around fork the locks of all heaps are held, and no world is stopped: a thread that a signal
// stops may hold a lock that fork() itself takes.  The child has one thread, and finds of each
// other what it had done when the kernel took its picture, which may be in the midst of a call that
// needs no lock: its buffers are closed where they were, and what it had told of stores counts as
// lost.
#include <string.h>
#include <threads.h>

#include "gc/gc.h"
#include "midden/heap.h"

static struct mid_lock all_lock;
static midden_gc *mutator_heaps;  // by `next`
static bool mutator_started;
static tss_t mutator_key;
static bool mutator_sees_ends;  // programs may have taken all keys

// ---- the end of a thread ----

// Other keys' destructors may still use the heap: ours does its work in the second round.
static __thread bool mutator_ends;

static void mutator_thread_ended(void *any) {
  if (!mutator_ends) {
    mutator_ends = true;
    (void)tss_set(mutator_key, any);
    return;
  }
  mutator_ends = false;
  while (mid_mutators_mine != NULL) midden_gc_detach(&mid_mutators_mine->seen);
}

// ---- fork ----

MID_RARELY static void mutator_fork_prepare(void) {
  mid_gc_lock_any(&all_lock);
  for (midden_gc *gc = mutator_heaps; gc != NULL; gc = gc->next) mid_gc_lock_quietly(gc);
  mid_gc_stop_lock();
  for (midden_gc *gc = mutator_heaps; gc != NULL; gc = gc->next) mid_lock_take(&gc->weak.lock);
}

MID_RARELY static void mutator_fork_unlock(void) {
  mid_gc_stop_unlock();
  for (midden_gc *gc = mutator_heaps; gc != NULL; gc = gc->next) {
    mid_lock_give(&gc->weak.lock);
    mid_gc_unlock_quietly(gc);
  }
  mid_lock_give(&all_lock);
}

static bool mutator_is_mine(const struct mid_mutator *m) {
  const struct mid_mutator *mine = mid_mutators_mine;
  while (mine != NULL && mine != m) mine = mine->sibling;
  return mine != NULL;
}

MID_RARELY static void mutator_fork_child(void) {
  mid_gc_stop_forked();
  for (midden_gc *gc = mutator_heaps; gc != NULL; gc = gc->next) {
    for (struct mid_mutator *m = gc->mutators; m != NULL; m = m->next) {
      if (mutator_is_mine(m)) {
        m->thread = mid_os_thread_id();
      } else if (!m->gone) {
        mid_gc_retire(m);
        m->log = (struct mid_gc_words){0};
        gc->forgot |= gc->plan->generations;
        mid_gc_mutator_drop(m);
      }
    }
  }
  mutator_fork_unlock();
}

// ---- heaps ----

bool mid_gc_mutators_open(midden_gc *gc, const char **why) {
  if (gc->stop_signal == 0) gc->stop_signal = mid_os_signal_free();
  if (!mid_gc_stop_catch(gc->stop_signal)) {
    *why =
        "the signal that stops threads cannot be caught, or has another handler: name another "
        "one in stop_signal";
    return false;
  }
  mid_gc_lock_any(&all_lock);
  if (!mutator_started) {
    mutator_started = true;
    mutator_sees_ends = tss_create(&mutator_key, mutator_thread_ended) == thrd_success;
    mid_os_fork_watch(mutator_fork_prepare, mutator_fork_unlock, mutator_fork_child);
  }
  gc->next = mutator_heaps;
  mutator_heaps = gc;
  mid_lock_give(&all_lock);
  return true;
}

void mid_gc_each_heap(void (*visit)(midden_gc *gc)) {
  mid_gc_lock_any(&all_lock);
  for (midden_gc *gc = mutator_heaps; gc != NULL; gc = gc->next) visit(gc);
  mid_lock_give(&all_lock);
}

void mid_gc_mutators_close(midden_gc *gc) {
  mid_gc_lock_any(&all_lock);
  midden_gc **at = &mutator_heaps;
  while (*at != gc) at = &(*at)->next;
  *at = gc->next;
  mid_lock_give(&all_lock);
  while (gc->mutators != NULL) {
    struct mid_mutator *m = gc->mutators;
    MID_REQUIRE(m->gone, "a collected heap was closed that a thread is attached to", gc,
                "detach all threads first");
    gc->mutators = m->next;
    mid_gc_words_close(&m->log);
    midden_free(m);
  }
}

// ---- threads ----

midden_mutator *midden_gc_mutator(midden_gc *gc) {
  for (struct mid_mutator *m = mid_mutators_mine; m != NULL; m = m->sibling)
    if (m->seen.gc == gc) return &m->seen;
  return NULL;
}

// One that a thread left behind, or a new one; the lock is held.
static struct mid_mutator *mutator_take(midden_gc *gc) {
  struct mid_mutator *m = gc->mutators;
  while (m != NULL && !m->gone) m = m->next;
  if (m != NULL) return m;
  m = midden_aligned_alloc(64, mid_round_up(sizeof *m, 64));
  if (m == NULL) return NULL;
  memset(m, 0, sizeof *m);
  m->gone = true;
  atomic_store_explicit(&m->xstate, MID_GC_BLOCKED, memory_order_relaxed);
  m->next = gc->mutators;
  gc->mutators = m;
  return m;
}

// In stress mode each allocation, store and poll goes the slow way: see mid_gc_stress.
static midden_mutator mutator_fresh(midden_gc *gc) {
  bool stress = gc->stress != 0;
  uint64_t mask = gc->plan->barrier ? MID_GC_OLD : 0;
  return (midden_mutator){.gc = gc, .mask = stress ? ~(uint64_t)0 : mask, .stop = stress ? 2 : 0};
}

static void mutator_begin(struct mid_mutator *m, midden_gc *gc, const struct mid_os_stack *stack) {
  m->seen = mutator_fresh(gc);
  m->thread = mid_os_thread_id();
  m->stack_low = stack->low;
  m->stack_high = stack->high;
  m->gone = m->told = m->in_runtime = false;
  atomic_store_explicit(&m->xsent, false, memory_order_relaxed);
  m->sibling = mid_mutators_mine;
  MIDDEN_GC_IN_ORDER();  // a signal for another heap may come between
  mid_mutators_mine = m;
  atomic_store_explicit(&m->xstate, MID_GC_RUNS, memory_order_seq_cst);
}

midden_status midden_gc_attach(midden_gc *gc, midden_mutator **out) {
  struct mid_os_stack stack;
  if (midden_gc_mutator(gc) != NULL) return MIDDEN_INVALID;
  uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  if (!mid_os_stack_read(&stack) || here < stack.low || here >= stack.high) return MIDDEN_OS;
  mid_os_signal_unblock(gc->stop_signal);
  if (mutator_sees_ends) (void)tss_set(mutator_key, &mutator_key);
  mid_gc_lock_quietly(gc);
  struct mid_mutator *m = mutator_take(gc);
  if (m != NULL) mutator_begin(m, gc, &stack);
  mid_gc_unlock_quietly(gc);
  if (m == NULL) return MIDDEN_NOMEM;
  *out = &m->seen;
  return MIDDEN_OK;
}

void mid_gc_mutator_drop(struct mid_mutator *m) {
  m->gone = true;
  m->seen.frames = NULL;
  m->on = NULL;
  m->own = (midden_gc_stack){0};
  m->in_runtime = false;
  atomic_store_explicit(&m->xstate, MID_GC_BLOCKED, memory_order_seq_cst);
}

static void mutator_unlink(struct mid_mutator *m) {
  struct mid_mutator **at = &mid_mutators_mine;
  while (*at != m) at = &(*at)->sibling;
  *at = m->sibling;
}

void midden_gc_detach(midden_mutator *seen) {
  struct mid_mutator *m = mid_mutator_of(seen);
  MID_REQUIRE(mutator_is_mine(m), "a thread was detached that is not attached", seen,
              "each thread detaches itself, once");
  mid_gc_enter(m);
  mid_gc_lock(m);
  mid_gc_retire(m);
  mid_gc_mutator_drop(m);
  mutator_unlink(m);
  mid_lock_give(&seen->gc->lock);
  mid_gc_stop_late();
}
