// gc/helper.c -- threads that collect beside the one that asked.
// SPDX-License-Identifier: MIT
//
// They are started when the heap opens, since a stopped world may hold locks that starting a thread
// needs, and sleep on a word of their own: idle, working, or asked to end.
#include "gc/gc.h"

enum { HELPER_IDLE, HELPER_WORKS, HELPER_ENDS, HELPER_GONE };
enum { HELPERS = 15 };

struct helper {
  _Atomic uint32_t xstate;  // x: a futex; who asks sets WORKS and ENDS, the thread IDLE and GONE
  void (*work)(void *context);
  void *context;
};

struct helpers {
  unsigned count;
  uint64_t process;  // that they are threads of
  struct helper helper[HELPERS];
};

// Handed to the thread that starts, which takes it and sets it to NULL.
static struct mid_lock helper_start_lock;
static _Atomic(struct helper *) helper_new;
static _Atomic uint32_t helper_taken;

static void helper_state_set(struct helper *h, uint32_t state) {
  atomic_store_explicit(&h->xstate, state, memory_order_release);
  mid_os_word_wake(&h->xstate);
}

static void helper_body(void) {
  struct helper *h = atomic_exchange(&helper_new, NULL);
  atomic_fetch_add(&helper_taken, 1);
  mid_os_word_wake(&helper_taken);
  for (;;) {
    uint32_t state = atomic_load_explicit(&h->xstate, memory_order_acquire);
    if (state == HELPER_ENDS) return helper_state_set(h, HELPER_GONE);
    if (state == HELPER_WORKS) {
      h->work(h->context);
      helper_state_set(h, HELPER_IDLE);
    } else {
      mid_os_word_wait(&h->xstate, HELPER_IDLE, 60000);
    }
  }
}

static bool helper_open(struct helper *h) {
  mid_lock_take(&helper_start_lock);
  uint32_t taken = atomic_load(&helper_taken);
  atomic_store(&helper_new, h);
  bool started = mid_os_thread_start(helper_body);
  while (started && atomic_load(&helper_taken) == taken)
    mid_os_word_wait(&helper_taken, taken, 100);
  mid_lock_give(&helper_start_lock);
  return started;
}

bool mid_gc_helpers_open(midden_gc *gc, unsigned count) {
  if (count == 0) return true;
  struct helpers *all = mid_meta_take(sizeof *all);
  if (all == NULL) return false;
  gc->helpers = all;
  gc->meta += sizeof *all;
  all->process = mid_os_process_id();
  while (all->count < mid_min(count, HELPERS) && helper_open(&all->helper[all->count]))
    all->count++;
  return true;
}

unsigned mid_gc_helpers_ready(midden_gc *gc, unsigned most) {
  struct helpers *all = gc->helpers;
  if (all == NULL || all->process != mid_os_process_id()) return 0;
  return (unsigned)mid_min(all->count, most);
}

void mid_gc_helper_start(midden_gc *gc, unsigned i, void (*work)(void *), void *context) {
  struct helper *h = &((struct helpers *)gc->helpers)->helper[i];
  h->work = work;
  h->context = context;
  helper_state_set(h, HELPER_WORKS);
}

void mid_gc_helper_wait(midden_gc *gc, unsigned i) {
  struct helper *h = &((struct helpers *)gc->helpers)->helper[i];
  while (atomic_load_explicit(&h->xstate, memory_order_acquire) == HELPER_WORKS)
    mid_os_word_wait(&h->xstate, HELPER_WORKS, 1000);
}

bool mid_gc_helper_is_idle(midden_gc *gc, unsigned i) {
  struct helper *h = &((struct helpers *)gc->helpers)->helper[i];
  return atomic_load_explicit(&h->xstate, memory_order_acquire) == HELPER_IDLE;
}

void mid_gc_helpers_close(midden_gc *gc) {
  unsigned count = mid_gc_helpers_ready(gc, HELPERS);
  for (unsigned i = 0; i < count; i++) {
    struct helper *h = &((struct helpers *)gc->helpers)->helper[i];
    helper_state_set(h, HELPER_ENDS);
    while (atomic_load_explicit(&h->xstate, memory_order_acquire) != HELPER_GONE)
      mid_os_word_wait(&h->xstate, HELPER_ENDS, 1000);
  }
}
