// heap/deepbind.c -- dlopen with RTLD_DEEPBIND, which looks a plug-in's names up in its own
// libraries first and so would bind it to libc's malloc, with blocks that cross both ways.
// SPDX-License-Identifier: MIT
//
// Taking the flag away would change which of the plug-in's other names bind where.  So the answer
// that libc gives is changed instead: before the first such dlopen the malloc family in libc's own
// symbol table is pointed at ours.  Programs that never ask for it are not touched.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "midden/status.h"
#include "os/os.h"

extern void *__libc_malloc(size_t) __attribute__((weak));
void cfree(void *p);

static const struct {
  const char *name;
  void *ours;
} family[] = {
    {"malloc", malloc},
    {"calloc", calloc},
    {"realloc", realloc},
    {"reallocarray", reallocarray},
    {"free", free},
    {"cfree", cfree},
    {"aligned_alloc", aligned_alloc},
    {"posix_memalign", posix_memalign},
    {"memalign", memalign},
    {"valloc", valloc},
    {"pvalloc", pvalloc},
    {"malloc_usable_size", malloc_usable_size},
};

struct symbols {
  const ElfW(Sym) * table;
  const char *names;
  const uint32_t *hash;  // DT_GNU_HASH
};

static struct symbols symbols_of(const struct link_map *map) {
  struct symbols s = {0};
  for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
    if (d->d_tag == DT_SYMTAB) s.table = (const ElfW(Sym) *)d->d_un.d_ptr;
    if (d->d_tag == DT_STRTAB) s.names = (const char *)d->d_un.d_ptr;
    if (d->d_tag == DT_GNU_HASH) s.hash = (const uint32_t *)d->d_un.d_ptr;
  }
  return s;
}

// U. Drepper, "How To Write Shared Libraries", 2011, section 1.5.3.
static uint32_t gnu_hash(const char *name) {
  uint32_t h = 5381;
  while (*name != 0) h = h * 33 + (unsigned char)*name++;
  return h;
}

// hash: buckets, first symbol, bloom words, shift, bloom[], bucket[], chain[]
static void redirect(const struct symbols *s, uintptr_t base, const char *name, void *to) {
  uint32_t buckets = s->hash[0], first = s->hash[1], blooms = s->hash[2], want = gnu_hash(name);
  const uint32_t *bucket = s->hash + 4 + blooms * (sizeof(ElfW(Addr)) / 4);
  const uint32_t *chain = bucket + buckets;
  uint32_t i = bucket[want % buckets];
  if (i < first) return;
  for (;; i++) {
    uint32_t hash = chain[i - first];
    ElfW(Sym) *symbol = (ElfW(Sym) *)&s->table[i];
    if ((hash | 1) == (want | 1) && strcmp(s->names + symbol->st_name, name) == 0)
      symbol->st_value = (uintptr_t)to - base;
    if (hash & 1) return;
  }
}

static const struct link_map *libc_map(void) {
  Dl_info info;
  struct link_map *map = NULL;
  bool found = __libc_malloc != NULL &&
               dladdr1((void *)__libc_malloc, &info, (void **)&map, RTLD_DL_LINKMAP) != 0;
  return found ? map : NULL;
}

static void redirect_libc(const struct link_map *map) {
  struct symbols s = symbols_of(map);
  if (s.table == NULL || s.names == NULL || s.hash == NULL) return;
  // The names follow the symbols.
  uintptr_t start = mid_round_down((uintptr_t)s.table, mid_os_page_bytes());
  uintptr_t end = mid_round_up((uintptr_t)s.names, mid_os_page_bytes());
  if (end <= start || !mid_os_unguard((void *)start, end - start)) return;
  for (size_t i = 0; i < sizeof family / sizeof *family; i++)
    redirect(&s, map->l_addr, family[i].name, family[i].ours);
  mid_os_seal((void *)start, end - start);
}

// dlopen looks at its caller (for $ORIGIN, and for the namespace), so the real one is jumped to.
#if defined(__clang__)
#define TAIL __attribute__((musttail))
#define TAIL_FUNCTION
#else
#define TAIL
#define TAIL_FUNCTION __attribute__((optimize("optimize-sibling-calls")))
#endif

typedef void *open_function(const char *file, int mode);

static open_function *next_dlopen(int mode) {
  static _Atomic(open_function *) next;
  static struct mid_lock lock;
  static bool redirected;
  if (mode & RTLD_DEEPBIND) {
    // Looked up before the lock is taken, since it takes the loader's own.
    const struct link_map *map = libc_map();
    mid_lock_take(&lock);
    if (map != NULL && !redirected) redirect_libc(map), redirected = true;
    mid_lock_give(&lock);
  }
  open_function *known = atomic_load_explicit(&next, memory_order_relaxed);
  if (known != NULL) return known;
  void *found = dlsym(RTLD_NEXT, "dlopen");
  memcpy(&known, &found, sizeof known);
  atomic_store_explicit(&next, known, memory_order_relaxed);
  return known;
}

TAIL_FUNCTION MIDDEN_API void *dlopen(const char *file, int mode) {
  open_function *next = next_dlopen(mode);
  TAIL return next(file, mode);
}
