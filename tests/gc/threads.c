// tests/gc/threads.c -- threads that work on graphs of their own and on shared ones, come and go.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "model.h"

enum {
  ACCESSORS = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS,
  MOST = 8,
  BOXES = 32,  // of an array that all threads put letters into and take them out of
};

static struct shared {
  midden_gc *gc;
  unsigned keeps;
  midden_type *types[SHAPES], *letter;
  midden_ref boxes;  // an exact root
  _Atomic uint64_t letters;
  _Atomic unsigned working;
} shared;

// ---- letters: a chain that says itself whether it is whole ----

struct letter {
  midden_ref next;
  uint64_t id, left;  // behind it in the chain
  uint64_t text[5];
};

static bool precise(void) { return (shared.keeps & MIDDEN_GC_PRECISE) != 0; }
static bool by_accessor(void) { return (shared.keeps & MIDDEN_GC_STORES) != 0; }

// f[0]: the chain so far.
static void letter_write(midden_mutator *m, midden_ref *f, uint64_t random) {
  uint64_t id = atomic_fetch_add(&shared.letters, 1), length = random % 30;
  f->word = NULL;
  for (uint64_t i = 0; i <= length; i++) {
    struct letter *l = midden_gc_new(m, shared.letter);
    if (l == NULL) fail_msg("out of memory");
    *l = (struct letter){.id = id, .left = i};
    midden_gc_store_init(m, l, &l->next, f->word);
    test_fill(l->text, sizeof l->text, id + i);
    f->word = l;
  }
}

static void letter_read(midden_mutator *m, const struct letter *l) {
  for (uint64_t id = l->id, left = l->left;; left--) {
    MUST(l->id == id && l->left == left && test_filled(l->text, sizeof l->text, id + left));
    struct letter *next = midden_gc_load(m, (midden_ref *)(uintptr_t)&l->next);
    MUST((next == NULL) == (left == 0));
    if (next == NULL) return;
    l = next;
  }
}

static void *boxes_exchange(midden_mutator *m, size_t i, void *value) {
  void *boxes = shared.boxes.word;
  midden_ref *box = (midden_ref *)boxes + i;
  if (by_accessor()) return midden_gc_exchange(m, boxes, box, value);
  return __atomic_exchange_n(&box->word, value, __ATOMIC_SEQ_CST);
}

static void letter_send(struct model *k) {
  midden_mutator *m = k->m;
  MIDDEN_FRAME(m, f, 1);
  letter_write(m, f, test_random(&k->random));
  f[0].word = boxes_exchange(m, model_random(k, BOXES), f[0].word);
  if (f[0].word != NULL) letter_read(m, f[0].word);
  MIDDEN_FRAME_END(m, f);
}

// ---- what else threads do ----

// Neither allocates nor polls: a signal has to stop it.  Only of heaps that scan stacks.
static void run_without_polls(midden_mutator *m) {
  struct letter *l = midden_gc_new(m, shared.letter);
  uint64_t turns = 20000;
  test_fill(l->text, sizeof l->text, 77);
  while (turns-- > 0) {
    __asm__ volatile("" : "+r"(l), "+r"(turns));
    if (l->text[0] != test_mix(77 * 0x100000001b3u)) abort();
  }
}

static void *sleep_a_little(void *unused) {
  usleep(300);
  return unused;
}

static void work_some(struct model *k, int steps) {
  for (int i = 0; i < steps; i++) {
    model_step(k);
    uint64_t r = model_random(k, 512);
    if (r < 60) letter_send(k);
    if (r == 60) midden_gc_collect(k->m, MIDDEN_GC_MINOR);
    if (r == 61) midden_gc_collect(k->m, MIDDEN_GC_MAJOR);
    if (r == 62) (void)midden_gc_finalise(k->m, 10);
    if (r == 63) (void)midden_gc_call_blocking(k->m, sleep_a_little, NULL);
    if (r == 64 && !precise()) run_without_polls(k->m);
    if (r < 4) (void)model_check(k, false);
  }
  (void)model_check(k, false);
}

