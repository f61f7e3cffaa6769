// replay/calls.c -- the process's malloc, and calls that do nothing.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE  // dladdr
#include "replay/calls.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// ---- malloc ----

static void *system_alloc(void *self, size_t bytes) {
  (void)self;
  return malloc(bytes);
}

static void *system_zeroed(void *self, size_t bytes) {
  (void)self;
  return calloc(1, bytes);
}

static void *system_aligned(void *self, size_t bytes, size_t align) {
  void *p;
  (void)self;
  return posix_memalign(&p, align < sizeof p ? sizeof p : align, bytes) == 0 ? p : NULL;
}

static void *system_resize(void *self, void *p, size_t old_bytes, size_t bytes) {
  (void)self;
  (void)old_bytes;
  return realloc(p, bytes);
}

static void system_free(void *self, void *p, size_t bytes) {
  (void)self;
  (void)bytes;
  free(p);
}

// A library may replace malloc and leave out malloc_usable_size, which then is libc's and wrong.
static bool knows_usable(void) {
  Dl_info of_malloc, of_usable;
  void *alloc = dlsym(RTLD_DEFAULT, "malloc"), *usable = dlsym(RTLD_DEFAULT, "malloc_usable_size");
  return dladdr(alloc, &of_malloc) != 0 && dladdr(usable, &of_usable) != 0 &&
         of_malloc.dli_fbase == of_usable.dli_fbase;
}

static struct mid_calls system_calls(void) {
  return (struct mid_calls){.alloc = system_alloc,
                            .zeroed = system_zeroed,
                            .aligned = system_aligned,
                            .resize = system_resize,
                            .free = system_free,
                            .usable = knows_usable() ? malloc_usable_size : NULL,
                            .reach = SIZE_MAX};
}

// ---- nothing ----

// Every block is the same few pages, which are written in place of it.
enum { SCRATCH_BYTES = 1 << 16 };

static void *scratch_alloc(void *self, size_t bytes) {
  (void)bytes;
  return self;
}

static void *scratch_aligned(void *self, size_t bytes, size_t align) {
  (void)bytes;
  (void)align;
  return self;
}

static void *scratch_resize(void *self, void *p, size_t old_bytes, size_t bytes) {
  (void)p;
  (void)old_bytes;
  (void)bytes;
  return self;
}

static void scratch_free(void *self, void *p, size_t bytes) {
  (void)self;
  (void)p;
  (void)bytes;
}

static struct mid_calls scratch_calls(void) {
  void *scratch = mmap(NULL, 2 * SCRATCH_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return (struct mid_calls){.alloc = scratch_alloc,
                            .zeroed = scratch_alloc,
                            .aligned = scratch_aligned,
                            .resize = scratch_resize,
                            .free = scratch_free,
                            .self = scratch == MAP_FAILED ? NULL : scratch,
                            .reach = SCRATCH_BYTES - 1};
}

bool mid_calls_open(const struct mid_errand *errand, struct mid_calls *out) {
  if (strcmp(errand->allocator, "malloc") == 0) {
    *out = system_calls();
    return true;
  }
  if (strcmp(errand->allocator, "no-op") == 0) {
    *out = scratch_calls();
    return out->self != NULL;
  }
  return mid_policy_open(errand, out);
}
