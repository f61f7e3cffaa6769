// tests/gc/exhaustion.c -- the n-th piece of memory that a heap asks for is refused, for every n.
// SPDX-License-Identifier: MIT
//
// The linker sends calls of the three functions that give memory to collected heaps here.
#include "os/os.h"
#include "shapes.h"
#include "span/span.h"

enum { PRECISE = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE };

static long left = -1;  // pieces that are still given; negative: all are
static long refused;

static bool refuses(void) {
  if (left < 0 || left-- > 0) return false;
  left = -1;
  refused++;
  return true;
}

void *__real_mid_os_map(void *at, size_t bytes);
void *__wrap_mid_os_map(void *at, size_t bytes);
void *__wrap_mid_os_map(void *at, size_t bytes) {
  return refuses() ? NULL : __real_mid_os_map(at, bytes);
}

void *__real_mid_meta_take(size_t bytes);
void *__wrap_mid_meta_take(size_t bytes);
void *__wrap_mid_meta_take(size_t bytes) { return refuses() ? NULL : __real_mid_meta_take(bytes); }

struct mid_span *__real_mid_span_take(size_t slices, size_t align, uint8_t state, bool urgent);
struct mid_span *__wrap_mid_span_take(size_t slices, size_t align, uint8_t state, bool urgent);
struct mid_span *__wrap_mid_span_take(size_t slices, size_t align, uint8_t state, bool urgent) {
  return refuses() ? NULL : __real_mid_span_take(slices, align, state, urgent);
}

// ---- what a program does with a heap ----

static midden_type *types[SHAPES];

static void list_grow(midden_mutator *m, midden_ref *f, enum shape s, size_t count, size_t many) {
  for (size_t i = 0; i < many; i++) {
    uint64_t *cell = shape_new(m, types, s, count);
    if (cell == NULL) return;
    shape_fill(cell, s, count, i);
    midden_gc_store_init(m, cell, (midden_ref *)(void *)cell + 1, f->word);
    f->word = cell;
  }
}

static void list_check(midden_mutator *m, midden_ref at, enum shape s) {
  while (at.word != NULL) {
    const uint64_t *cell = at.word;
    MUST(midden_gc_type_of(cell) == types[s]);
    for (size_t w = 0; w < shape_bytes(s, 0) / 8; w++)
      MUST(shape_is_ref(s, w) || cell[w] == shape_datum(cell[0], w));
    at.word = midden_gc_load(m, (midden_ref *)at.word + 1);
  }
}

static void use_the_rest(midden_mutator *m, midden_ref *f) {
  void *table = f[3].word = midden_gc_table(m);
  for (int i = 0; table != NULL && i < 200; i++) {
    f[4].word = midden_gc_new(m, types[FIELDS]);
    if (f[4].word != NULL && midden_gc_table_put(m, f[3].word, f[4].word, f[0].word) == MIDDEN_OK)
      MUST(midden_gc_table_get(m, f[3].word, f[4].word) == f[0].word);
  }
  f[4].word = f[0].word != NULL ? midden_gc_weak(m, f[0].word, MIDDEN_GC_WEAK_SHORT, NULL) : NULL;
  midden_handle *handle = f[0].word != NULL ? midden_gc_handle(m, f[0].word) : NULL;
  if (f[0].word != NULL && midden_gc_pin(m, f[0].word) == MIDDEN_OK) midden_gc_unpin(m, f[0].word);
  midden_gc_handle_drop(m, handle);
}

static void work(midden_mutator *m) {
  MIDDEN_FRAME(m, f, 6);
  for (int round = 0; round < 3; round++) {
    list_grow(m, &f[0], FIELDS, 0, 1500);
    list_grow(m, &f[1], WORDS, 0, 200);
    list_grow(m, &f[2], STUCK, 0, 200);
    list_grow(m, &f[5], ELEMENTS, 3000, 5);
    use_the_rest(m, f);
    midden_gc_collect(m, round == 1 ? MIDDEN_GC_MAJOR : MIDDEN_GC_MINOR);
    list_check(m, f[0], FIELDS);
    list_check(m, f[1], WORDS);
    list_check(m, f[2], STUCK);
  }
  MIDDEN_FRAME_END(m, f);
}

static void run(void) {
  midden_gc *gc;
  midden_mutator *m;
  const midden_gc_config config = {.keeps = PRECISE, .young_bytes = MIB};
  if (midden_gc_open(&config, &gc) != MIDDEN_OK) return;
  long then = left;
  left = -1;
  shape_types_make(gc, types);
  MUST(midden_gc_attach(gc, &m) == MIDDEN_OK);
  left = then;
  work(m);
  left = -1;
  must_be_whole(m);
  work(m);
  must_be_whole(m);
  midden_gc_detach(m);
  midden_gc_close(gc);
}

TEST(each_piece_of_memory_is_refused_in_turn)
{
  run();
  for (long n = 0, before;; n++) {
    before = refused;
    left = n;
    run();
    left = -1;
    if (refused == before) break;
    MUST(n < 10000);
  }
  MUST(refused > 20);
}
