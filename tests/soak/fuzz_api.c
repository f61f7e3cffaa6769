// tests/soak/fuzz_api.c -- libFuzzer over every call that allocates, with a reference model that
// knows every byte of every live block.
// SPDX-License-Identifier: MIT
//
// An input is a list of calls of 5 bytes:
//   0     which call, in 5 bits, and in 3 the thread that makes it
//   1     the slot that it is about
//   2, 3  a size whose top three bits are a scale, so that small inputs reach large blocks
//   4     how: the alignment, the heap, the way to free
// The threads take turns, so that an input means the same each time: what the model is after are
// frees by another thread and threads that end with live blocks, not races (tests/stress is).
//
// MIDDEN_OPTIONS may be set: with heap_limit a call may be refused, and then must change nothing.
#include <pthread.h>
#include <semaphore.h>

#include "base/options.h"
#include "heap/heap.h"
#include "midden/midden.h"
#include "support.h"

enum { SLOTS = 256, HEAPS = 2, MALLOC = HEAPS, CALL_BYTES = 5 };
#define MOST_LIVE (48 * MIB)

#define MUST(cond)                                                              \
  do {                                                                          \
    if (!(cond)) dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort(); \
  } while (0)

// ---- the model ----

// Contents that differ from word to word and from block to block; cheaper than support.h's.  The
// bytes after the last whole word are those of the next.
typedef uint64_t word __attribute__((may_alias));

static uint64_t word_at(uint64_t id, size_t i) { return id * 0x9e3779b97f4a7c15 + i; }

static void fill(unsigned char *p, size_t bytes, uint64_t id) {
  size_t words = bytes / 8;
  for (size_t i = 0; i < words; i++) ((word *)p)[i] = word_at(id, i);
  uint64_t last = word_at(id, words);
  memcpy(p + 8 * words, &last, bytes % 8);
}

static bool filled(const unsigned char *p, size_t bytes, uint64_t id) {
  size_t words = bytes / 8;
  uint64_t differs = 0, last = word_at(id, words);
  for (size_t i = 0; i < words; i++) differs |= ((const word *)p)[i] ^ word_at(id, i);
  return differs == 0 && memcmp(p + 8 * words, &last, bytes % 8) == 0;
}

static struct slot {
  unsigned char *p;           // NULL: no block
  size_t bytes, room, align;  // asked for, usable, and what its address is a multiple of
  uint64_t id;                // of its contents, which fill the room
  int heap;                   // MALLOC, or which of `own`
} slot[SLOTS];
static midden_heap *own[HEAPS];  // NULL: the limit refused it
static size_t live;              // bytes of room
static uint64_t ids;

static midden_allocator *allocator(int heap) {
  return heap == MALLOC ? midden_allocator_malloc() : midden_heap_allocator(own[heap]);
}

// A heap by a number that chance gave.
static int heap_at(unsigned how) {
  int heap = (int)(how % (HEAPS + 1));
  return heap == MALLOC || own[heap] != NULL ? heap : MALLOC;
}

static void look(const struct slot *s) {
  if (s->p == NULL) return;
  MUST((uintptr_t)s->p % s->align == 0);
  MUST(midden_malloc_usable_size(s->p) == s->room && midden_heap_usable(s->p) == s->room);
  MUST(filled(s->p, s->room, s->id));
}

// That `p` is a block of `heap`'s alone, and that no address in it is one.
static void look_at_owner(const struct slot *s) {
  for (int h = 0; h <= HEAPS; h++) {
    if (h != MALLOC && own[h] == NULL) continue;
    midden_allocator *a = allocator(h);
    MUST(a->owns(a, s->p) == (h == s->heap && s->p != NULL));
    if (s->p == NULL) continue;
    MUST(s->room < 2 || !a->owns(a, s->p + 1));
    MUST(s->room <= 16 || !a->owns(a, s->p + 16));
    MUST(!a->owns(a, s->p + s->room / 2 + 1));
  }
  MUST(!allocator(MALLOC)->owns(allocator(MALLOC), &slot));
}

static void look_for_overlap(const struct slot *s) {
  for (const struct slot *t = slot; t < slot + SLOTS; t++)
    MUST(t == s || t->p == NULL || t->p + t->room <= s->p || s->p + s->room <= t->p);
}

static void forget(struct slot *s) {
  if (s->p != NULL) live -= s->room;
  s->p = NULL;
}

// Only a limit refuses; errno was 0 before the call.
static bool refused(const void *p) {
  if (p != NULL) return false;
  MUST(errno == ENOMEM && mid_options.heap_limit != 0);
  return true;
}

