// bench/gc/memory_midden.h -- Midden's collectors: in plain C, with store barrier, or precise.
//
// MEMORY_STYLE is how the program is written: PLAIN stores with =; STORES by the barrier; both
// leave their stacks to the collector.  PRECISE is a runtime that knows each reference it holds.
// SPDX-License-Identifier: MIT
#include <midden/gc.h>

#define MEMORY_PLAIN 0
#define MEMORY_STORES 1
#define MEMORY_PRECISE 2

#define MEMORY_FREES 0

#if MEMORY_STYLE != MEMORY_PLAIN
#define SET(m, object, field, value) MIDDEN_STORE(m, object, field, value)
#endif

#if MEMORY_STYLE == MEMORY_PRECISE
#define GET(m, object, field) MIDDEN_LOAD(m, object, field)
#define ROOTS(m, r, n) MIDDEN_FRAME(m, r, n)
#define ROOTS_OF(r) midden_ref *r
#define ROOT(r, i) (r[i].word)
#define ROOT_SET(r, i, value) (r[i].word = (value))
#define ROOTS_END(m, r) MIDDEN_FRAME_END(m, r)
#endif

static const unsigned memory_keeps[] = {
    MIDDEN_GC_PLAIN, MIDDEN_GC_STORES,
    MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE};

typedef midden_mutator memory;

static midden_type *memory_refs_type, *memory_words_type;

static inline void memory_fail(const char *what) {
  fprintf(stderr, "bench: %s: %s\n", what, midden_gc_why());
  exit(1);
}

static inline void memory_collected(void *context, const midden_gc_collection *c) {
  (void)context;
  figures_add(&memory_pauses, (uint64_t)(c->pause * 1e9));
}

static inline memory *memory_attach(memory *main_thread) {
  midden_mutator *m = NULL;
  if (midden_gc_attach(main_thread->gc, &m) != MIDDEN_OK) memory_fail("attach");
  return m;
}

static inline void memory_detach(memory *m) { midden_gc_detach(m); }

static inline midden_type *memory_type_of(midden_gc *gc, const midden_type_config *c) {
  midden_type *type = NULL;
  if (midden_gc_type(gc, c, &type) != MIDDEN_OK) memory_fail("type");
  return type;
}

static inline memory *memory_open(void) {
  static const midden_gc_events events = {.collected = memory_collected};
  static const uint32_t first[] = {0};
  midden_gc_config c = {.collector = getenv("BENCH_MODE"),
                        .max_bytes = memory_limit(),
                        .keeps = memory_keeps[MEMORY_STYLE],
                        .events = &events};
  midden_gc *gc = NULL;
  midden_mutator *m = NULL;
  figures_open(&memory_pauses);
  if (midden_gc_open(&c, &gc) != MIDDEN_OK) memory_fail("open");
  if (midden_gc_attach(gc, &m) != MIDDEN_OK) memory_fail("attach");
  memory_refs_type = memory_type_of(gc, &(midden_type_config){.name = "references",
                                                              .element_bytes = sizeof(void *),
                                                              .element_offsets = first,
                                                              .element_refs = 1});
  memory_words_type =
      memory_type_of(gc, &(midden_type_config){.name = "words", .element_bytes = sizeof(uint32_t)});
  return m;
}

static inline void memory_define(memory *m, memory_type *type) {
  static const uint32_t offsets[] = {0, 8, 16, 24};
  type->midden = memory_type_of(
      m->gc,
      &(midden_type_config){
          .name = type->name, .bytes = type->bytes, .offsets = offsets, .refs = type->references});
}

static inline void memory_global(memory *m, void *slot) {
  if (midden_gc_root_add(m->gc, slot, sizeof(void *), MIDDEN_GC_EXACT) != MIDDEN_OK)
    memory_fail("root");
}

static inline void *memory_joined(void *thread) {
  void *result = NULL;
  pthread_join(*(pthread_t *)thread, &result);
  return result;
}

static inline void memory_join(memory *m, pthread_t thread, void **result) {
  *result = midden_gc_call_blocking(m, memory_joined, &thread);
}

static inline void *memory_new(memory *m, const memory_type *type) {
  return memory_there(midden_gc_new(m, type->midden));
}

static inline void *memory_refs(memory *m, size_t n) {
  return memory_there(midden_gc_new_array(m, memory_refs_type, n));
}

static inline uint32_t *memory_words(memory *m, size_t n) {
  return memory_there(midden_gc_new_array(m, memory_words_type, n));
}

static inline void memory_free(memory *m, void *object) { (void)m, (void)object; }
static inline void memory_full(memory *m) { midden_gc_collect(m, MIDDEN_GC_MAJOR); }

static inline midden_gc_stats memory_stats(memory *m) {
  midden_gc_stats stats;
  midden_gc_stats_read(m->gc, &stats);
  return stats;
}

static inline size_t memory_live(memory *m) { return memory_stats(m).live; }
static inline size_t memory_committed(memory *m) { return memory_stats(m).committed; }
