// bench/heap/trees.c -- trees built and torn down.
//
// Stands for compilers, parsers and document models: a syntax tree of nodes of many sizes, each
// with a name of its own, is built depth first, walked once and torn down, again and again, while a
// few older trees stay for a while.  The walk shows how near to each other the nodes were placed.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { KEPT = 8, TREES = 600, NODES = 20000, CHILDREN = 6 };

struct node {
  char *name;
  size_t children;
  struct node *child[];
};

static struct node *node_build(uint64_t *seed, size_t *left, unsigned depth) {
  size_t children = depth == 0 ? 0 : 1 + bench_below(seed, CHILDREN);
  struct node *node = bench_take(sizeof *node + children * sizeof(struct node *));
  size_t bytes = bench_size(seed, 4, 64);
  node->name = bench_take(bytes);
  memset(node->name, 'a' + (int)(bytes % 26), bytes - 1);
  node->children = 0;
  while (*left > 0 && node->children < children) {
    (*left)--;
    node->child[node->children++] = node_build(seed, left, depth - 1);
  }
  return node;
}

static uint64_t node_sum(const struct node *node) {
  uint64_t sum = (uint64_t)node->name[0] + node->children;
  for (size_t i = 0; i < node->children; i++) sum = sum * 31 + node_sum(node->child[i]);
  return sum;
}

static void node_free(struct node *node) {
  for (size_t i = 0; i < node->children; i++) node_free(node->child[i]);
  free(node->name);
  free(node);
}

int main(int argc, char **argv) {
  struct node *kept[KEPT] = {NULL};
  uint64_t seed = 1, sum = 0;
  bench_begin(argc, argv);
  for (size_t tree = bench_steps(TREES); tree > 0; tree--) {
    struct node **slot = &kept[bench_below(&seed, KEPT)];
    if (*slot != NULL) node_free(*slot);
    size_t left = NODES;
    *slot = node_build(&seed, &left, 12);
    sum ^= node_sum(*slot);
  }
  for (size_t i = 0; i < KEPT; i++)
    if (kept[i] != NULL) node_free(kept[i]);
  printf("%llx\n", (unsigned long long)sum);
  bench_over(0);
  return 0;
}
