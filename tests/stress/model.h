// tests/stress/model.h -- a reference model of the heap: a table that knows what every block holds,
// and threads that do at random to its entries what programs do to blocks.
// SPDX-License-Identifier: MIT
//
// An entry belongs to whoever holds its `busy`; a thread that does not get it takes another.  So a
// block made by one thread is checked, resized and freed by all others.
#ifndef MID_STRESS_MODEL_H
#define MID_STRESS_MODEL_H

#include <stdatomic.h>

#include "heap/heap.h"
#include "midden/midden.h"
#include "support.h"
#include "test.h"

enum { ENTRIES = 4096, OWN_HEAPS = 2 };

static struct entry {
  _Atomic bool busy;
  unsigned char *p;  // NULL: no block
  size_t bytes, align;
  uint64_t id;        // which contents
  midden_heap *heap;  // NULL: malloc's
} model[ENTRIES];

static midden_heap *own_heap[OWN_HEAPS];

// Mostly small, some medium, a large one now and then.
static size_t model_size(uint64_t *seed) {
  uint64_t kind = test_random(seed) % 1000;
  return test_random_size(seed, kind < 900 ? 1024 : kind < 996 ? 65536 : 4 * MIB);
}

static const char *model_check(const struct entry *e) {
  size_t usable = midden_malloc_usable_size(e->p);
  if (usable < e->bytes) return "a block became smaller than what was asked";
  if ((uintptr_t)e->p % e->align != 0) return "a block is not aligned";
  if (!test_filled(e->p, e->bytes, e->id)) return "a block lost its contents";
  return NULL;
}

static const char *model_take(struct entry *e, uint64_t *seed) {
  bool zero = false;
  e->bytes = model_size(seed);
  e->align = 16;
  e->heap = test_random(seed) % 8 == 0 ? own_heap[test_random(seed) % OWN_HEAPS] : NULL;
  switch (test_random(seed) % 8) {
    case 0:
      zero = true;
      e->p = e->heap ? midden_heap_calloc(e->heap, 1, e->bytes) : midden_calloc(1, e->bytes);
      break;
    case 1:
      e->align = (size_t)16 << (test_random(seed) % 10);
      e->p = e->heap ? midden_heap_aligned(e->heap, e->align, e->bytes)
                     : midden_aligned_alloc(e->align, e->bytes);
      break;
    default:
      e->p = e->heap ? midden_heap_alloc(e->heap, e->bytes) : midden_malloc(e->bytes);
  }
  if (e->p == NULL) return "out of memory";
  if (zero && !test_zeroed(e->p, e->bytes)) return "calloc gave a block that is not zero";
  e->id = test_random(seed);
  test_fill(e->p, e->bytes, e->id);
  return model_check(e);
}

static const char *model_resize(struct entry *e, uint64_t *seed) {
  size_t bytes = test_random(seed) % 2 ? model_size(seed) : e->bytes + e->bytes / 4 + 1;
  if (bytes > 8 * MIB) bytes = 1;
  void *p = e->heap ? midden_heap_realloc(e->heap, e->p, bytes) : midden_realloc(e->p, bytes);
  if (p == NULL) return "out of memory";
  e->p = p, e->align = 16;
  if (!test_filled(p, bytes < e->bytes ? bytes : e->bytes, e->id))
    return "realloc lost the contents";
  test_fill(p, e->bytes = bytes, e->id);
  return NULL;
}

// One operation on an entry that is ours.  NULL, or what is wrong.
static const char *model_step(struct entry *e, uint64_t *seed) {
  if (e->p == NULL) return model_take(e, seed);
  const char *wrong = model_check(e);
  if (wrong != NULL) return wrong;
  if (test_random(seed) % 4 == 0) return model_resize(e, seed);
  midden_free(e->p);
  e->p = NULL;
  return NULL;
}

static const char *model_steps(size_t count, uint64_t *seed) {
  while (count > 0) {
    struct entry *e = &model[test_random(seed) % ENTRIES];
    if (atomic_exchange_explicit(&e->busy, true, memory_order_acquire)) continue;
    const char *wrong = model_step(e, seed);
    atomic_store_explicit(&e->busy, false, memory_order_release);
    if (wrong != NULL) return wrong;
    count--;
  }
  return NULL;
}

static void check_heap(struct mid_heap *heap, void *context) {
  const char **broken = context;
  mid_lock_take(&heap->lock);
  if (*broken == NULL && heap->kind != MID_HEAP_POOLED) *broken = mid_heap_broken(heap);
  mid_lock_give(&heap->lock);
}

// Every structure of the library; all other threads stand still.
static const char *model_heaps_broken(void) {
  const char *broken = mid_span_broken();
  mid_heaps_visit(check_heap, &broken);
  return broken;
}

// Those, and every block of the model.
static inline const char *model_broken(void) {
  const char *broken = model_heaps_broken();
  for (int i = 0; i < ENTRIES && broken == NULL; i++)
    if (model[i].p != NULL) broken = model_check(&model[i]);
  return broken;
}

static bool count_block(void *block, size_t bytes, void *context) {
  (void)block, (void)bytes;
  ++*(size_t *)context;
  return true;
}

// What a walk of our own heaps sees is what the model has there.
static inline const char *model_walks(void) {
  for (int h = 0; h < OWN_HEAPS; h++) {
    size_t seen = 0, known = 0;
    midden_heap_walk(own_heap[h], count_block, &seen);
    for (int i = 0; i < ENTRIES; i++) known += model[i].p != NULL && model[i].heap == own_heap[h];
    if (seen != known) return "a walk does not see the blocks that are there";
  }
  return NULL;
}

static void model_open(void) {
  for (int i = 0; i < OWN_HEAPS; i++) CHECK_EQ(midden_heap_open(&own_heap[i]), MIDDEN_OK);
}

static void model_close(void) {
  for (int i = 0; i < ENTRIES; i++) {
    if (model[i].heap == NULL) midden_free(model[i].p);  // the others go with their heaps
    model[i] = (struct entry){0};
  }
  for (int i = 0; i < OWN_HEAPS; i++) midden_heap_close(own_heap[i]);
  CHECK_WHOLE(mid_span_broken());
}

#endif
