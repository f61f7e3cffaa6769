// tests/conformance/regions.c -- every allocator of region/, held against a model that knows each
// byte.
// SPDX-License-Identifier: MIT
//
// A new allocator gets its few functions and one row of `kinds`, and with it every property below.
#include <errno.h>

#include "midden/midden.h"
#include "region/chunk.h"
#include "region/fit.h"
#include "region/region.h"
#include "support.h"
#include "test.h"

// ---- the source: malloc, but counted, and refusing when it is told to ----

static struct source {
  midden_allocator allocator;
  size_t live_blocks;
  size_t calls_left;  // until it refuses
} source;

static void *source_alloc(midden_allocator *self, size_t bytes, size_t align) {
  (void)self;
  if (source.calls_left == 0) return errno = ENOMEM, NULL;
  void *p = midden_aligned_alloc(align == 0 ? 16 : align, bytes);
  if (p == NULL) return NULL;
  source.calls_left--, source.live_blocks++;
  memset(p, 0xa5, bytes);  // nothing may count on zero
  return p;
}

static void *source_resize(midden_allocator *self, void *p, size_t old_bytes, size_t bytes,
                           size_t align) {
  if (p == NULL) return source_alloc(self, bytes, align);
  return mid_region_move(self, p, old_bytes != 0 ? old_bytes : midden_malloc_usable_size(p), bytes,
                         align);
}

static void source_free(midden_allocator *self, void *p, size_t bytes) {
  (void)self;
  if (p == NULL) return;
  CHECK(bytes <= midden_malloc_usable_size(p));
  source.live_blocks--;
  midden_free(p);
}

static bool source_owns(midden_allocator *self, const void *p) {
  (void)self;
  return midden_allocator_malloc()->owns(midden_allocator_malloc(), p);
}

static midden_stats source_stats(midden_allocator *self) {
  (void)self;
  return (midden_stats){.live_blocks = source.live_blocks};
}

static midden_allocator *source_of(size_t calls) {
  source = (struct source){
      .allocator = {"counted", source_alloc, source_resize, source_free, source_owns, source_stats},
      .calls_left = calls};
  return &source.allocator;
}

// ---- the kinds ----

enum frees { FREES_NONE, FREES_LAST, FREES_ANY };  // which single blocks can be given back

struct kind {
  const char *name;
  void *(*open)(midden_allocator *from);  // NULL and errno when `from` refuses
  midden_allocator *(*as_allocator)(void *handle);
  void (*close)(void *handle);
  void (*reset)(void *handle);  // gives every block back at once; NULL: there is no such call
  const char *(*broken)(const void *handle);
  enum frees frees;
  size_t most_bytes;  // the largest block that it can hold; 0: no limit of its own
  size_t most_align;
  size_t room;         // bytes that it may hold in all; 0: it grows
  bool counts_blocks;  // stats().live_blocks is known
  bool knows_blocks;   // owns() knows a live block's start from the middle and from a free one
};

// The functions of kind `x` whose handle is a pointer.
#define KIND(x)                                                                            \
  static midden_allocator *x##_as(void *handle) { return midden_##x##_allocator(handle); } \
  static void x##_shut(void *handle) { midden_##x##_close(handle); }                       \
  static const char *x##_check(const void *handle) { return mid_##x##_broken(handle); }

static void *heap_open(midden_allocator *from) {
  midden_heap *heap;
  if (source.calls_left == 0 || midden_heap_open(&heap) != MIDDEN_OK) return errno = ENOMEM, NULL;
  return (void)from, heap;
}
static const char *mid_heap_handle_broken(const void *handle) { return (void)handle, NULL; }
static midden_allocator *heap_as(void *handle) { return midden_heap_allocator(handle); }
static void heap_shut(void *handle) { midden_heap_close(handle); }

KIND(arena)
static void *arena_open(midden_allocator *from) {
  midden_arena *arena;
  return midden_arena_open(from, 0, &arena) == MIDDEN_OK ? arena : NULL;
}
static void arena_reset(void *handle) { midden_arena_reset(handle); }

