// tests/findings/clean_compiler.c -- a tree that grows for as long as there is input.
// SPDX-License-Identifier: MIT
//
// expect: nothing
// variants: plain inlined
#include <stdlib.h>
#include <string.h>

#include "plant.h"

struct tree {
  struct tree *left, *right;
  int kind;
  char name[24];
};

static struct tree *read_tree(int depth) {
  struct tree *tree = calloc(1, sizeof *tree);
  tree->kind = depth;
  memset(tree->name, 'a' + depth, sizeof tree->name - 1);
  if (depth > 0) {
    tree->left = read_tree(depth - 1);
    tree->right = read_tree(depth - 1);
  }
  return tree;
}

static long weigh(const struct tree *tree) {
  return tree == NULL ? 0 : tree->kind + weigh(tree->left) + weigh(tree->right);
}

int main(void) {
  static struct tree *unit[400];
  long sum = 0;
  for (int i = 0; i < 400; i++) {
    unit[i] = read_tree(9);
    plant_sleep_us(4000);
  }
  for (int i = 0; i < 400; i++) sum += weigh(unit[i]);
  return sum == 0;
}
