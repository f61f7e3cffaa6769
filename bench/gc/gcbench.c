// bench/gc/gcbench.c -- GCBench: gcbench DEPTH
//
// Ellis, Kovac and Boehm's: trees of growing depth, built from the root down, so that stores go
// into objects that already are somewhere, and from the leaves up, beside a long-lived tree of
// DEPTH and a long-lived array of numbers.
// SPDX-License-Identifier: MIT
#include "memory.h"

enum { LEAST_DEPTH = 4 };

struct cell {
  REF(struct cell) left;
  REF(struct cell) right;
  int i, j;
};

static memory_type cell_type = MEMORY_TYPE(struct cell, 2);

static struct cell *cell_new(memory *m) {
  struct cell *cell = memory_new(m, &cell_type);
  INIT(m, cell, left, NULL);
  INIT(m, cell, right, NULL);
  cell->i = cell->j = 0;
  return cell;
}

// From the root down: `cell` gets subtrees of `depth`.
static void cell_populate(memory *m, struct cell *cell, unsigned depth) {
  if (depth == 0) return;
  ROOTS(m, r, 2);
  ROOT_SET(r, 0, cell);
  ROOT_SET(r, 1, cell_new(m));
  SET(m, (struct cell *)ROOT(r, 0), left, ROOT(r, 1));
  ROOT_SET(r, 1, cell_new(m));
  SET(m, (struct cell *)ROOT(r, 0), right, ROOT(r, 1));
  cell_populate(m, GET(m, (struct cell *)ROOT(r, 0), left), depth - 1);
  cell_populate(m, GET(m, (struct cell *)ROOT(r, 0), right), depth - 1);
  ROOTS_END(m, r);
}

static struct cell *cell_make(memory *m, unsigned depth) {
  if (depth == 0) return cell_new(m);
  ROOTS(m, r, 2);
  ROOT_SET(r, 0, cell_make(m, depth - 1));
  ROOT_SET(r, 1, cell_make(m, depth - 1));
  struct cell *cell = memory_new(m, &cell_type);
  INIT(m, cell, left, ROOT(r, 0));
  INIT(m, cell, right, ROOT(r, 1));
  cell->i = cell->j = 0;
  ROOTS_END(m, r);
  return cell;
}

static void cell_free(memory *m, struct cell *cell) {
  if (!MEMORY_FREES || cell == NULL) return;
  cell_free(m, GET(m, cell, left));
  cell_free(m, GET(m, cell, right));
  memory_free(m, cell);
}

static uint32_t cell_count(memory *m, struct cell *cell) {
  if (cell == NULL) return 0;
  return 1 + cell_count(m, GET(m, cell, left)) + cell_count(m, GET(m, cell, right));
}

// A tree that is built and dropped; returns the nodes down its left side.
static uint32_t cell_once(memory *m, unsigned depth, bool down, bool look) {
  void *mark = memory_mark(m);
  uint32_t nodes = 0;
  ROOTS(m, r, 1);
  if (down) {
    ROOT_SET(r, 0, cell_new(m));
    cell_populate(m, ROOT(r, 0), depth);
  } else {
    ROOT_SET(r, 0, cell_make(m, depth));
  }
  if (look) memory_checkpoint(m);
  for (struct cell *cell = ROOT(r, 0); cell != NULL; cell = GET(m, cell, left)) nodes++;
  cell_free(m, ROOT(r, 0));
  ROOTS_END(m, r);
  memory_release(m, mark);
  return nodes;
}

// The trees of one depth, as many as have the nodes of two trees of the stretch depth.
static uint32_t gcbench_depth(memory *m, unsigned depth, unsigned stretch) {
  uint32_t sum = 0;
  for (uint32_t left = 1u << (stretch + 1 - depth); left > 0; left--) {
    sum = memory_mix(sum, cell_once(m, depth, true, false));
    sum = memory_mix(sum, cell_once(m, depth, false, false));
  }
  return sum;
}

int main(int argc, char **argv) {
  unsigned most = memory_argument(argc, argv, 1), stretch = most + 2;
  uint32_t numbers = 8u << most;
  memory *m = memory_open();
  memory_define(m, &cell_type);
  uint32_t sum = cell_once(m, stretch, false, true);
  ROOTS(m, r, 2);
  ROOT_SET(r, 0, cell_new(m));
  cell_populate(m, ROOT(r, 0), most);
  ROOT_SET(r, 1, memory_words(m, numbers));
  for (uint32_t i = 0; i < numbers / 2; i++) ((uint32_t *)ROOT(r, 1))[i] = 7 * i;
  for (unsigned depth = LEAST_DEPTH; depth <= most; depth += 2)
    sum = memory_mix(sum, gcbench_depth(m, depth, stretch));
  sum = memory_mix(sum, cell_count(m, ROOT(r, 0)));
  sum = memory_mix(sum, ((uint32_t *)ROOT(r, 1))[1000]);
  cell_free(m, ROOT(r, 0));
  memory_free(m, ROOT(r, 1));
  ROOTS_END(m, r);
  memory_close(m, sum);
  return 0;
}
