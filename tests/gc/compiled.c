// tests/gc/compiled.c -- objects that only locals, registers and interior pointers hold.
// SPDX-License-Identifier: MIT
//
// Not a test by itself: ways.sh compiles it with each compiler and level, and runs it on each
// collector.  Plain C: nothing is in frames, and references are stored with `=` or MIDDEN_STORE.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "midden/gc.h"

#define MUST(cond) \
  if (!(cond)) fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond), exit(1)

struct node {
  struct node *left, *right;
  long n, rest[5];
};

static midden_type *node_type, *words_type;

static struct node *node_new(midden_mutator *m, struct node *left, struct node *right, long n) {
  struct node *x = midden_gc_new(m, node_type);
  MUST(x != NULL);
  x->n = n;
  MIDDEN_STORE(m, x, left, left);
  MIDDEN_STORE(m, x, right, right);
  return x;
}

static __attribute__((noinline)) void collect(midden_mutator *m, long i) {
  for (int k = 0; k < 50; k++) (void)midden_gc_new(m, node_type);
  midden_gc_collect(m, i % 3 == 0 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
}

static struct node *tree(midden_mutator *m, long depth) {
  if (depth == 0) return node_new(m, NULL, NULL, 1);
  struct node *left = tree(m, depth - 1);
  if (depth % 4 == 0) collect(m, depth);
  return node_new(m, left, tree(m, depth - 1), depth);
}

static long count(const struct node *x) {
  return x == NULL ? 0 : 1 + count(x->left) + count(x->right);
}

static long list_from_locals(midden_mutator *m) {
  struct node *head = NULL;
  long sum = 0;
  for (long i = 0; i < 60; i++) {
    head = node_new(m, head, NULL, i);
    collect(m, i);
  }
  for (const struct node *x = head; x != NULL; x = x->left) sum += x->n;
  return sum;
}

// The loop needs a pointer that moves on, and at its end one past the last element.
static long interior_alone(midden_mutator *m) {
  long *at = midden_gc_new_array(m, words_type, 40), sum = 0;
  for (long i = 0; i < 40; i++) *at++ = i + 1;
  collect(m, 0);
  collect(m, 1);
  for (long i = 0; i < 40; i++, collect(m, i)) sum += *--at;
  return sum;
}

// Four at once may be moved by vector registers.
static long pairs(midden_mutator *m) {
  struct node *four[4], *copy[4];
  long sum = 0;
  for (long i = 0; i < 4; i++) four[i] = node_new(m, NULL, NULL, i + 1);
  memcpy(copy, four, sizeof four);
  memset(four, 0, sizeof four);
  __asm__ volatile("" ::"r"(four) : "memory");
  collect(m, 0);
  for (long i = 0; i < 4; i++) collect(m, i), sum += copy[i]->n;
  return sum;
}

int main(void) {
  static const uint32_t two[] = {0, 8};
  midden_type_config node = {
      .name = "node", .bytes = sizeof(struct node), .offsets = two, .refs = 2};
  midden_type_config words = {.name = "words", .element_bytes = sizeof(long)};
  midden_gc_config config = {.keeps = MIDDEN_GC_STORES};
  midden_gc *gc;
  midden_mutator *m;
  MUST(midden_gc_open(&config, &gc) == MIDDEN_OK && midden_gc_attach(gc, &m) == MIDDEN_OK);
  MUST(midden_gc_type(gc, &node, &node_type) == MIDDEN_OK);
  MUST(midden_gc_type(gc, &words, &words_type) == MIDDEN_OK);
  MUST(list_from_locals(m) == 59 * 60 / 2);
  MUST(count(tree(m, 8)) == 511);
  MUST(interior_alone(m) == 40 * 41 / 2);
  MUST(pairs(m) == 10);
  MUST(midden_gc_verify(m) == NULL);
  midden_gc_detach(m);
  midden_gc_close(gc);
  return 0;
}
