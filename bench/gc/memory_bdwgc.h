// bench/gc/memory_bdwgc.h -- the collector of Boehm, Demers and Weiser, as Debian has it.
//
// Nothing is asked of the programmer but to say which objects hold no references.  Large arrays are
// kept by pointers to their beginning alone, as its manual advises.  It marks with as many threads
// as there are processors; incremental mode (BENCH_MODE) switches that off.
// SPDX-License-Identifier: MIT
#define GC_THREADS
#include <gc.h>

#define MEMORY_FREES 0

enum { MEMORY_LARGE = 100 << 10 };  // "more than around 100 KB", says gc.h

typedef void memory;

static uint64_t memory_stopped_ns;

// From before the first thread is asked to stop until the last one runs again.
static void GC_CALLBACK memory_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD) memory_stopped_ns = figures_now_ns();
  if (event == GC_EVENT_POST_START_WORLD)
    figures_add(&memory_pauses, figures_now_ns() - memory_stopped_ns);
}

static inline memory *memory_open(void) {
  const char *mode = getenv("BENCH_MODE");
  figures_open(&memory_pauses);
  GC_INIT();
  GC_set_warn_proc(GC_ignore_warn_proc);
  if (memory_limit() != 0) GC_set_max_heap_size(memory_limit());
  if (mode != NULL && strcmp(mode, "incremental") == 0) GC_enable_incremental();
  GC_set_on_collection_event(memory_event);
  return NULL;
}

static inline void *memory_new(memory *m, const memory_type *type) {
  (void)m;
  return memory_there(type->references > 0 ? GC_MALLOC(type->bytes)
                                           : GC_MALLOC_ATOMIC(type->bytes));
}

static inline void *memory_refs(memory *m, size_t n) {
  (void)m;
  size_t bytes = n * sizeof(void *);
  return memory_there(bytes > MEMORY_LARGE ? GC_MALLOC_IGNORE_OFF_PAGE(bytes) : GC_MALLOC(bytes));
}

static inline uint32_t *memory_words(memory *m, size_t n) {
  (void)m;
  size_t bytes = n * sizeof(uint32_t);
  return memory_there(bytes > MEMORY_LARGE ? GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(bytes)
                                           : GC_MALLOC_ATOMIC(bytes));
}

static inline void memory_free(memory *m, void *object) { (void)m, (void)object; }

static inline void memory_full(memory *m) {
  (void)m;
  GC_gcollect();
}

static inline size_t memory_live(memory *m) {
  (void)m;
  return GC_get_heap_size() - GC_get_free_bytes();
}

static inline size_t memory_committed(memory *m) {
  (void)m;
  return GC_get_heap_size();
}
