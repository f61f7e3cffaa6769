// bench/gc/memory.h -- one way to write a workload for every manager of memory.
//
// A workload is one C file, compiled once for each manager, chosen by MEMORY: its header fills in
// what is below as a programmer who writes for that manager alone would, so that nobody is slowed
// down by what another one needs.  What a manager has no use for expands to nothing.
//
//     memory                      what a thread needs to allocate; the first argument of all
//     memory_open, memory_close   the main thread's; close prints the checksum and the pauses
//     memory_attach, _detach      another thread's
//     MEMORY_TYPE(T, n)           describes a struct: its first n fields are references
//     memory_define               tell of a type, once, before the first object of it
//     memory_new                  an object of a type; whoever allocates sets every field of it
//     memory_refs, memory_words   an array of references, all NULL; one of numbers, of any content
//     memory_free                 only where MEMORY_FREES: malloc's users say when an object is
//     dead memory_mark, _release       arenas alone: all that was allocated since the mark is dead
//     REF(T) field                a reference in an object
//     GET, SET, INIT              read it; overwrite it; set it for the first time in a new object
//     ROOTS(m, r, n)              n references that a function holds while it allocates, all NULL;
//     ROOT, ROOT_SET, ROOTS_END   read and write one; before the function returns
//     ROOTS_OF(r)                 as a parameter: the roots that a caller holds
//     memory_global               of a reference in static memory, once; GLOBAL_GET, GLOBAL_SET
//     memory_join                 pthread_join: the thread that waits stops nobody
//     memory_full, memory_live    collect all that is dead; the bytes that are live then
//     memory_committed            bytes that the heap holds of the system's
//
// A run is told by its environment how many bytes the heap may have (BENCH_LIMIT), and whether it
// is there to tell the live size (BENCH_PROBE).  Where the limit is too small it exits with 3.
// SPDX-License-Identifier: MIT
#ifndef MEMORY_H
#define MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

#define MEMORY_MALLOC 1
#define MEMORY_ARENA 2
#define MEMORY_BDWGC 3
#define MEMORY_MIDDEN 4

enum { MEMORY_DOES_NOT_FIT = 3 };  // the exit status; java's ExitOnOutOfMemoryError has the same

static struct figures memory_pauses;
static size_t memory_most_live;  // of all checkpoints

static inline void memory_exhausted(void) {
  fprintf(stderr, "bench: does not fit\n");
  exit(MEMORY_DOES_NOT_FIT);
}

static inline void *memory_there(void *object) {
  if (__builtin_expect(object == NULL, 0)) memory_exhausted();
  return object;
}

static inline size_t memory_limit(void) {
  const char *text = getenv("BENCH_LIMIT");
  return text == NULL ? 0 : strtoull(text, NULL, 10);
}

typedef struct {
  const char *name;
  size_t bytes, references;
  struct midden_type *midden;  // used by its header alone
} memory_type;

#define MEMORY_TYPE(T, n) \
  { .name = #T, .bytes = sizeof(T), .references = (n) }

#if MEMORY == MEMORY_MALLOC || MEMORY == MEMORY_ARENA
#include "memory_malloc.h"
#elif MEMORY == MEMORY_BDWGC
#include "memory_bdwgc.h"
#elif MEMORY == MEMORY_MIDDEN
#include "memory_midden.h"
#else
#error "MEMORY names no manager"
#endif

// References of those who read and write them as any other pointer, and find them by themselves.
#define REF(T) T *
#define INIT(m, object, field, value) ((void)(m), (object)->field = (value))
#define GLOBAL_GET(m, global) ((void)(m), (global))
#define GLOBAL_SET(m, global, value) ((void)(m), (global) = (value))
#ifndef GET
#define GET(m, object, field) ((void)(m), (object)->field)
#endif
#ifndef SET
#define SET(m, object, field, value) ((void)(m), (object)->field = (value))
#endif
#ifndef ROOTS
#define ROOTS(m, r, n) void *r[n] = {NULL}
#define ROOTS_OF(r) void **r
#define ROOT(r, i) (r[i])
#define ROOT_SET(r, i, value) (r[i] = (value))
#define ROOTS_END(m, r) ((void)(m))
#endif

#if MEMORY != MEMORY_MIDDEN
static inline memory *memory_attach(memory *main_thread) { return main_thread; }
static inline void memory_detach(memory *m) { (void)m; }
static inline void memory_define(memory *m, memory_type *type) { (void)m, (void)type; }
static inline void memory_global(memory *m, void *slot) { (void)m, (void)slot; }
static inline void memory_join(memory *m, pthread_t thread, void **result) {
  (void)m;
  pthread_join(thread, result);
}
#endif

#if MEMORY != MEMORY_ARENA
static inline void *memory_mark(memory *m) { return m; }
static inline void memory_release(memory *m, void *mark) { (void)m, (void)mark; }
#endif

// Called where most is live: a run that is there to tell collects and looks.
static inline void memory_checkpoint(memory *m) {
  if (getenv("BENCH_PROBE") == NULL) return;
  memory_full(m);
  size_t live = memory_live(m);
  if (live > memory_most_live) memory_most_live = live;
}

static inline void memory_close(memory *m, uint32_t checksum) {
  (void)m;
  printf("checksum value=%u\n", checksum);
  if (getenv("BENCH_PROBE") != NULL) printf("live bytes=%zu\n", memory_most_live);
  figures_print("pauses", &memory_pauses);
}

// ---- what the workloads share ----

// xorshift32 (Marsaglia 2003): the same sequence in every language, and in none of them slow.
static inline uint32_t memory_random(uint32_t *seed) {
  uint32_t x = *seed;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *seed = x;
}

static inline uint32_t memory_mix(uint32_t sum, uint32_t value) { return sum * 31 + value; }

// The workload's n-th argument, a number.
static inline uint32_t memory_argument(int argc, char **argv, int n) {
  if (n >= argc) {
    fprintf(stderr, "bench: %s needs %d numbers\n", argv[0], n);
    exit(2);
  }
  return (uint32_t)strtoul(argv[n], NULL, 10);
}

#endif
