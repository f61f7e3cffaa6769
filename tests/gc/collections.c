// tests/gc/collections.c -- makes trees as tests/gc/Collections.java does: most die at once, some
// are kept, and at the end a collection is asked for.
// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "midden/gc.h"

enum { DEPTH = 12, TREES = 1500, KEPT = 64 };

struct node {
  midden_ref left, right;
};

static void must(midden_status status) {
  if (status == MIDDEN_OK) return;
  fprintf(stderr, "%s\n", midden_gc_why());
  exit(1);
}

static void *tree(midden_mutator *m, const midden_type *type, int depth) {
  MIDDEN_FRAME(m, local, 3);
  if (depth > 0) {
    local[0].word = tree(m, type, depth - 1);
    local[1].word = tree(m, type, depth - 1);
  }
  struct node *node = local[2].word = midden_gc_new(m, type);
  if (node == NULL) exit(1);
  midden_gc_store(m, node, &node->left, local[0].word);
  midden_gc_store(m, node, &node->right, local[1].word);
  MIDDEN_FRAME_END(m, local);
  return node;
}

int main(int argc, char **argv) {
  static const uint32_t refs[] = {offsetof(struct node, left), offsetof(struct node, right)};
  const midden_type_config c = {
      .name = "tree node", .bytes = sizeof(struct node), .offsets = refs, .refs = 2};
  const midden_type_config a = {.name = "kept trees",
                                .element_bytes = 8,
                                .element_offsets = (uint32_t[]){0},
                                .element_refs = 1};
  midden_gc *gc;
  midden_mutator *m;
  midden_type *type, *array;
  midden_gc_config config = {.keeps = MIDDEN_GC_STORES};
  must(midden_gc_open(&config, &gc));
  must(midden_gc_type(gc, &c, &type));
  must(midden_gc_type(gc, &a, &array));
  must(midden_gc_attach(gc, &m));
  midden_handle *kept = midden_gc_handle(m, midden_gc_new_array(m, array, KEPT));
  for (int i = 0; i < TREES; i++) {
    void *one = tree(m, type, DEPTH);
    midden_ref *slots = midden_gc_handle_get(m, kept);
    if (i % (TREES / KEPT + 1) == 0) midden_gc_store(m, slots, &slots[i / (TREES / KEPT + 1)], one);
  }
  midden_gc_collect(m, MIDDEN_GC_MAJOR);
  puts("kept");
  fflush(stdout);
  if (argc > 1) getchar();  // to be looked at
  (void)argv;
  return 0;
}