// `s` holds a new block, or nothing.
static void put(struct slot *s, void *p, size_t bytes, size_t align, int heap) {
  MUST(s->p == NULL);
  if (refused(p)) return;
  *s = (struct slot){p, bytes, midden_malloc_usable_size(p), mid_max(align, 16), ++ids, heap};
  MUST(s->room >= bytes && (uintptr_t)p % s->align == 0);
  live += s->room;
  look_for_overlap(s);
  look_at_owner(s);
  fill(p, s->room, s->id);
}

// `p` is what a resize of `s` gave.
static void put_again(struct slot *s, void *p, size_t bytes, size_t align, int heap) {
  if (refused(p)) return look(s);
  MUST(s->p == NULL || filled(p, mid_min(s->bytes, bytes), s->id));
  forget(s);
  put(s, p, bytes, align, heap);
}

static void drop(struct slot *s, unsigned how) {
  look(s);
  int heap = s->p == NULL ? MALLOC : s->heap;
  midden_allocator *a = allocator(heap);
  void *p = s->p;
  errno = 77;
  if (how % 4 == 0) midden_free(p);
  if (how % 4 == 1) midden_heap_free(p);
  if (how % 4 == 2) a->free(a, p, 0);
  if (how % 4 == 3) a->free(a, p, p == NULL ? 0 : s->bytes);
  MUST(errno == 77);
  MUST(!a->owns(a, p));
  forget(s);
  errno = 0;
}

// ---- the calls: each is about slot `s` ----

static size_t align_of(unsigned how) { return (size_t)1 << how % 22; }

static void call_malloc(struct slot *s, size_t bytes, unsigned how) {
  drop(s, how);
  put(s, midden_malloc(bytes), bytes, 16, MALLOC);
}

static void call_calloc(struct slot *s, size_t bytes, unsigned how) {
  drop(s, 0);
  size_t count = how % 7, each = count == 0 ? bytes : bytes / count;
  int heap = heap_at(how / 8);
  void *p =
      heap == MALLOC ? midden_calloc(count, each) : midden_heap_calloc(own[heap], count, each);
  MUST(p == NULL || test_zeroed(p, count * each));
  put(s, p, count * each, 16, heap);
}

static void call_aligned(struct slot *s, size_t bytes, unsigned how) {
  drop(s, 0);
  size_t align = align_of(how);
  put(s, midden_aligned_alloc(align, bytes), bytes, align, MALLOC);
}

static int owner_of(const void *p) {
  for (int h = 0; h < HEAPS; h++)
    if (own[h] != NULL && allocator(h)->owns(allocator(h), p)) return h;
  return MALLOC;
}

// A block of a heap may stay there or become malloc's.
static void call_realloc(struct slot *s, size_t bytes, unsigned how) {
  look(s);
  size_t count = how % 5 + 1;
  bool array = how / 8 % 2;
  if (array) bytes = bytes / count * count;
  void *p = array ? midden_reallocarray(s->p, count, bytes / count) : midden_realloc(s->p, bytes);
  int heap = owner_of(p);
  MUST(heap == MALLOC || (s->p != NULL && heap == s->heap) || p == NULL);
  put_again(s, p, bytes, 16, heap);
}

static void call_free(struct slot *s, size_t bytes, unsigned how) {
  (void)bytes;
  drop(s, how);
}

static void call_usable(struct slot *s, size_t bytes, unsigned how) {
  (void)bytes, (void)how;
  look(s);
  look_at_owner(s);
  MUST(midden_malloc_usable_size(NULL) == 0 && midden_heap_usable(NULL) == 0);
}

static void call_trim(struct slot *s, size_t bytes, unsigned how) {
  (void)s, (void)bytes, (void)how;
  int gave = midden_malloc_trim();
  MUST(gave == 0 || gave == 1);
}

static void call_heap_alloc(struct slot *s, size_t bytes, unsigned how) {
  int heap = heap_at(how % HEAPS);
  if (heap == MALLOC) return;
  drop(s, how);
  size_t align = how & 4 ? 16 : align_of(how / 8);
  void *p =
      how & 4 ? midden_heap_alloc(own[heap], bytes) : midden_heap_aligned(own[heap], align, bytes);
  put(s, p, bytes, align, heap);
}

static void call_heap_realloc(struct slot *s, size_t bytes, unsigned how) {
  int heap = s->p != NULL ? s->heap : heap_at(how);
  if (heap == MALLOC) return;
  look(s);
  put_again(s, midden_heap_realloc(own[heap], s->p, bytes), bytes, 16, heap);
}

