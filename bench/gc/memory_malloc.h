// bench/gc/memory_malloc.h -- malloc and free, whichever library has them; or an arena.
//
// The arena is glibc's obstack: objects lie one after the other, and all of them since a mark are
// given back at once.  Only workloads whose objects die together run on it.
// SPDX-License-Identifier: MIT
#include <obstack.h>

#define MEMORY_FREES (MEMORY == MEMORY_MALLOC)

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

typedef struct {
  struct obstack arena;
} memory;

static inline memory *memory_open(void) {
  memory *m = memory_there(malloc(sizeof *m));
  obstack_init(&m->arena);
  obstack_chunk_size(&m->arena) = 1 << 20;
  figures_open(&memory_pauses);
  return m;
}

static inline void *memory_take(memory *m, size_t bytes) {
#if MEMORY == MEMORY_ARENA
  return obstack_alloc(&m->arena, bytes);
#else
  (void)m;
  return memory_there(malloc(bytes));
#endif
}

static inline void *memory_new(memory *m, const memory_type *type) {
  return memory_take(m, type->bytes);
}

static inline void *memory_refs(memory *m, size_t n) {
#if MEMORY == MEMORY_ARENA
  return memset(memory_take(m, n * sizeof(void *)), 0, n * sizeof(void *));
#else
  (void)m;
  return memory_there(calloc(n, sizeof(void *)));
#endif
}

static inline uint32_t *memory_words(memory *m, size_t n) {
  return memory_take(m, n * sizeof(uint32_t));
}

static inline void memory_free(memory *m, void *object) {
  (void)m;
#if MEMORY_FREES
  free(object);
#else
  (void)object;
#endif
}

#if MEMORY == MEMORY_ARENA
static inline void *memory_mark(memory *m) { return obstack_alloc(&m->arena, 0); }
static inline void memory_release(memory *m, void *mark) { obstack_free(&m->arena, mark); }
#endif

static inline void memory_full(memory *m) { (void)m; }

static inline size_t memory_live(memory *m) { return (void)m, 0; }  // malloc has no limits

// What is resident: no malloc tells in the same words what it holds.
static inline size_t memory_committed(memory *m) {
  (void)m;
  size_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*u %zu", &pages) != 1) pages = 0;
  if (file != NULL) fclose(file);
  return pages * 4096;
}