KIND(pool)
static void *pool_open(midden_allocator *from) {
  midden_pool *pool;
  midden_status status = midden_pool_open(from, 256, 20, MIDDEN_POOL_GROWS, &pool);
  return status == MIDDEN_OK ? pool : NULL;
}
static void *fixed_pool_open(midden_allocator *from) {
  midden_pool *pool;
  midden_status status = midden_pool_open(from, 256, 100, MIDDEN_POOL_FIXED, &pool);
  return status == MIDDEN_OK ? pool : NULL;
}

KIND(shared_pool)
static void *shared_pool_open(midden_allocator *from) {
  midden_shared_pool *pool;
  midden_status status = midden_shared_pool_open(from, 256, 20, MIDDEN_POOL_GROWS, &pool);
  return status == MIDDEN_OK ? pool : NULL;
}

KIND(slab)
static void *slab_open(midden_allocator *from) {
  midden_slab *slab;
  const midden_slab_type type = {.bytes = 300, .align = 64};
  return midden_slab_open(from, &type, &slab) == MIDDEN_OK ? slab : NULL;
}

// In a region that is a block of the source.
enum { REGION_BYTES = 1 << 20 };

KIND(fit)
static void fit_end(void *handle) {
  fit_shut(handle);
  source.allocator.free(&source.allocator, handle, REGION_BYTES);
}
static void *fit_open(midden_allocator *from, const char *policy) {
  midden_fit *fit;
  void *region = from->alloc(from, REGION_BYTES, 0);
  if (region == NULL) return NULL;
  CHECK_EQ(midden_fit_open(region, REGION_BYTES, policy, &fit), MIDDEN_OK);
  CHECK(fit == region);
  return fit;
}
KIND(buddy)
static char *buddy_region;
static void *buddy_open(midden_allocator *from) {
  midden_buddy *buddy;
  buddy_region = from->alloc(from, REGION_BYTES, 65536);
  if (buddy_region == NULL) return NULL;
  if (midden_buddy_open(from, buddy_region, REGION_BYTES, 64, &buddy) == MIDDEN_OK) return buddy;
  from->free(from, buddy_region, REGION_BYTES);
  return NULL;
}
static void buddy_end(void *handle) {
  buddy_shut(handle);
  source.allocator.free(&source.allocator, buddy_region, REGION_BYTES);
}

#define FIT(x, policy) \
  static void *x##_open(midden_allocator *from) { return fit_open(from, policy); }
FIT(first, "first-fit")
FIT(next, "next-fit")
FIT(best, "best-fit")
FIT(worst, "worst-fit")
FIT(segregated, "segregated-fit")
FIT(tlsf, "tlsf")

KIND(stack)
static void *stack_open(midden_allocator *from) {
  (void)from;
  midden_stack *stack;
  return midden_stack_open(1 << 20, &stack) == MIDDEN_OK ? stack : NULL;
}

KIND(context)
static void *context_open(midden_allocator *from) {
  midden_context *context;
  return midden_context_open(from, "test", &context) == MIDDEN_OK ? context : NULL;
}

KIND(classic)
static void *classic_open(midden_allocator *from) {
  midden_classic *classic;
  return midden_classic_open(from, &classic) == MIDDEN_OK ? classic : NULL;
}