static void call_allocator_alloc(struct slot *s, size_t bytes, unsigned how) {
  int heap = heap_at(how % 4);
  drop(s, how);
  midden_allocator *a = allocator(heap);
  size_t align = how < 32 ? 0 : align_of(how / 4);
  put(s, a->alloc(a, bytes, align), bytes, align, heap);
}

static void call_allocator_resize(struct slot *s, size_t bytes, unsigned how) {
  look(s);
  int heap = s->p != NULL ? s->heap : heap_at(how);
  midden_allocator *a = allocator(heap);
  size_t align = how < 32 ? 0 : align_of(how / 4), old = how % 2 && s->p != NULL ? s->bytes : 0;
  put_again(s, a->resize(a, s->p, old, bytes, align), bytes, align, heap);
}

// ---- the calls: about a heap or many blocks ----

// Enough of a size to fill spans.
static void call_burst(struct slot *s, size_t bytes, unsigned how) {
  for (unsigned i = 0; i < how / 2 && s + i < slot + SLOTS; i++)
    call_allocator_alloc(s + i, bytes % 4096, how % 2 * 2);
}

static void call_burst_free(struct slot *s, size_t bytes, unsigned how) {
  size_t step = bytes % 4 + 1;
  for (size_t i = 0; i < how / 2 && s + i < slot + SLOTS; i += step) drop(s + i, how);
}

struct walk {
  int heap;
  size_t seen, most;
};

static bool visit(void *block, size_t bytes, void *context) {
  struct walk *w = context;
  const struct slot *s = slot;
  while (s < slot + SLOTS && s->p != block) s++;
  MUST(s < slot + SLOTS && s->heap == w->heap && s->room == bytes);
  return ++w->seen < w->most;
}

static void walk(int heap, unsigned how) {
  size_t blocks = 0, bytes = 0;
  for (int i = 0; i < SLOTS; i++)
    if (slot[i].p != NULL && slot[i].heap == heap) blocks++, bytes += slot[i].room;
  struct walk all = {heap, 0, SIZE_MAX}, some = {heap, 0, how / 4 + 1};
  MUST(midden_heap_walk(own[heap], visit, &all) && all.seen == blocks);
  bool whole = midden_heap_walk(own[heap], visit, &some);
  MUST(some.seen == mid_min(blocks, some.most) && whole == (blocks < some.most));
  midden_stats stats = midden_heap_stats(own[heap]);
  MUST(stats.live_blocks == blocks && stats.live_bytes == bytes);
  MUST(stats.committed_bytes >= bytes && stats.peak_bytes >= stats.committed_bytes);
}

static void call_walk(struct slot *s, size_t bytes, unsigned how) {
  (void)s, (void)bytes;
  int heap = heap_at(how % HEAPS);
  if (heap != MALLOC) walk(heap, how);
}

// What malloc's allocator counts is at least what is there: frees may be told late.
static void call_stats(struct slot *s, size_t bytes, unsigned how) {
  (void)s, (void)bytes, (void)how;
  size_t blocks = 0, known = 0;
  for (int i = 0; i < SLOTS; i++)
    if (slot[i].p != NULL) blocks++, known += slot[i].room;
  midden_stats stats = allocator(MALLOC)->stats(allocator(MALLOC));
  MUST(stats.live_blocks >= blocks && stats.live_bytes >= known);
  MUST(stats.peak_bytes >= stats.committed_bytes && stats.committed_bytes >= known);
  size_t limit = mid_options.heap_limit;
  MUST(limit == 0 || stats.committed_bytes <= limit);
}

static void heap_open(int h) {
  midden_status status = midden_heap_open(&own[h]);
  MUST(status == MIDDEN_OK || (status == MIDDEN_NOMEM && mid_options.heap_limit != 0));
  if (status != MIDDEN_OK) own[h] = NULL;
}

static void heap_close(int h) {
  for (struct slot *s = slot; s < slot + SLOTS; s++)
    if (s->p != NULL && s->heap == h) look(s), forget(s);
  midden_heap_close(own[h]);
  own[h] = NULL;
}

static void call_close(struct slot *s, size_t bytes, unsigned how) {
  (void)s, (void)bytes;
  heap_close((int)how % HEAPS);
  heap_open((int)how % HEAPS);
}

static bool says(int number) {
  bool same = errno == number;
  errno = 0;
  return same;
}

