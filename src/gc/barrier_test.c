// gc/barrier_test.c -- stores that are told of stay so until they are done.
// SPDX-License-Identifier: MIT
#include "gc/gc.h"
#include "support.h"
#include "test.h"

struct cell {
  midden_ref next;
};

static midden_gc *gc;
static midden_mutator *m;
static midden_type *cell_type;

__attribute__((noinline)) static midden_handle *new_cell(void) {
  return midden_gc_handle(m, midden_gc_new(m, cell_type));
}

__attribute__((noinline)) static void store_new(midden_handle *handle) {
  struct cell *young = midden_gc_new(m, cell_type);
  struct cell *old = midden_gc_handle_get(m, handle);
  CHECK((*mid_gc_word(old) & MID_GC_TENURED) != 0);
  midden_gc_store(m, old, &old->next, young);
}

TEST(a_collection_between_the_barrier_and_its_store_forgets_nothing)
{
  static const uint32_t offset[] = {0};
  midden_gc_config config = {.collector = "generational", .keeps = MIDDEN_GC_STORES};
  midden_type_config cell = {.name = "cell", .bytes = 8, .offsets = offset, .refs = 1};
  CHECK_EQ(midden_gc_open(&config, &gc), MIDDEN_OK);
  gc->stress = 1;  // each store collects
  CHECK_EQ(midden_gc_attach(gc, &m), MIDDEN_OK);
  CHECK_EQ(midden_gc_type(gc, &cell, &cell_type), MIDDEN_OK);
  midden_handle *handle = new_cell();
  for (int i = 0; i < 20; i++) midden_gc_collect(m, MIDDEN_GC_MINOR);
  for (int i = 0; i < 20; i++) {
    store_new(handle);
    CHECK_WHOLE(midden_gc_verify(m));
  }
  midden_gc_detach(m);
  midden_gc_close(gc);
}
