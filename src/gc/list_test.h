// gc/list_test.h -- heaps and lists of numbers for the tests of threads.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_LIST_TEST_H
#define MID_GC_LIST_TEST_H

#include <stdlib.h>
#include <string.h>

#include "gc/gc.h"

struct node {
  struct node *next;
  uint64_t n, square;
};

struct heap {
  midden_gc *gc;
  midden_type *node;
};

static const char *const collectors[] = {"mark-sweep", "copying", "generational", "no-barrier"};
enum { COLLECTORS = sizeof collectors / sizeof *collectors };

// A heap that checks itself before and after each collection, to which the caller is attached.
static inline midden_mutator *heap_open(struct heap *h, const char *collector, unsigned keeps) {
  const uint32_t next = 0;
  midden_mutator *m;
  unsigned stores = strcmp(collector, "generational") == 0 ? MIDDEN_GC_STORES : 0;
  midden_gc_config config = {
      .collector = collector, .keeps = keeps | stores, .young_bytes = 1 << 20};
  midden_type_config node = {
      .name = "node", .bytes = sizeof(struct node), .offsets = &next, .refs = 1};
  if (midden_gc_open(&config, &h->gc) != MIDDEN_OK) abort();
  h->gc->verify = 1;
  if (midden_gc_type(h->gc, &node, &h->node) != MIDDEN_OK) abort();
  if (midden_gc_attach(h->gc, &m) != MIDDEN_OK) abort();
  return m;
}

static inline void heap_close(struct heap *h, midden_mutator *m) {
  midden_gc_detach(m);
  midden_gc_close(h->gc);
}

static inline struct node *node_new(struct heap *h, midden_mutator *m, struct node *next,
                                    uint64_t n) {
  struct node *node = midden_gc_new(m, h->node);
  if (node == NULL) abort();
  node->next = next;
  node->n = n;
  node->square = n * n;
  return node;
}

// Of the numbers from 1 to `count`, the last one first.
static inline struct node *list_make(struct heap *h, midden_mutator *m, uint64_t count) {
  struct node *list = NULL;
  for (uint64_t n = 1; n <= count; n++) list = node_new(h, m, list, n);
  return list;
}

static inline bool list_is_whole(const struct node *list, uint64_t count) {
  for (; count > 0; count--, list = list->next)
    if (list == NULL || list->n != count || list->square != count * count) return false;
  return list == NULL;
}

#endif
