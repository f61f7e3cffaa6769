// gc/handle.c -- roots one by one: handles, and objects that are pinned.
// SPDX-License-Identifier: MIT
#include "gc/handle.h"

#include "gc/gc.h"
#include "midden/malloc.h"

// ---- handles ----

static void handle_link(midden_gc *gc, struct midden_handle *h) {
  h->next = gc->handles;
  if (h->next != NULL) h->next->prev = h;
  gc->handles = h;
}

static void handle_unlink(midden_gc *gc, struct midden_handle *h) {
  *(h->prev != NULL ? &h->prev->next : &gc->handles) = h->next;
  if (h->next != NULL) h->next->prev = h->prev;
}

midden_handle *midden_gc_handle(midden_mutator *m, void *object) {
  struct midden_handle *h = midden_malloc(sizeof *h);
  if (h == NULL) return NULL;
  *h = (struct midden_handle){.slot.word = object};
  __builtin_unwind_init();
  mid_gc_guard(mid_mutator_of(m));
  handle_link(m->gc, h);
  mid_gc_unguard(mid_mutator_of(m));
  return h;
}

void *midden_gc_handle_get(midden_mutator *m, const midden_handle *handle) {
  return midden_gc_load(m, (midden_ref *)&handle->slot);
}

void midden_gc_handle_set(midden_mutator *m, midden_handle *handle, void *object) {
  (void)m;
  __atomic_store_n(&handle->slot.word, object, __ATOMIC_RELAXED);
}

void midden_gc_handle_drop(midden_mutator *m, midden_handle *handle) {
  if (handle == NULL) return;
  __builtin_unwind_init();
  mid_gc_guard(mid_mutator_of(m));
  handle_unlink(m->gc, handle);
  mid_gc_unguard(mid_mutator_of(m));
  midden_free(handle);
}

// ---- pins ----

static struct mid_gc_pinned *handle_pin_of(midden_gc *gc, const void *object) {
  for (size_t i = gc->pinneds; i-- > 0;)  // what was pinned last is unpinned first, mostly
    if (gc->pinned[i].object == object) return &gc->pinned[i];
  return NULL;
}

static bool handle_pin_room(midden_gc *gc) {
  if (gc->pinneds < gc->pinned_room) return true;
  size_t room = mid_max(16, gc->pinned_room * 2);
  struct mid_gc_pinned *more = midden_reallocarray(gc->pinned, room, sizeof *more);
  if (more == NULL) return false;
  gc->pinned = more;
  gc->pinned_room = room;
  return true;
}

static midden_status handle_pin(midden_gc *gc, void *object) {
  struct mid_gc_pinned *pin = handle_pin_of(gc, object);
  if (pin == NULL) {
    if (!handle_pin_room(gc)) return MIDDEN_NOMEM;
    pin = &gc->pinned[gc->pinneds++];
    *pin = (struct mid_gc_pinned){.object = object};
  }
  pin->count++;
  return MIDDEN_OK;
}

midden_status midden_gc_pin(midden_mutator *m, void *object) {
  __builtin_unwind_init();
  mid_gc_guard(mid_mutator_of(m));
  midden_status status = handle_pin(m->gc, object);
  mid_gc_unguard(mid_mutator_of(m));
  return status;
}

void midden_gc_unpin(midden_mutator *m, void *object) {
  midden_gc *gc = m->gc;
  __builtin_unwind_init();
  mid_gc_guard(mid_mutator_of(m));
  struct mid_gc_pinned *pin = handle_pin_of(gc, object);
  MID_REQUIRE(pin != NULL, "unpin of an object that is not pinned", object,
              "each midden_gc_unpin belongs to one midden_gc_pin of the same object");
  if (--pin->count == 0) *pin = gc->pinned[--gc->pinneds];
  mid_gc_unguard(mid_mutator_of(m));
}

void mid_gc_handles_close(midden_gc *gc) {
  for (struct midden_handle *h = gc->handles, *next; h != NULL; h = next) {
    next = h->next;
    midden_free(h);
  }
  midden_free(gc->pinned);
}
