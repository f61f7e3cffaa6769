// tests/soak/fuzz_api.c -- libFuzzer over the midden_ calls, with a reference model: every block's
// size, alignment and contents are known, and the heap is looked over at the end of each input.
// SPDX-License-Identifier: MIT
//
// An input is a list of calls of 4 bytes: which call, which slot, and a size in 16 bits whose top
// three are a scale, so that small inputs reach large blocks.
#include "heap/heap.h"
#include "midden/midden.h"
#include "support.h"

enum { SLOTS = 64, HEAPS = 2 };

static struct slot {
  unsigned char *p;
  size_t bytes, align;
  int heap;  // HEAPS: malloc's
} slot[SLOTS];
static midden_heap *own[HEAPS];

#define MUST(cond)                                                              \
  do {                                                                          \
    if (!(cond)) dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort(); \
  } while (0)

static uint64_t id_of(const struct slot *s) { return (uint64_t)(s - slot) ^ s->bytes << 8; }

static void look(const struct slot *s) {
  if (s->p == NULL) return;
  MUST((uintptr_t)s->p % s->align == 0);
  MUST(midden_malloc_usable_size(s->p) >= s->bytes);
  MUST(test_filled(s->p, s->bytes, id_of(s)));
}

static void put(struct slot *s, void *p, size_t bytes, size_t align, int heap) {
  MUST(p != NULL);
  *s = (struct slot){p, bytes, align, heap};
  test_fill(p, bytes, id_of(s));
  look(s);
}

static void drop(struct slot *s, bool sized) {
  look(s);
  midden_allocator *a = midden_allocator_malloc();
  if (sized && s->heap == HEAPS)
    a->free(a, s->p, s->bytes);
  else
    midden_free(s->p);
  s->p = NULL;
}

static void take(struct slot *s, size_t bytes, unsigned how) {
  int heap = (int)(how % (HEAPS + 1));
  size_t align = (size_t)16 << how % 13;
  drop(s, false);
  midden_allocator *a =
      heap == HEAPS ? midden_allocator_malloc() : midden_heap_allocator(own[heap]);
  void *p = how & 32 ? a->alloc(a, bytes, align) : a->alloc(a, bytes, align = 16);
  MUST(a->owns(a, p));
  put(s, p, bytes, align, heap);
}

static void take_zero(struct slot *s, size_t bytes, unsigned how) {
  int heap = (int)(how % (HEAPS + 1));
  drop(s, true);
  void *p = heap == HEAPS ? midden_calloc(1, bytes) : midden_heap_calloc(own[heap], bytes, 1);
  MUST(p != NULL && test_zeroed(p, bytes));
  put(s, p, bytes, 16, heap);
}

static void resize(struct slot *s, size_t bytes) {
  look(s);
  if (s->p == NULL) s->heap = HEAPS;
  void *p = s->heap == HEAPS ? midden_realloc(s->p, bytes)
                             : midden_heap_realloc(own[s->heap], s->p, bytes);
  MUST(p != NULL);
  MUST(s->p == NULL || test_filled(p, s->bytes < bytes ? s->bytes : bytes, id_of(s)));
  put(s, p, bytes, 16, s->heap);
}

static void open_heap(int h) { MUST(midden_heap_open(&own[h]) == MIDDEN_OK); }

static void close_heap(int h) {
  for (int i = 0; i < SLOTS; i++)
    if (slot[i].heap == h) look(&slot[i]), slot[i].p = NULL;
  midden_heap_close(own[h]);
}

static bool count_block(void *block, size_t bytes, void *context) {
  MUST(bytes == midden_heap_usable(block));
  ++*(size_t *)context;
  return true;
}

static void walk(int h) {
  size_t seen = 0, known = 0;
  MUST(midden_heap_walk(own[h], count_block, &seen));
  for (int i = 0; i < SLOTS; i++) known += slot[i].p != NULL && slot[i].heap == h;
  MUST(seen == known && midden_heap_stats(own[h]).live_blocks == known);
}

static void step(const uint8_t *in) {
  struct slot *s = &slot[in[1] % SLOTS];
  unsigned word = (unsigned)in[2] | (unsigned)in[3] << 8;
  size_t bytes = (size_t)(word & 0x1fff) << (word >> 13) * (word >> 13) / 4;
  unsigned how = in[0] >> 2;
  switch (in[0] % 4) {
    case 0:
      take(s, bytes, how);
      break;
    case 1:
      drop(s, how & 1);
      break;
    case 2:
      resize(s, bytes);
      break;
    default:
      if (how < 48) return take_zero(s, bytes, how);
      if (how < 52) midden_malloc_trim();
      if (how >= 52 && how < 58) walk((int)how % HEAPS);
      if (how >= 58) close_heap((int)how % HEAPS), open_heap((int)how % HEAPS);
  }
}

static void check_heap(struct mid_heap *heap, void *context) {
  (void)context;
  mid_lock_take(&heap->lock);
  const char *broken = heap->kind == MID_HEAP_POOLED ? NULL : mid_heap_broken(heap);
  mid_lock_give(&heap->lock);
  if (broken != NULL) dprintf(2, "%s\n", broken), abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes) {
  for (int h = 0; h < HEAPS; h++) open_heap(h);
  for (; bytes >= 4; in += 4, bytes -= 4) step(in);
  for (int h = 0; h < HEAPS; h++) walk(h), close_heap(h);
  for (int i = 0; i < SLOTS; i++) drop(&slot[i], i & 1);
  MUST(mid_span_broken() == NULL);
  mid_heaps_visit(check_heap, NULL);
  return 0;
}
