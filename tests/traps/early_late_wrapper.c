// tests/traps/early_late_wrapper.c -- a tracing library as people write them: it defines malloc and
// finds the next one by dlsym at the first call.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>

#include "check.h"

static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static __thread int inside;

static void *find(const char *name) {
  inside++;  // dlsym itself may allocate: that call must not come here again
  void *symbol = dlsym(RTLD_NEXT, name);
  inside--;
  CHECK(symbol != NULL);
  return symbol;
}

// Served while dlsym looks for the real one, and never freed.
static void *bootstrap(size_t bytes) {
  static char room[4096] __attribute__((aligned(16)));
  static size_t used;
  void *p = room + used;
  used += (bytes + 15) & ~(size_t)15;
  CHECK(used <= sizeof room);
  return p;
}

void *malloc(size_t bytes) {
  if (inside) return bootstrap(bytes);
  if (next_malloc == NULL) next_malloc = (void *(*)(size_t))find("malloc");
  return next_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  if (inside) return bootstrap(count * bytes);
  if (next_calloc == NULL) next_calloc = (void *(*)(size_t, size_t))find("calloc");
  return next_calloc(count, bytes);
}
void *realloc(void *p, size_t bytes) {
  if (next_realloc == NULL) next_realloc = (void *(*)(void *, size_t))find("realloc");
  return next_realloc(p, bytes);
}
void free(void *p) {
  if (next_free == NULL) next_free = (void (*)(void *))find("free");
  next_free(p);
}
