// heap/thread.c -- whose heap it is: the first call of a thread, its end, and fork.
// SPDX-License-Identifier: MIT
//
// A heap record is never given back, only pooled: other threads may still hold its address.
//
//   none --first call--> a pooled or new heap --key destructor--> late
//
// After the destructor (C++ destructors and other keys' may run later and allocate) a thread works
// on one shared heap, so nothing is left behind however late it calls.
//
// Around fork every lock is held, so that slow paths are finished; for what others do without a
// lock see mid_heap_mend.  The child abandons the heaps of threads that it does not have.
#include <stdlib.h>

#include "base/options.h"
#include "heap/hardened.h"
#include "heap/heap.h"
#include "heap/last_look.h"
#include "heap/record.h"
#include "heap/sample.h"

__thread struct mid_heap *mid_thread_heap = MID_HEAP_NONE;

// Every class empty: take goes the slow way and finds out.  The second is filled in at the start.
struct mid_span *mid_heap_none_quick[MID_QUICKS] = {[0 ... MID_QUICKS - 1] = &mid_span_none};
struct mid_span *mid_heap_ended_quick[MID_QUICKS];

static struct mid_lock heaps_lock;
static struct mid_heap *pooled;  // by `next_pooled`
static struct mid_heap *shared_for_late;

static struct mid_lock start_lock;
static _Atomic bool started;

// ---- the registry ----

static struct mid_heap *heap_new_locked(enum mid_heap_kind kind, uintptr_t thread) {
  struct mid_heap *heap = pooled;
  if (heap != NULL) {
    pooled = heap->next_pooled;
  } else {
    heap = mid_meta_take(sizeof *heap);
    if (heap == NULL) return NULL;
    heap->next = mid_heaps;
    mid_heaps = heap;
  }
  mid_heap_prepare(heap, kind, thread);
  return heap;
}

// The heap of a thread that had the same thread pointer and ended without a word: its first call
// came in the last of its destructors.  It is ours now, with all that is in it.
static struct mid_heap *heap_inherit_locked(uintptr_t thread) {
  struct mid_heap *heap = mid_heaps;
  while (heap != NULL && (heap->kind != MID_HEAP_THREAD || heap->thread != thread))
    heap = heap->next;
  if (heap != NULL) heap->rounds = 0;
  return heap;
}

static struct mid_heap *thread_heap_new(uintptr_t thread, bool *inherited) {
  mid_lock_take(&heaps_lock);
  struct mid_heap *heap = heap_inherit_locked(thread);
  *inherited = heap != NULL;
  if (heap == NULL) heap = heap_new_locked(MID_HEAP_THREAD, thread);
  mid_lock_give(&heaps_lock);
  return heap;
}

struct mid_heap *mid_heap_new_shared(void) {
  mid_lock_take(&heaps_lock);
  struct mid_heap *heap = heap_new_locked(MID_HEAP_SHARED, 0);
  mid_lock_give(&heaps_lock);
  return heap;
}

void mid_heap_pool(struct mid_heap *heap) {
  mid_lock_take(&heaps_lock);
  heap->kind = MID_HEAP_POOLED;
  heap->next_pooled = pooled;
  pooled = heap;
  mid_lock_give(&heaps_lock);
}

void mid_heaps_visit(void (*visit)(struct mid_heap *heap, void *context), void *context) {
  mid_lock_take(&heaps_lock);
  for (struct mid_heap *heap = mid_heaps; heap != NULL; heap = heap->next) visit(heap, context);
  mid_lock_give(&heaps_lock);
}

// ---- the end of a thread ----

// Other keys' destructors allocate and free too, and ours, likely made first, runs before them: it
// does its work in the next round.  Of the four rounds that POSIX promises a heap that begins in
// the first or second has two left.
enum { ROUNDS = 2 };

static void heap_retire(struct mid_heap *heap) {
  mid_lock_take(&heap->lock);
  heap->told.alive = 0;
  mid_heap_abandon(heap);
  mid_lock_give(&heap->lock);
  mid_heap_pool(heap);
  mid_span_count_heaps(-1);
}

static void thread_ended(void *value) {
  struct mid_heap *heap = value;
  if (++heap->rounds < ROUNDS) return mid_os_thread_mark(heap);
  mid_hardened_flush(heap);
  mid_gather_give_all(heap);
  mid_record_thread_ended();
  mid_thread_heap = MID_HEAP_ENDED;
  heap_retire(heap);
  mid_span_settle();
}

// ---- all locks ----

