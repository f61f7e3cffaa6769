// tests/findings/leaked_cycle.c -- rings of blocks that hold one another, and nobody else does.
// SPDX-License-Identifier: MIT
//
// expect: leaked likely make_member
#include <stdlib.h>

#include "plant.h"

struct member {
  struct member *left, *right;
  long value;
};

PLANT struct member *make_member(struct member *left, long value) {
  struct member *member = malloc(sizeof *member);  // HERE
  member->value = value;
  member->left = left != NULL ? left : member;
  member->right = left != NULL ? left->right : member;
  member->left->right = member->right->left = member;
  return member;
}

static long use_ring(int members) {
  struct member *ring = NULL;
  long sum = 0;
  for (int i = 0; i < members; i++) ring = make_member(ring, i);
  for (int i = 0; i < members; i++, ring = ring->right) sum += ring->value;
#ifdef MENDED
  for (int i = 0; i < members; i++) {
    struct member *next = ring->right;
    free(ring);
    ring = next;
  }
#endif
  return sum;
}

int main(void) {
  long sum = 0;
  for (int i = 0; i < 100; i++) sum += use_ring(10);
  return sum != 4500;
}
