// graph/array.c -- see array.h.
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "graph/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static size_t array_bytes, array_peak;

static const size_t ARRAY_LEAST = (size_t)64 << 10, ARRAY_HUGE = (size_t)2 << 20;

static void array_count(size_t less, size_t more) {
  array_bytes = array_bytes - less + more;
  if (array_bytes > array_peak) array_peak = array_bytes;
}

static size_t whole_pages(size_t bytes) {
  size_t page = bytes < ARRAY_HUGE ? 4096 : ARRAY_HUGE;
  return bytes == 0 ? page : (bytes + page - 1) / page * page;
}

static _Noreturn void end_without_memory(size_t bytes) {
  fprintf(stderr,
          "midden: there is no memory for %zu more MiB of the graph: close other programs\n",
          (bytes >> 20) + 1);
  exit(1);
}

void mid_array_end(const char *what) {
  fprintf(stderr, "midden: the heap has %s: no graph is made of so many\n", what);
  exit(1);
}

struct mid_array mid_array_open(size_t bytes) {
  struct mid_array array = {.bytes = whole_pages(bytes)};
  array.at = mmap(NULL, array.bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (array.at == MAP_FAILED) end_without_memory(bytes);
  madvise(array.at, array.bytes, MADV_HUGEPAGE);
  array_count(0, array.bytes);
  return array;
}

static void resize(struct mid_array *array, size_t bytes) {
  void *at = mremap(array->at, array->bytes, bytes, MREMAP_MAYMOVE);
  if (at == MAP_FAILED) end_without_memory(bytes);
  madvise(at, bytes, MADV_HUGEPAGE);
  array_count(array->bytes, bytes);
  *array = (struct mid_array){at, bytes};
}

void mid_array_grow(struct mid_array *array, size_t bytes) {
  if (bytes <= array->bytes) return;
  if (array->at == NULL)
    *array = mid_array_open(bytes < ARRAY_LEAST ? ARRAY_LEAST : bytes);
  else
    resize(array, whole_pages(bytes > 2 * array->bytes ? bytes : 2 * array->bytes));
}

void mid_array_cut(struct mid_array *array, size_t bytes) {
  if (whole_pages(bytes) < array->bytes) resize(array, whole_pages(bytes));
}

void mid_array_close(struct mid_array *array) {
  if (array->at != NULL) munmap(array->at, array->bytes);
  array_count(array->bytes, 0);
  *array = (struct mid_array){0};
}

size_t mid_array_bytes(void) { return array_bytes; }
size_t mid_array_peak(void) { return array_peak; }
void mid_array_forget_peak(void) { array_peak = array_bytes; }

void *mid_graph_kept(void *memory) {
  if (memory == NULL) end_without_memory(0);
  return memory;
}

void *mid_graph_grown(void *array, size_t count, size_t each) {
  if ((count & (count - 1)) != 0) return array;
  return mid_graph_kept(realloc(array, (count == 0 ? 1 : 2 * count) * each));
}
