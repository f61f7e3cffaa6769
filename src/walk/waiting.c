// walk/waiting.c -- see waiting.h.
// SPDX-License-Identifier: MIT
#include "walk/waiting.h"

#include <stdlib.h>

#include "heap/heap.h"
#include "observe/must.h"
#include "observe/stacks.h"
#include "walk/library.h"

static int waiting_order(const void *a, const void *b) {
  const struct mid_blocks_span *x = *(const struct mid_blocks_span *const *)a;
  const struct mid_blocks_span *y = *(const struct mid_blocks_span *const *)b;
  if (x->heap != y->heap) return x->heap < y->heap ? -1 : 1;
  return x->block_bytes < y->block_bytes ? -1 : x->block_bytes > y->block_bytes;
}

// Spans whose thread has ended are of no heap.
static void owner_name(const struct mid_target *t, uint64_t heap, struct mid_waiting *w) {
  if (heap == 0) return;
  uint64_t self = mid_library_word(t, heap + offsetof(struct mid_heap, thread));
  w->thread = mid_library_word(t, heap + offsetof(struct mid_heap, told.thread));
  for (size_t i = 0; i < t->threads && w->name[0] == 0; i++)
    if (t->thread[i].tp == self) mid_stacks_name(t->pid, t->thread[i].tid, w->name, sizeof w->name);
}

size_t mid_waiting_find(const struct mid_target *target, const struct mid_blocks *blocks,
                        struct mid_waiting **out) {
  const struct mid_blocks_span **span = mid_must(calloc(blocks->spans + 1, sizeof *span));
  size_t spans = 0, count = 0;
  for (size_t i = 0; i < blocks->spans; i++)
    if (blocks->span[i].remote > 0 && !blocks->span[i].shared) span[spans++] = &blocks->span[i];
  if (spans > 0) qsort(span, spans, sizeof *span, waiting_order);
  *out = mid_must(calloc(spans + 1, sizeof **out));
  for (size_t i = 0; i < spans; i++) {
    if (i == 0 || waiting_order(&span[i - 1], &span[i]) != 0) {
      (*out)[count].block_bytes = span[i]->block_bytes;
      owner_name(target, span[i]->heap, &(*out)[count++]);
    }
    (*out)[count - 1].blocks += span[i]->remote;
  }
  free(span);
  return count;
}