// clang-format off
static const struct kind kinds[] = {
  //name              open              as_allocator    close             reset        broken                  frees       bytes  align  room          counts  knows
  {"heap",           heap_open,        heap_as,        heap_shut,        NULL,        mid_heap_handle_broken, FREES_ANY,  0,     65536, 0,            true,   true},
  {"arena",          arena_open,       arena_as,       arena_shut,       arena_reset, arena_check,            FREES_NONE, 0,     65536, 0,            false,  false},
  {"pool",           pool_open,        pool_as,        pool_shut,        NULL,        pool_check,             FREES_ANY,  256,   256,   0,            true,   true},
  {"fixed pool",     fixed_pool_open,  pool_as,        pool_shut,        NULL,        pool_check,             FREES_ANY,  256,   256,   25600,        true,   true},
  {"shared pool",    shared_pool_open, shared_pool_as, shared_pool_shut, NULL,        shared_pool_check,      FREES_ANY,  256,   256,   0,            true,   true},
  {"slab",           slab_open,        slab_as,        slab_shut,        NULL,        slab_check,             FREES_ANY,  300,   64,    0,            true,   true},
  {"buddy",          buddy_open,       buddy_as,       buddy_end,        NULL,        buddy_check,            FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"first-fit",      first_open,       fit_as,         fit_end,          NULL,        fit_check,              FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"next-fit",       next_open,        fit_as,         fit_end,          NULL,        fit_check,              FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"best-fit",       best_open,        fit_as,         fit_end,          NULL,        fit_check,              FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"worst-fit",      worst_open,       fit_as,         fit_end,          NULL,        fit_check,              FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"segregated-fit", segregated_open,  fit_as,         fit_end,          NULL,        fit_check,              FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"tlsf",           tlsf_open,        fit_as,         fit_end,          NULL,        fit_check,              FREES_ANY,  0,     65536, REGION_BYTES, true,   true},
  {"stack",          stack_open,       stack_as,       stack_shut,       NULL,        stack_check,            FREES_LAST, 0,     65536, 1 << 20,      false,  false},
  {"context",        context_open,     context_as,     context_shut,     NULL,        context_check,          FREES_ANY,  0,     65536, 0,            true,   true},
  {"classic",        classic_open,     classic_as,     classic_shut,     NULL,        classic_check,          FREES_ANY,  0,     65536, 0,            true,   true},
};
// clang-format on

// ---- the model: the blocks that are live, oldest first ----

enum { MOST_LIVE = 200 };

struct model {
  const struct kind *kind;
  void *handle;
  midden_allocator *a;
  size_t live, bytes;
  uint64_t seed, next_id;
  struct block {
    unsigned char *p;
    size_t bytes;
    uint64_t id;  // of its contents
  } block[MOST_LIVE];
};

static struct model model;

static size_t most_bytes(size_t otherwise) {
  size_t most = model.kind->most_bytes;
  return most != 0 && most < otherwise ? most : otherwise;
}

static void check_structure(void) {
  const char *broken = model.kind->broken(model.handle);
  if (broken != NULL) fail_msg("%s: %s", model.kind->name, broken);
}

static void check_contents(const struct block *b) {
  if (!test_filled(b->p, b->bytes, b->id))
    fail_msg("%s: a block of %zu bytes lost its contents", model.kind->name, b->bytes);
}

static void check_everything(void) {
  check_structure();
  for (size_t i = 0; i < model.live; i++) {
    check_contents(&model.block[i]);
    CHECK(model.a->owns(model.a, model.block[i].p));
  }
  midden_stats stats = model.a->stats(model.a);
  if (model.kind->counts_blocks) CHECK_EQ(stats.live_blocks, model.live);
  CHECK(stats.live_bytes >= model.bytes);
  CHECK(stats.committed_bytes >= stats.live_bytes);
  CHECK(stats.peak_bytes >= stats.committed_bytes);
}

static void model_open(const struct kind *kind, size_t calls) {
  model = (struct model){.kind = kind, .seed = 1};
  model.handle = kind->open(source_of(calls));
  if (model.handle != NULL) model.a = kind->as_allocator(model.handle);
}

static void model_close(void) {
  model.kind->close(model.handle);
  if (source.live_blocks != 0)
    fail_msg("%s: %zu blocks of the source leaked", model.kind->name, source.live_blocks);
}

// Remember what is now at `p`, filled with a new pattern.
static void model_hold(struct block *b, void *p, size_t bytes) {
  *b = (struct block){p, bytes, model.next_id++};
  test_fill(p, bytes, b->id);
}

