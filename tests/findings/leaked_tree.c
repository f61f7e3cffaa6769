// tests/findings/leaked_tree.c -- only the root of a tree is freed.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely grow_tree
#include <stdlib.h>

#include "plant.h"

struct tree {
  struct tree *left, *right;
  int key;
};

static struct tree *root;

PLANT void grow_tree(int key) {
  struct tree **place = &root;
  while (*place != NULL) place = key < (*place)->key ? &(*place)->left : &(*place)->right;
  *place = calloc(1, sizeof **place);  // HERE
  (*place)->key = key;
}

static void fell_tree(struct tree *tree) {
#ifdef MENDED
  if (tree == NULL) return;
  fell_tree(tree->left);
  fell_tree(tree->right);
#endif
  free(tree);
}

int main(void) {
  unsigned key = 1;
  for (int i = 0; i < 2000; i++) grow_tree((int)((key = key * 1103515245 + 12345) >> 8 & 65535));
  fell_tree(root);
  root = NULL;
  return 0;
}
