// warns: nothing
#include "midden/midden.h"

static int fill(int *p) {
  if (p == NULL) return 0;
  *p = 1;
  return *p;
}

int all_is_well(midden_arena *arena, midden_context *context) {
  midden_heap *heap;
  int sum = fill(midden_arena_alloc(arena, sizeof(int)));
  sum += fill(midden_context_alloc(context, sizeof(int)));
  int *p = midden_malloc(sizeof *p), *q;
  sum += fill(p);
  q = midden_realloc(p, 100 * sizeof *q);
  if (q == NULL) midden_free(p);
  midden_free(q);
  if (midden_heap_open(&heap) != MIDDEN_OK) return 0;
  p = midden_heap_alloc(heap, sizeof *p);
  sum += fill(p);
  midden_free(p);
  midden_heap_close(heap);
  return sum;
}
