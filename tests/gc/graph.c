// tests/gc/graph.c -- one thread's random graphs hold what the model says, after each collection.
// SPDX-License-Identifier: MIT
#include "model.h"

enum { ACCESSORS = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS };

static void work(struct model *k, int steps) {
  for (int i = 0; i < steps; i++) {
    model_step(k);
    uint64_t r = model_random(k, 256);
    if (r < 3) model_collect(k, MIDDEN_GC_MINOR);
    if (r == 3) model_collect(k, MIDDEN_GC_MAJOR);
    if (i % 2000 == 1999) model_drop_roots(k);
  }
  model_collect(k, MIDDEN_GC_MAJOR);
}

static void graphs_are_right(unsigned keeps, int steps, uint64_t seed) {
  midden_type *types[SHAPES];
  midden_gc_config config = {.keeps = keeps};
  midden_gc *gc = model_heap(&config, types);
  midden_mutator *m;
  if (gc == NULL) return;
  MUST(midden_gc_attach(gc, &m) == MIDDEN_OK);
  MIDDEN_FRAME(m, frame, MODEL_FRAME);
  struct model *k = model_open(gc, m, keeps, types, frame, seed);
  work(k, steps);
  MUST(k->refused == 0);
  model_close(k);
  MIDDEN_FRAME_END(m, frame);
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  midden_gc_detach(m);
  midden_gc_close(gc);
  free(k);
}

TEST(precise_roots)
{ graphs_are_right(ACCESSORS | MIDDEN_GC_PRECISE, 6000, 1); }

TEST(precise_roots_and_interior_references)
{ graphs_are_right(ACCESSORS | MIDDEN_GC_PRECISE | MIDDEN_GC_INTERIOR, 6000, 2); }

TEST(stores_by_accessors_and_stacks_that_are_scanned)
{ graphs_are_right(MIDDEN_GC_STORES, 6000, 3); }

TEST(interior_references_and_stacks_that_are_scanned)
{ graphs_are_right(MIDDEN_GC_STORES | MIDDEN_GC_INTERIOR, 6000, 4); }

TEST(plain_stores)
{ graphs_are_right(MIDDEN_GC_PLAIN, 6000, 5); }

TEST(plain_stores_of_interior_references)
{ graphs_are_right(MIDDEN_GC_INTERIOR, 6000, 6); }
