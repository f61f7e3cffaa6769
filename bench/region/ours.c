// bench/region/ours.c -- the allocators of midden/: objects of 32 bytes.
// SPDX-License-Identifier: MIT
#include "midden/midden.h"
#include "rows.h"

// Open by `call`, which writes to `opened`, the constant handle `name`: one whose address no call
// has seen stays in a register.
#define OPEN(type, name, call)                          \
  type *opened;                                         \
  if ((call) != MIDDEN_OK) fail("cannot open: " #call); \
  type *const name = opened

static void arena(size_t objects) {
  OPEN(midden_arena, a, midden_arena_open(NULL, 0, &opened));
  midden_arena_mark *mark = midden_arena_here(a);
  BATCHES(objects, midden_arena_alloc(a, BYTES), (void)0, midden_arena_back(a, mark));
  midden_arena_close(a);
}

static void arena_zeroed(size_t objects) {
  OPEN(midden_arena, a, midden_arena_open(NULL, 0, &opened));
  midden_arena_mark *mark = midden_arena_here(a);
  BATCHES(objects, midden_arena_calloc(a, 1, BYTES), (void)0, midden_arena_back(a, mark));
  midden_arena_close(a);
}

static void stack(size_t objects) {
  OPEN(midden_stack, s, midden_stack_open(1 << 20, &opened));
  midden_stack_frame *frame = midden_stack_enter(s);
  BATCHES(objects, midden_stack_alloc(s, BYTES), (void)0,
          (midden_stack_leave(s, frame), frame = midden_stack_enter(s)));
  midden_stack_close(s);
}

static void pool(size_t objects) {
  OPEN(midden_pool, pool, midden_pool_open(NULL, BYTES, 0, MIDDEN_POOL_GROWS, &opened));
  BATCHES(objects, midden_pool_take(pool), midden_pool_give(pool, p), (void)0);
  midden_pool_close(pool);
}

static void shared_pool(size_t objects) {
  OPEN(midden_shared_pool, pool,
       midden_shared_pool_open(NULL, BYTES, 0, MIDDEN_POOL_GROWS, &opened));
  BATCHES(objects, midden_shared_pool_take(pool), midden_shared_pool_give(pool, p), (void)0);
  midden_shared_pool_close(pool);
}

// An object that is worth to be kept constructed: a lock, two list heads and a table.
struct object {
  int lock;
  struct object *next, *prev;
  void *table[26];
};

static bool construct(void *p, void *context) {
  struct object *o = p;
  (void)context;
  o->lock = 0;
  o->next = o->prev = o;
  for (int i = 0; i < 26; i++) o->table[i] = o;
  return true;
}

static void slab(size_t objects) {
  static const midden_slab_type type = {.bytes = sizeof(struct object), .construct = construct};
  OPEN(midden_slab, slab, midden_slab_open(NULL, &type, &opened));
  BATCHES(objects, midden_slab_take(slab), midden_slab_give(slab, p), (void)0);
  midden_slab_close(slab);
}

static void *take_constructed(midden_pool *pool) {
  void *p = midden_pool_take(pool);
  construct(p, NULL);
  return p;
}

static void pool_constructed(size_t objects) {
  OPEN(midden_pool, pool,
       midden_pool_open(NULL, sizeof(struct object), BATCH, MIDDEN_POOL_FIXED, &opened));
  BATCHES(objects, take_constructed(pool), midden_pool_give(pool, p), (void)0);
  midden_pool_close(pool);
}

static void classic(size_t objects) {
  OPEN(midden_classic, c, midden_classic_open(NULL, &opened));
  BATCHES(objects, midden_classic_alloc(c, BYTES), midden_classic_free(c, p), (void)0);
  midden_classic_close(c);
}

static void context(size_t objects) {
  OPEN(midden_context, c, midden_context_open(NULL, "bench", &opened));
  BATCHES(objects, midden_context_alloc(c, BYTES), midden_context_free(p), (void)0);
  midden_context_close(c);
}

static void heap(size_t objects) {
  OPEN(midden_heap, h, midden_heap_open(&opened));
  BATCHES(objects, midden_heap_alloc(h, BYTES), midden_heap_free(p), (void)0);
  midden_heap_close(h);
}

static _Alignas(64) char region[1 << 20];

static void buddy(size_t objects) {
  OPEN(midden_buddy, b, midden_buddy_open(NULL, region, sizeof region, 32, &opened));
  BATCHES(objects, midden_buddy_alloc(b, BYTES), midden_buddy_free(b, p), (void)0);
  midden_buddy_close(b);
}

static void fit(const char *policy, size_t objects) {
  OPEN(midden_fit, f, midden_fit_open(region, sizeof region, policy, &opened));
  BATCHES(objects, midden_fit_alloc(f, BYTES), midden_fit_free(f, p), (void)0);
  midden_fit_close(f);
}
static void tlsf(size_t objects) { fit("tlsf", objects); }
static void best_fit(size_t objects) { fit("best-fit", objects); }

static const struct row rows[] = {{"loop", row_loop},
                                  {"arena", arena},
                                  {"arena-zeroed", arena_zeroed},
                                  {"stack", stack},
                                  {"pool", pool},
                                  {"shared-pool", shared_pool},
                                  {"slab", slab},
                                  {"pool-constructed", pool_constructed},
                                  {"classic", classic},
                                  {"context", context},
                                  {"heap", heap},
                                  {"buddy", buddy},
                                  {"tlsf", tlsf},
                                  {"best-fit", best_fit},
                                  {NULL, NULL}};

int main(int argc, char **argv) { return run_row(rows, argc, argv); }
