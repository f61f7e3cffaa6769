// bench/gc/cyclic.c -- cyclic garbage: what an object of it costs with midden/rc.h.
// SPDX-License-Identifier: MIT
//
//   cyclic SHAPE OBJECTS
//
//   self      each object refers to itself
//   pair      two refer to each other
//   ring      100 in a ring
//   doubly    100 in a ring, each referring to both neighbours
//   release   one that nothing refers to: no cycle, for comparison
//
// Structures are dropped as soon as they are made, and collections come by themselves.  The line
// that is printed counts all of it: making, collecting, freeing.  cyclic.py does the same in
// CPython.
#include <midden/rc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct node {
  struct node *next, *prev;
};

static const size_t references[] = {offsetof(struct node, next), offsetof(struct node, prev)};

static const struct shape {
  const char *name;
  size_t size;  // objects of a structure; 0: one without a cycle
  bool doubly;
} shapes[] = {{"self", 1, false},
              {"pair", 2, false},
              {"ring", 100, false},
              {"doubly", 100, true},
              {"release", 0, false}};

static void fail(const char *what) {
  fprintf(stderr, "cyclic: %s\n", what);
  exit(2);
}

static struct node *make(midden_rc_type *type) {
  struct node *node = midden_rc_new(type, 0);
  if (node == NULL) fail("out of memory: give fewer objects");
  return node;
}

// As a program writes it that knows nothing of moves: each field is set, each variable released.
static void make_and_drop(midden_rc_type *type, const struct shape *shape) {
  struct node *first = make(type), *last = midden_rc_retain(first);
  for (size_t i = 1; i < shape->size; i++) {
    struct node *node = make(type);
    midden_rc_set(&last->next, node);
    if (shape->doubly) midden_rc_set(&node->prev, last);
    midden_rc_release(last);
    last = node;
  }
  if (shape->size > 0) midden_rc_set(&last->next, first);
  if (shape->doubly) midden_rc_set(&first->prev, last);
  midden_rc_release(last);
  midden_rc_release(first);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  const struct shape *shape = NULL;
  for (size_t i = 0; argc == 3 && i < sizeof shapes / sizeof shapes[0]; i++)
    if (strcmp(argv[1], shapes[i].name) == 0) shape = &shapes[i];
  size_t objects = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  if (shape == NULL || objects == 0) fail("usage: cyclic self|pair|ring|doubly|release OBJECTS");
  size_t size = shape->size == 0 ? 1 : shape->size, structures = (objects + size - 1) / size;

  midden_rc *rc;
  midden_rc_type *type;
  const midden_rc_description what = {
      .name = "node", .bytes = sizeof(struct node), .references = references, .reference_count = 2};
  if (midden_rc_open(NULL, MIDDEN_RC_CYCLES, &rc) != MIDDEN_OK ||
      midden_rc_type_open(rc, &what, &type) != MIDDEN_OK)
    fail("out of memory");
  double start = now();
  for (size_t i = 0; i < structures; i++) make_and_drop(type, shape);
  midden_rc_collect(rc);
  double spent = now() - start;
  if (midden_rc_live(type) != 0) fail("garbage was left");
  printf("cyclic shape=%s objects=%zu ns_per_object=%.1f\n", shape->name, structures * size,
         spent / (double)(structures * size));
  midden_rc_close(rc);
}