MID_RARELY void mid_heap_lock_all(void) {
  mid_lock_take(&heaps_lock);
  for (struct mid_heap *heap = mid_heaps; heap != NULL; heap = heap->next)
    mid_lock_take(&heap->lock);
  mid_abandoned_lock();
  mid_record_lock();
  mid_sample_lock();
  mid_tell_lock();
  mid_span_lock_all();
}

MID_RARELY void mid_heap_unlock_all(void) {
  mid_span_unlock_all();
  mid_tell_unlock();
  mid_sample_unlock();
  mid_record_unlock();
  mid_abandoned_unlock();
  for (struct mid_heap *heap = mid_heaps; heap != NULL; heap = heap->next)
    mid_lock_give(&heap->lock);
  mid_lock_give(&heaps_lock);
}

// ---- fork ----

MID_RARELY static void fork_child(void) {
  mid_tell_forked(mid_heaps);
  mid_record_forked();
  mid_sample_forked();
  mid_heap_unlock_all();
  if (mid_heap_is_real(mid_thread_heap)) {
    mid_thread_heap->told.thread = mid_os_thread_id();
    mid_lock_take(&mid_thread_heap->lock);
    mid_heap_mend(mid_thread_heap, true);
    mid_lock_give(&mid_thread_heap->lock);
  }
  for (struct mid_heap *heap = mid_heaps; heap != NULL; heap = heap->next)
    if (heap->kind == MID_HEAP_THREAD && heap != mid_thread_heap) {
      mid_heap_mend(heap, false);
      mid_gather_forget(heap);
      mid_hardened_forget(heap);
      heap_retire(heap);
    }
}

// ---- the first call ----

static void purge_now_and_then(void) {
  for (;;) {
    mid_os_sleep_ms(1000);
    mid_span_purge_all();
  }
}

static void start(void) {
  mid_lock_take(&start_lock);
  if (!atomic_load_explicit(&started, memory_order_relaxed)) {
    const char *options = mid_os_environment("MIDDEN_OPTIONS");
    if (options != NULL) mid_options_start(options);
    mid_record_on = mid_options.record != 0;
    for (size_t i = 0; i < MID_QUICKS; i++) mid_heap_ended_quick[i] = &mid_span_none;
    mid_span_start();
    if (mid_options.hardened) mid_hardened_start();
    mid_sample_start();
    mid_os_thread_watch(thread_ended);
    atomic_store_explicit(&started, true, memory_order_release);
    // This may allocate; and being first among the handlers, ours run last before a fork.
    mid_os_fork_watch(mid_heap_lock_all, mid_heap_unlock_all, fork_child);
  }
  mid_lock_give(&start_lock);
}

static void start_once(void) {
  if (!atomic_load_explicit(&started, memory_order_acquire)) start();
}

static struct mid_heap *late_heap(void) {
  mid_lock_take(&heaps_lock);
  if (shared_for_late == NULL) shared_for_late = heap_new_locked(MID_HEAP_LATE, 0);
  struct mid_heap *heap = shared_for_late;
  mid_lock_give(&heaps_lock);
  return heap;
}

struct mid_heap *mid_thread_heap_get(void) {
  struct mid_heap *heap = mid_thread_heap;
  if (mid_likely(mid_heap_is_real(heap))) return heap;
  if (heap == MID_HEAP_ENDED) return late_heap();
  start_once();
  bool inherited;
  heap = thread_heap_new(mid_os_self(), &inherited);
  if (heap == NULL) return NULL;
  heap->told.thread = mid_os_thread_id();
  heap->told.alive = 1;
  mid_thread_heap = heap;
  if (!inherited) mid_span_count_heaps(1);
  mid_os_thread_mark(heap);
  return heap;
}

// quick_exit runs no destructors.  Ours is the first handler, and so the last to run; a signal
// handler may have called it amid a malloc.
static void library_left(void) {
  mid_tell_left();
  mid_last_look_ask();
}

// Programs that link the library and start threads before they allocate; and the option's thread,
// which must not start inside somebody's malloc.
__attribute__((constructor)) static void library_start(void) {
  start_once();
  (void)at_quick_exit(library_left);
  if (mid_options.purge_thread) mid_os_thread_start(purge_now_and_then);
}

__attribute__((destructor)) static void library_end(void) {
  mid_record_end();
  mid_lock_hurry(true);  // exit may have been called from a signal handler, amid a sample
  mid_sample_end();
  mid_tell_end();
  mid_last_look_ask();
}