// What must be refused whatever is free, and leave the block as it was.
static void call_absurd(struct slot *s, size_t bytes, unsigned how) {
  size_t huge = (size_t)PTRDIFF_MAX + 1 + bytes, many = SIZE_MAX / (bytes + 1) + 1 + how;
  MUST(midden_malloc(huge) == NULL && says(ENOMEM));
  MUST(bytes == 0 || (midden_calloc(many, bytes + 1) == NULL && says(ENOMEM)));
  MUST(bytes == 0 || (midden_reallocarray(s->p, bytes + 1, many) == NULL && says(ENOMEM)));
  MUST(midden_realloc(s->p, huge) == NULL && says(ENOMEM));
  MUST(midden_aligned_alloc(align_of(how), huge) == NULL && says(ENOMEM));
  MUST(midden_aligned_alloc(3 * align_of(how), bytes) == NULL && says(EINVAL));
  MUST(midden_aligned_alloc(0, bytes) == NULL && says(EINVAL));
  look(s);
}

static void check_heap(struct mid_heap *heap, void *context) {
  (void)context;
  mid_lock_take(&heap->lock);
  const char *broken = heap->kind == MID_HEAP_POOLED ? NULL : mid_heap_broken(heap);
  mid_lock_give(&heap->lock);
  if (broken != NULL) dprintf(2, "%s\n", broken), abort();
}

static void call_look(struct slot *s, size_t bytes, unsigned how) {
  (void)s, (void)bytes, (void)how;
  for (int i = 0; i < SLOTS; i++) look(&slot[i]);
  MUST(mid_span_broken() == NULL);
  mid_heaps_visit(check_heap, NULL);
}

static void call_thread_end(struct slot *s, size_t bytes, unsigned how);

typedef void call(struct slot *s, size_t bytes, unsigned how);

// What programs do most stands more than once.
// clang-format off
static call *const calls[] = {
  call_malloc,           call_malloc,           call_malloc,           call_malloc,
  call_free,             call_free,             call_free,             call_free,
  call_calloc,           call_calloc,           call_realloc,          call_realloc,
  call_aligned,          call_heap_alloc,       call_heap_alloc,       call_heap_realloc,
  call_allocator_resize, call_allocator_alloc,  call_usable,           call_trim,
  call_walk,             call_stats,            call_close,            call_absurd,
  call_look,             call_thread_end,       call_burst,            call_burst_free,
};
// clang-format on

static void step(const uint8_t *in) {
  static const uint8_t scale[] = {0, 0, 2, 4, 6, 8, 9, 12};  // up to 127 bytes, ... to 512 KiB
  unsigned size = (unsigned)in[2] | (unsigned)in[3] << 8;
  size_t bytes = (size_t)(size & 0x1fff) << scale[size >> 13] >> 6;
  if (live + bytes > MOST_LIVE) bytes %= 1024;
  errno = 0;
  calls[in[0] % 32 % (sizeof calls / sizeof *calls)](&slot[in[1]], bytes, in[4]);
}

// ---- the threads ----

enum { THREADS = 2 };

static struct thread {
  pthread_t id;
  bool runs;
  const uint8_t *in;  // the call to make; NULL: end
  sem_t go, done;
} threads[THREADS];

static void await(sem_t *sem) {
  while (sem_wait(sem) != 0) MUST(errno == EINTR);
}

static void *thread_work(void *with) {
  struct thread *t = with;
  for (;;) {
    await(&t->go);
    if (t->in == NULL) return NULL;
    step(t->in);
    sem_post(&t->done);
  }
}

static void thread_step(struct thread *t, const uint8_t *in) {
  if (!t->runs) {
    MUST(sem_init(&t->go, 0, 0) == 0 && sem_init(&t->done, 0, 0) == 0);
    MUST(pthread_create(&t->id, NULL, thread_work, t) == 0);
    t->runs = true;
  }
  t->in = in;
  sem_post(&t->go);
  await(&t->done);
}

static void thread_end(struct thread *t) {
  if (!t->runs) return;
  t->in = NULL;
  sem_post(&t->go);
  MUST(pthread_join(t->id, NULL) == 0);
  t->runs = false;
}

static void call_thread_end(struct slot *s, size_t bytes, unsigned how) {
  (void)s, (void)bytes;
  struct thread *t = &threads[how % THREADS];
  if (!t->runs || !pthread_equal(pthread_self(), t->id)) thread_end(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes) {
  for (int h = 0; h < HEAPS; h++) heap_open(h);
  for (; bytes >= CALL_BYTES; in += CALL_BYTES, bytes -= CALL_BYTES) {
    unsigned who = in[0] / 32;
    if (who < THREADS)
      thread_step(&threads[who], in);
    else
      step(in);
  }
  for (int h = 0; h < HEAPS; h++)
    if (own[h] != NULL) walk(h, 0), heap_close(h);
  thread_end(&threads[0]);
  for (int i = 0; i < SLOTS; i++) drop(&slot[i], (unsigned)i);
  thread_end(&threads[1]);
  call_look(NULL, 0, 0);
  return 0;
}