// false when it was refused.
static bool model_take(size_t bytes, size_t align) {
  errno = 0;
  void *p = model.a->alloc(model.a, bytes, align);
  if (p == NULL) {
    CHECK_EQ(errno, ENOMEM);
    return false;
  }
  if ((uintptr_t)p % (align < 16 ? 16 : align) != 0)
    fail_msg("%s: %p is not aligned to %zu", model.kind->name, p, align);
  model_hold(&model.block[model.live++], p, bytes);
  model.bytes += bytes;
  return true;
}

static void model_give(size_t i) {
  struct block b = model.block[i];
  check_contents(&b);
  // What is handed back is spoilt, so that a structure that trusts it shows.
  memset(b.p, 0xee, b.bytes);
  model.a->free(model.a, b.p, model.next_id++ % 2 ? b.bytes : 0);
  model.bytes -= b.bytes;
  memmove(&model.block[i], &model.block[i + 1], (--model.live - i) * sizeof b);
}

static void model_resize(size_t i, size_t bytes) {
  struct block *b = &model.block[i], was = *b;
  void *p = model.a->resize(model.a, b->p, model.next_id++ % 2 ? b->bytes : 0, bytes, 0);
  if (p == NULL) return check_contents(b);
  CHECK(test_filled(p, was.bytes < bytes ? was.bytes : bytes, was.id));
  model_hold(b, p, bytes);
  model.bytes += bytes - was.bytes;
}

// Any block that may be given back now.
static size_t model_pick(void) {
  return model.kind->frees == FREES_ANY ? test_random(&model.seed) % model.live : model.live - 1;
}

static size_t random_align(void) {
  size_t align = (size_t)1 << test_random(&model.seed) % 17;
  if (test_random(&model.seed) % 4 != 0) return 0;
  return align <= model.kind->most_align ? align : model.kind->most_align;
}

static void model_step(void) {
  uint64_t r = test_random(&model.seed) % 100;
  bool full = model.live == MOST_LIVE;
  if (model.live > 0 && (full || r < 45) && model.kind->frees != FREES_NONE)
    model_give(model_pick());
  else if (model.live > 0 && r < 60)
    model_resize(model_pick(), test_random_size(&model.seed, most_bytes(5000)));
  else if (!full)
    model_take(test_random_size(&model.seed, most_bytes(r < 62 ? 300000 : 2000)), random_align());
}

static void model_reset(void) {
  model.kind->reset(model.handle);
  model.live = model.bytes = 0;
  check_everything();
  CHECK_EQ(model.a->stats(model.a).live_bytes, 0);
}

static void random_operations(void) {
  for (int step = 0; step < (SANITIZED ? 4000 : 20000); step++) {
    model_step();
    if (step % 500 == 0) check_everything();
    if (model.kind->reset != NULL && test_random(&model.seed) % 1000 == 0) model_reset();
  }
  check_everything();
  if (model.kind->frees == FREES_NONE) return;
  while (model.live > 0) model_give(model_pick());
  check_everything();
}

// ---- the properties ----

#define EACH(kind) \
  for (const struct kind *kind = kinds; kind < kinds + sizeof kinds / sizeof kinds[0]; kind++)

TEST(every_kind_keeps_what_is_put_into_it)
{
  EACH(kind) {
    model_open(kind, SIZE_MAX);
    CHECK(model.a != NULL && model.a->name[0] != 0);
    random_operations();
    model_close();
  }
}

