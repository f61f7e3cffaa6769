// heap/foreign.c -- blocks of libc's own malloc, which reach us where a program mixes the two.
// SPDX-License-Identifier: MIT
//
// They come from callers that found libc's functions and not ours: a plug-in opened with
// RTLD_DEEPBIND before we could turn that (deepbind.c), or a program that asks for __libc_malloc.
// libc's small blocks lie in the break, where nothing of ours is.
#include "heap/foreign.h"

#include "heap/heap.h"
#include "os/os.h"

extern void __libc_free(void *) __attribute__((weak));
extern void *__libc_realloc(void *, size_t) __attribute__((weak));

static bool of_libc(const void *p) {
  return (uintptr_t)p % MID_BLOCK_ALIGN == 0 && __libc_free != NULL && mid_os_in_break(p);
}

static _Noreturn void crime_wild(const void *p) {
  mid_heap_crime("wild pointer", p,
                 "no malloc gave out this address; look where the pointer was set");
}

void mid_foreign_give(void *p) {
  if (!of_libc(p)) crime_wild(p);
  __libc_free(p);
}

void *mid_foreign_resize(void *p, size_t bytes) {
  if (!of_libc(p) || __libc_realloc == NULL) crime_wild(p);
  return __libc_realloc(p, bytes);
}

size_t mid_foreign_usable(const void *p) {
  if (!of_libc(p)) crime_wild(p);
  // Before each block of libc's stands its size, of which 8 bytes are not the block's.
  size_t word = ((const size_t *)p)[-1];
  return (word & ~(size_t)7) - sizeof word;
}
