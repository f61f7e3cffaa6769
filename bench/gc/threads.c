// bench/gc/threads.c -- many threads that build and hand on: threads THREADS DEPTH STEPS
//
// Each thread builds a small tree a step in the place of one of the last 256, or, one time in four,
// puts it into a mailbox for any of them: who finds a tree there counts and drops it.  So objects
// die on another thread than they were born on, and all have to stop where a collector stops the
// world.
// SPDX-License-Identifier: MIT
#include "tree.h"

enum { BOXES = 64, KEPT = 256, THREADS_MOST = 256 };

struct ring {
  REF(struct node) slot[KEPT];
};

struct shared {
  REF(struct node) box[BOXES];
  REF(struct ring) ring[0];  // of each thread
};

static REF(struct shared) shared;  // a global root
static pthread_mutex_t box_lock[BOXES];
static memory *main_memory;
static unsigned tree_depth;
static uint32_t steps_each;

#define SHARED ((struct shared *)GLOBAL_GET(m, shared))

// Puts the tree of root 0 into the box, and what was there into root 0.
static void box_exchange(memory *m, ROOTS_OF(r), uint32_t box) {
  pthread_mutex_lock(&box_lock[box]);
  struct node *there = GET(m, SHARED, box[box]);
  SET(m, SHARED, box[box], ROOT(r, 0));
  ROOT_SET(r, 0, there);
  pthread_mutex_unlock(&box_lock[box]);
}

// Puts the tree of root 0 into the ring of root 1, and what was there into root 0.
static void ring_exchange(memory *m, ROOTS_OF(r), uint32_t at) {
  struct ring *ring = ROOT(r, 1);
  struct node *there = GET(m, ring, slot[at]);
  SET(m, ring, slot[at], ROOT(r, 0));
  ROOT_SET(r, 0, there);
}

static uint32_t tree_drop(memory *m, struct node *node) {
  if (node == NULL) return 0;
  uint32_t count = tree_count(m, node);
  tree_free(m, node);
  return count;
}

static void *thread_run(void *argument) {
  uint32_t number = (uint32_t)(uintptr_t)argument, seed = number + 1, sum = 0;
  memory *m = memory_attach(main_memory);
  ROOTS(m, r, 2);
  ROOT_SET(r, 1, memory_refs(m, KEPT));
  SET(m, SHARED, ring[number], ROOT(r, 1));
  for (uint32_t step = 0; step < steps_each; step++) {
    uint32_t choice = memory_random(&seed) >> 8;
    ROOT_SET(r, 0, tree_build(m, tree_depth));
    if (choice % 4 == 0)
      box_exchange(m, r, choice / 4 % BOXES);
    else
      ring_exchange(m, r, step % KEPT);
    sum += tree_drop(m, ROOT(r, 0));
  }
  ROOTS_END(m, r);
  memory_detach(m);
  return (void *)(uintptr_t)sum;
}

// Drops what lies in the mailboxes and rings; returns how many nodes that was.
static uint32_t shared_drop(memory *m, uint32_t threads) {
  uint32_t sum = 0;
  for (int i = 0; i < BOXES; i++) sum += tree_drop(m, GET(m, SHARED, box[i]));
  for (uint32_t i = 0; i < threads; i++) {
    struct ring *ring = GET(m, SHARED, ring[i]);
    for (int k = 0; k < KEPT; k++) sum += tree_drop(m, GET(m, ring, slot[k]));
    memory_free(m, ring);
  }
  memory_free(m, SHARED);
  return sum;
}

int main(int argc, char **argv) {
  uint32_t threads = memory_argument(argc, argv, 1), sum = 0;
  pthread_t thread[THREADS_MOST];
  tree_depth = memory_argument(argc, argv, 2);
  steps_each = memory_argument(argc, argv, 3);
  memory *m = main_memory = memory_open();
  memory_define(m, &node_type);
  memory_global(m, &shared);
  GLOBAL_SET(m, shared, memory_refs(m, BOXES + threads));
  for (int i = 0; i < BOXES; i++) pthread_mutex_init(&box_lock[i], NULL);
  for (uint32_t i = 0; i < threads; i++)
    pthread_create(&thread[i], NULL, thread_run, (void *)(uintptr_t)i);
  for (uint32_t i = 0; i < threads; i++) {
    void *count;
    memory_join(m, thread[i], &count);
    sum += (uint32_t)(uintptr_t)count;
  }
  memory_checkpoint(m);
  memory_close(m, sum + shared_drop(m, threads));
  return 0;
}
