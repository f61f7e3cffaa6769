// heap/record.h -- every allocation, resize and free of a process, told to who records them.
// SPDX-License-Identifier: MIT
//
// While nothing is recorded this costs one compare on slow paths and nothing on the inline ones.
// A thread that takes part has its heap send every call the slow way: its `quick` pop nothing, and
// the keys of its spans name an owner that no thread is (mid_heap_key).  Threads switch over by
// themselves, at the first slow path that finds it asked for.
//
//   off --mid_record_look sees the feed's word--> mid_record_on --a thread's next event--> its heap
//   is `recorded`, and its events go into a ring of its own (feed/ring.h)
//
// A ring that is full makes place for a larger one; the largest makes its thread wait, at most 10
// ms, and then lose events, which are counted, until there is room again.
#ifndef MID_HEAP_RECORD_H
#define MID_HEAP_RECORD_H

#include "base/check.h"
#include "feed/feed.h"
#include "feed/ring.h"
#include "heap/heap.h"

// x: whether anything was ever recorded in this process; relaxed.
extern _Atomic bool mid_record_on __attribute__((visibility("hidden")));

static inline bool mid_record_is_on(void) {
  return mid_unlikely(atomic_load_explicit(&mid_record_on, memory_order_relaxed));
}

// Look whether a recording is asked for.
static inline void mid_record_look(void) {
  if (mid_unlikely((mid_feed_recording() & 1) != 0) && !mid_record_is_on())
    atomic_store_explicit(&mid_record_on, true, memory_order_relaxed);
}

void mid_record_take(enum mid_ring_op op, const void *p, size_t bytes, size_t align,
                     const void *caller);
void mid_record_give(const void *p, const void *caller);
// Around a resize of `p`, whose own takes and gives are not events.  begin returns false where the
// calls are inside another event: then there is no end.
bool mid_record_resize_begin(const void *p);
void mid_record_resize_end(const void *p, size_t bytes, const void *caller);

// `p`, just allocated or NULL.
static inline void *mid_recorded(enum mid_ring_op op, void *p, size_t bytes, size_t align,
                                 const void *caller) {
  if (mid_record_is_on() && p != NULL) mid_record_take(op, p, bytes, align, caller);
  return p;
}

void mid_record_thread_ended(void);
void mid_record_unloaded(void);  // code may lie where other code lay
void mid_record_end(void);       // at a clean exit
void mid_record_lock(void);      // around fork
void mid_record_unlock(void);
void mid_record_forked(void);  // in the child, with the lock held

#endif
