// bench/gc/trees.c -- binary trees: trees DEPTH
//
// Trees of every depth are built, counted and dropped beside one that lives on.  After the idea of
// Ellis, Kovac and Boehm, as the Computer Language Benchmarks Game has it.  Nearly all die young,
// and hardly an old object is written to.
// SPDX-License-Identifier: MIT
#include "tree.h"

enum { LEAST_DEPTH = 4 };

static uint32_t trees_once(memory *m, unsigned depth, bool look) {
  void *mark = memory_mark(m);
  ROOTS(m, r, 1);
  ROOT_SET(r, 0, tree_build(m, depth));
  if (look) memory_checkpoint(m);
  uint32_t count = tree_count(m, ROOT(r, 0));
  tree_free(m, ROOT(r, 0));
  ROOTS_END(m, r);
  memory_release(m, mark);
  return count;
}

int main(int argc, char **argv) {
  unsigned most = memory_argument(argc, argv, 1);
  memory *m = memory_open();
  memory_define(m, &node_type);
  uint32_t sum = trees_once(m, most + 1, true);
  ROOTS(m, r, 1);
  ROOT_SET(r, 0, tree_build(m, most));
  for (unsigned depth = LEAST_DEPTH; depth <= most; depth += 2)
    for (uint32_t left = 1u << (most - depth + LEAST_DEPTH); left > 0; left--)
      sum = memory_mix(sum, trees_once(m, depth, false));
  sum = memory_mix(sum, tree_count(m, ROOT(r, 0)));
  tree_free(m, ROOT(r, 0));
  ROOTS_END(m, r);
  memory_close(m, sum);
  return 0;
}