static void *thread(void *number) {
  midden_mutator *m;
  uint64_t seed = (uintptr_t)number;
  MUST(midden_gc_attach(shared.gc, &m) == MIDDEN_OK);
  MIDDEN_FRAME(m, frame, MODEL_FRAME);
  struct model *k = model_open(shared.gc, m, shared.keeps, shared.types, frame, seed);
  work_some(k, 400 + (int)(seed * 97 % 400));
  model_close(k);
  MIDDEN_FRAME_END(m, frame);
  if (seed % 3 != 0) midden_gc_detach(m);  // else by its end
  return k;
}

// ---- generations of threads ----

static void make_shared(midden_mutator *m) {
  static const uint32_t next[] = {0};
  midden_type_config c = {
      .name = "letter", .bytes = sizeof(struct letter), .offsets = next, .refs = 1};
  MUST(midden_gc_type(shared.gc, &c, &shared.letter) == MIDDEN_OK);
  MUST(midden_gc_root_add(shared.gc, &shared.boxes, sizeof shared.boxes, MIDDEN_GC_EXACT) ==
       MIDDEN_OK);
  shared.boxes.word = midden_gc_new_array(m, shared.types[REFS], BOXES);
}

// `most` threads at a time, each followed by another when it ends, `all` in all.
struct batch {
  unsigned most, all;
  void *model[MOST * 4];
};

static void *batch_run(void *context) {
  struct batch *b = context;
  pthread_t id[MOST * 4];
  for (unsigned i = 0; i < b->all + b->most; i++) {
    if (i >= b->most) MUST(pthread_join(id[i - b->most], &b->model[i - b->most]) == 0);
    if (i < b->all) MUST(pthread_create(&id[i], NULL, thread, (void *)(uintptr_t)(i + 1)) == 0);
  }
  return NULL;
}

static void boxes_empty(midden_mutator *m) {
  for (size_t i = 0; i < BOXES; i++) {
    void *letter = boxes_exchange(m, i, NULL);
    if (letter != NULL) letter_read(m, letter);
  }
}

static void graphs_are_right(unsigned keeps, unsigned most, unsigned all) {
  midden_gc_config config = {.keeps = keeps};
  midden_mutator *m;
  struct batch batch = {.most = most, .all = all};
  shared.keeps = keeps;
  shared.gc = model_heap(&config, shared.types);
  if (shared.gc == NULL) return;
  MUST(midden_gc_attach(shared.gc, &m) == MIDDEN_OK);
  make_shared(m);
  (void)midden_gc_call_blocking(m, batch_run, &batch);
  must_be_whole(m);
  boxes_empty(m);
  midden_gc_root_remove(shared.gc, &shared.boxes);
  midden_gc_detach(m);
  midden_gc_close(shared.gc);  // runs finalisers, which count in the models
  for (unsigned i = 0; i < all; i++) free(batch.model[i]);
}

TEST(one_thread_at_a_time)
{ graphs_are_right(ACCESSORS | MIDDEN_GC_PRECISE, 1, 3); }

TEST(two_precise_threads)
{ graphs_are_right(ACCESSORS | MIDDEN_GC_PRECISE | MIDDEN_GC_INTERIOR, 2, 6); }

TEST(eight_precise_threads)
{ graphs_are_right(ACCESSORS | MIDDEN_GC_PRECISE, MOST, 16); }

TEST(two_threads_that_never_poll)
{ graphs_are_right(MIDDEN_GC_STORES, 2, 6); }

TEST(eight_threads_that_never_poll)
{ graphs_are_right(MIDDEN_GC_STORES | MIDDEN_GC_INTERIOR, MOST, 16); }

TEST(eight_threads_that_poll_and_are_scanned)
{ graphs_are_right(ACCESSORS, MOST, 16); }

TEST(eight_threads_that_store_plainly)
{ graphs_are_right(MIDDEN_GC_PLAIN, MOST, 16); }