TEST(every_kind_refuses_what_cannot_be)
{
  static const size_t bad_align[] = {3, 24, 100, SIZE_MAX};
  static const size_t absurd[] = {SIZE_MAX,        SIZE_MAX - 15, SIZE_MAX / 2 + 1,
                                  PTRDIFF_MAX - 1, PTRDIFF_MAX,   (size_t)1 << 60};
  EACH(kind) {
    model_open(kind, SIZE_MAX);
    CHECK(model_take(most_bytes(100), 0));
    struct block kept = model.block[0];
    for (size_t i = 0; i < sizeof bad_align / sizeof bad_align[0]; i++) {
      errno = 0;
      CHECK(model.a->alloc(model.a, 8, bad_align[i]) == NULL);
      CHECK_EQ(errno, EINVAL);
    }
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++)
      for (size_t align = 0; align <= kind->most_align; align = align == 0 ? 16 : align * 4) {
        errno = 0;
        CHECK(model.a->alloc(model.a, absurd[i], align) == NULL);
        CHECK_EQ(errno, ENOMEM);
        errno = 0;
        CHECK(model.a->resize(model.a, kept.p, kept.bytes, absurd[i], align) == NULL);
        CHECK_EQ(errno, ENOMEM);
      }
    if (kind->most_bytes != 0) CHECK(!model_take(kind->most_bytes + 1, 0));
    check_everything();
    model_close();
  }
}

TEST(blocks_of_no_bytes_are_unique_in_every_kind)
{
  EACH(kind) {
    model_open(kind, SIZE_MAX);
    for (int i = 0; i < 20; i++) CHECK(model_take(0, 0));
    for (size_t i = 0; i < model.live; i++)
      for (size_t k = 0; k < i; k++) CHECK(model.block[i].p != model.block[k].p);
    check_everything();
    model_close();
  }
}

static int in_data;
TEST(no_kind_owns_what_is_not_its_own)
{
  int on_stack = 0;
  void *elsewhere = midden_malloc(100);
  const void *const foreign[] = {NULL,      (void *)1,   (void *)4096,
                                 &on_stack, &in_data,    (void *)((uintptr_t)1 << 46),
                                 elsewhere, (void *)-16, (void *)0xdeadbeefdeadbee0u};
  EACH(kind) {
    model_open(kind, SIZE_MAX);
    for (int i = 0; i < 50; i++) model_take(most_bytes(64), 0);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
      if (model.a->owns(model.a, foreign[i])) fail_msg("%s owns %zu", kind->name, i);
    if (kind->knows_blocks) {
      unsigned char *p = model.block[model.live - 1].p;
      CHECK(!model.a->owns(model.a, p + 8));
      model_give(model.live - 1);
      CHECK(!model.a->owns(model.a, p));
    }
    model_close();
  }
  midden_free(elsewhere);
}

TEST(every_kind_bears_a_source_that_refuses)
{
  EACH(kind) {
    for (size_t calls = 0; calls < 12; calls++) {
      model_open(kind, calls);
      if (model.handle == NULL) {
        CHECK_EQ(errno, ENOMEM);
        CHECK_EQ(source.live_blocks, 0);
        continue;
      }
      random_operations();
      model_close();
    }
  }
}

TEST(a_kind_of_fixed_room_refuses_when_full_and_serves_again)
{
  EACH(kind) {
    if (kind->room == 0) continue;
    model_open(kind, SIZE_MAX);
    size_t bytes = most_bytes(kind->room / 16), first = 0;
    while (model.live < MOST_LIVE && model_take(bytes, 0)) continue;
    first = model.live;
    if (first == MOST_LIVE) fail_msg("%s is never full", kind->name);
    check_everything();
    if (kind->frees == FREES_NONE)
      model_reset();
    else
      while (model.live > 0) model_give(model_pick());
    while (model_take(bytes, 0)) continue;
    CHECK_EQ(model.live, first);
    model_close();
  }
}

TEST(what_every_kind_frees_is_used_again)
{
  EACH(kind) {
    if (kind->frees == FREES_NONE) continue;
    model_open(kind, SIZE_MAX);
    size_t settled = 0;
    for (int round = 0; round < 50; round++) {
      for (int i = 0; i < 20; i++) model_take(most_bytes(500), 0);
      while (model.live > 0) model_give(model_pick());
      if (round == 1) settled = model.a->stats(model.a).peak_bytes;
    }
    CHECK_EQ(model.a->stats(model.a).peak_bytes, settled);
    model_close();
  }
}
