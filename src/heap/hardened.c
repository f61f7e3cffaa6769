// heap/hardened.c -- see hardened.h.
// SPDX-License-Identifier: MIT
#include "heap/hardened.h"

#include <string.h>

#include "base/options.h"
#include "heap/sample.h"

enum { SLACK_MOST = 0xfff0 };

static bool hardened_make(struct mid_heap *heap) {
  if (heap->hardened != NULL) return true;
  struct mid_hardened *h = mid_meta_take(sizeof *h);
  if (h == NULL) return false;
  h->random = mid_os_random() | 1;
  heap->hardened = h;
  return true;
}

// ---- the table of a span, in span->asked ----

#define NO_BLOCK UINT32_MAX

// Tables of closed spans, by the power of two that they take, linked by their first word.  The lock
// is taken under a heap's only, so none holds it in a fork.
static struct mid_lock tables_lock;
static void *spare_tables[15];

// Behind the states: a bit for each block, whether it is a sample.
static size_t samples_bytes(const struct mid_span *span) { return span->capacity / 8u + 1; }

static unsigned table_order(const struct mid_span *span) {
  size_t states = span->capacity * sizeof(uint16_t);
  return mid_log2((sizeof(struct mid_hardened_table) + states + samples_bytes(span)) * 2 - 1);
}

static void *table_take(unsigned order) {
  mid_lock_take(&tables_lock);
  void *table = spare_tables[order];
  if (table != NULL) memcpy(&spare_tables[order], table, sizeof(void *));
  mid_lock_give(&tables_lock);
  return table != NULL ? table : mid_meta_take((size_t)1 << order);
}

static void table_give(unsigned order, void *table) {
  mid_lock_take(&tables_lock);
  memcpy(table, &spare_tables[order], sizeof(void *));
  spare_tables[order] = table;
  mid_lock_give(&tables_lock);
}

static struct mid_hardened_table *table_of(const struct mid_span *span) {
  return (struct mid_hardened_table *)span->asked;
}

// mid_span_none has no table, but reads as one without a block.
_Static_assert(offsetof(struct mid_hardened_table, few) + sizeof(uint32_t) <=
                   sizeof(struct mid_block),
               "few");

// Exact for a block's start: off < 2^19, and what the reciprocal is too large by is less than a
// block's share of 2^32.
static uint32_t index_at(const struct mid_hardened_table *table, size_t off) {
  return (uint32_t)(((uint64_t)off * table->reciprocal) >> 32);
}

static uint32_t block_index(const struct mid_span *span, const void *p) {
  const struct mid_hardened_table *table = table_of(span);
  return index_at(table, (size_t)((const char *)p - table->base));
}

static uint16_t state_at(const struct mid_hardened_table *table, uint32_t i) {
  return atomic_load_explicit(&table->state[i], memory_order_relaxed);
}

static void state_set(struct mid_hardened_table *table, uint32_t i, uint16_t state) {
  atomic_store_explicit(&table->state[i], state, memory_order_relaxed);
}

// Where the bit of block `i` is.  Without it each free into a span that ever had a sample would
// look for a record: 150 instructions of a pair.
static _Atomic uint8_t *samples_at(const struct mid_span *span, uint32_t i) {
  return (_Atomic uint8_t *)(void *)&table_of(span)->state[span->capacity] + i / 8;
}

// Block `i` is the sample, where it is.
MID_RARELY static void sample_take(struct mid_heap *heap, struct mid_span *span, uint32_t i) {
  mid_sample_in_place(heap, span);
  atomic_fetch_or_explicit(samples_at(span, i), (uint8_t)(1u << i % 8), memory_order_relaxed);
}

static inline bool is_sample(const struct mid_span *span, uint32_t i) {
  return atomic_load_explicit(samples_at(span, i), memory_order_relaxed) >> i % 8 & 1;
}

// It is freed, at `p`; so may its neighbours be, by others.
MID_RARELY static void sample_give(const struct mid_span *span, uint32_t i, const void *p) {
  atomic_fetch_and_explicit(samples_at(span, i), (uint8_t) ~(1u << i % 8), memory_order_relaxed);
  mid_sample_gave(p);
}

static uint32_t free_count(const struct mid_span *span) {
  return span->carved - mid_span_used(span);
}

static void bit_add(struct mid_hardened_table *table, uint32_t i) {
  table->free[i / 64] |= 1ull << i % 64;
  table->some |= 1ull << i / 64;
}

static bool bit_at(const struct mid_hardened_table *table, uint32_t i) {
  return (table->free[i / 64] >> i % 64) & 1;
}

static void bit_drop(struct mid_hardened_table *table, uint32_t i) {
  if ((table->free[i / 64] &= ~(1ull << i % 64)) == 0) table->some &= ~(1ull << i / 64);
}

// The first free block from `from` on, around the end; NO_BLOCK when there is none.
static uint32_t bit_next(const struct mid_hardened_table *table, uint32_t from) {
  uint32_t w = from / 64;
  uint64_t bits = table->free[w] >> from % 64;
  if (mid_likely(bits != 0)) return from + (uint32_t)__builtin_ctzll(bits);
  uint64_t some = table->some & (~0ull << w << 1);
  if (mid_unlikely(table->some == 0)) return NO_BLOCK;
  w = (uint32_t)__builtin_ctzll(some != 0 ? some : table->some);
  return w * 64 + (uint32_t)__builtin_ctzll(table->free[w]);
}

bool mid_hardened_open(struct mid_heap *heap, struct mid_span *span) {
  if (!hardened_make(heap)) return false;
  struct mid_hardened_table *table = table_take(table_order(span));
  if (table == NULL) return false;
  memset(table, 0, sizeof *table);
  memset((void *)table->state, 0xff, span->capacity * sizeof(uint16_t));  // MID_HARD_FREE
  memset((void *)&table->state[span->capacity], 0, samples_bytes(span));
  table->next = NO_BLOCK;
  table->base = (char *)mid_span_base(span);
  table->reciprocal = (uint32_t)((((uint64_t)1 << 32) + span->block_bytes - 1) / span->block_bytes);
  span->asked = (size_t)table;
  return true;
}

void mid_hardened_close(struct mid_span *span) {
  table_give(table_order(span), table_of(span));
  span->asked = 0;
}

// As much again as there is, and enough to choose from.
static uint32_t hard_carve_count(const struct mid_span *span) {
  enum { CHOICE = 16, CHOICE_BYTES = 16 << 10, FIRST_BYTES = 4 << 10 };
  size_t made = (size_t)span->carved * span->block_bytes;
  size_t choice = mid_min(CHOICE * (size_t)span->block_bytes, CHOICE_BYTES);
  size_t bytes = mid_max(mid_max(FIRST_BYTES, made), choice);
  return (uint32_t)mid_min(mid_max(bytes / span->block_bytes, 2), span->capacity - span->carved);
}

bool mid_hardened_carve(struct mid_heap *heap, struct mid_span *span, bool urgent) {
  uint32_t count = hard_carve_count(span);
  struct mid_fresh fresh;
  if (count == 0 || !mid_span_charge_blocks(heap, span, &count, urgent, &fresh)) return false;
  // Each block is cleared when it is freed, so all of them will be touched.
  if (!span->zero)
    memset((char *)mid_span_base(span) + fresh.from, 0, fresh.bytes);
  else if (fresh.bytes > mid_os_page_bytes())
    mid_span_populate(span, fresh.from, fresh.bytes);
  struct mid_hardened_table *table = table_of(span);
  for (uint32_t i = span->carved; i < span->carved + count; i++) bit_add(table, i);
  uint32_t used = mid_span_used(span);
  span->carved = (uint16_t)(span->carved + count);
  span->told = (uint16_t)(span->told + count);  // free, but never freed
  mid_span_watch(span, used);
  table->few = span->carved == span->capacity ? 0 : (uint32_t)mid_min(span->carved / 8u, 16u);
  mid_count_add(&heap->count[span->klass].carved, count);
  return true;
}

uint32_t mid_hardened_held(const struct mid_heap *heap, unsigned klass) {
  if (heap->hardened == NULL) return 0;
  return atomic_load_explicit(&heap->hardened->held_of[klass], memory_order_relaxed);
}

bool mid_hardened_has_free(const struct mid_span *span) { return table_of(span)->some != 0; }

bool mid_hardened_has_room(const struct mid_span *span) {
  return mid_hardened_has_free(span) || span->carved < span->capacity;
}

bool mid_hardened_has_choice(const struct mid_span *span) {
  return free_count(span) > table_of(span)->few;
}

bool mid_hardened_is_free(const struct mid_span *span, const void *p) {
  return state_at(table_of(span), block_index(span, p)) >= MID_HARD_HELD;
}

size_t mid_hardened_usable(const struct mid_span *span, const void *p) {
  return span->block_bytes - state_at(table_of(span), block_index(span, p));
}

// ---- what is in a block ----

// G. Marsaglia, "Xorshift RNGs", J. Stat. Softw. 8(14), 2003; seeded from the kernel.
static uint64_t random_next(struct mid_hardened *h) {
  h->random ^= h->random << 13;
  h->random ^= h->random >> 7;
  h->random ^= h->random << 17;
  return h->random;
}

// A random number below `most`.
static uint32_t random_below(struct mid_hardened *h, uint32_t most) {
  return (uint32_t)(((random_next(h) >> 32) * most) >> 32);
}

typedef uint64_t mid_pair __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t mid_word __attribute__((aligned(1), may_alias));

// Most blocks are of 16 to 64 bytes, which four pairs that overlap cover: a call would cost more.
enum { BLOCK_SHORT = 64 };
static inline void short_pairs(const char *p, size_t bytes, mid_pair *pair[4]) {
  const char *at[4] = {p, p + (bytes >> 6 << 4), p + (bytes >> 5 << 4), p + bytes - sizeof **pair};
  for (int i = 0; i < 4; i++) pair[i] = (mid_pair *)(uintptr_t)at[i];
}

static inline bool block_is_zero(const char *p, size_t bytes) {
  mid_pair *at[4];
  if (mid_unlikely(bytes > BLOCK_SHORT)) return *p == 0 && memcmp(p, p + 1, bytes - 1) == 0;
  short_pairs(p, bytes, at);
  mid_pair all = *at[0] | *at[1] | *at[2] | *at[3];
  return (all[0] | all[1]) == 0;
}

static inline void block_clear(char *p, size_t bytes) {
  mid_pair *at[4];
  if (mid_unlikely(bytes > BLOCK_SHORT)) {
    memset(p, 0, bytes);
    return;
  }
  short_pairs(p, bytes, at);
  *at[0] = *at[1] = *at[2] = *at[3] = (mid_pair){0};
}

// The tail holds eight bytes over and over, each at the addresses that have its place modulo 8.
// They are unlike in each process and block, and none is zero or even, so that the overflows there
// are most of always show.
static uint64_t secret[2];

void mid_hardened_start(void) {
  secret[0] = mid_os_random();
  secret[1] = mid_os_random() | 1;
}

static _Noreturn void crime_tail(const void *p) {
  mid_heap_crime("overwritten tail", p,
                 "the program wrote past the end of this block; look for a size that is too small");
}

static inline uint64_t tail_word(const void *p) {
  uint64_t mixed = ((uintptr_t)p ^ secret[0]) * secret[1];
  return (mixed ^ mixed >> 32) | 0x0101010101010101u;
}

static inline uint64_t tail_turned(uint64_t word, uintptr_t at) {
  unsigned by = at % 8 * 8;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  by = -by & 63;
#endif
  return word >> by | word << (-by & 63);
}

// The tail of the block `p` is `bytes` long, 8 or more, and ends at a multiple of 8.  Nearly all
// are short, and three words that overlap cover them: a loop's end would be hard to predict.
enum { TAIL_SHORT = 24 };

static inline void tail_fill(const void *p, char *tail, size_t bytes) {
  uint64_t word = tail_word(p), turned = tail_turned(word, (uintptr_t)tail);
  for (; mid_unlikely(bytes > TAIL_SHORT); bytes -= 16, tail += 16)
    *(mid_pair *)tail = (mid_pair){turned, turned};
  *(mid_word *)tail = turned;
  *(mid_word *)(tail + bytes / 16 * 8) = turned;
  *(mid_word *)(tail + bytes - 8) = word;
}

static inline void tail_check(const void *p, const char *tail, size_t bytes) {
  uint64_t word = tail_word(p), turned = tail_turned(word, (uintptr_t)tail), unlike = 0;
  mid_pair pair = {turned, turned}, pairs = {0};
  for (; mid_unlikely(bytes > TAIL_SHORT); bytes -= 16, tail += 16)
    pairs |= *(const mid_pair *)tail ^ pair;
  unlike |= pairs[0] | pairs[1];
  unlike |= *(const mid_word *)tail ^ turned;
  unlike |= *(const mid_word *)(tail + bytes / 16 * 8) ^ turned;
  unlike |= *(const mid_word *)(tail + bytes - 8) ^ word;
  if (mid_unlikely(unlike != 0)) crime_tail(p);
}

// ---- take ----

static inline uint32_t choose(struct mid_heap *heap, const struct mid_span *span) {
  return bit_next(table_of(span), random_below(heap->hardened, span->carved));
}

// A random block of `span`.
static inline void *take_any(struct mid_heap *heap, struct mid_span *span, size_t bytes) {
  struct mid_hardened_table *table = table_of(span);
  uint32_t i = table->next;
  if (mid_unlikely(i == NO_BLOCK || !bit_at(table, i))) i = choose(heap, span);
  // None: others are in use than the counts say, as fork cut a thread off.
  if (mid_unlikely(i == NO_BLOCK)) return NULL;
  size_t slack = mid_min(span->block_bytes - bytes, SLACK_MOST);
  unsigned klass = span->klass;
  struct mid_feed_count *count = &heap->count[klass];
  bit_drop(table, i);
  span->left++;
  if (span->told > 0)
    span->told--;
  else
    mid_count_add(&count->freed, 1);
  mid_count_add(&count->allocated, 1);
  if (mid_likely(mid_sample_granted(heap, klass) > 0))
    heap->grant[klass]--;
  else
    sample_take(heap, span, i);
  char *p = table->base + (size_t)i * span->block_bytes;
  // What is not zero was written by someone who had freed it.
  if (mid_unlikely(!block_is_zero(p, span->block_bytes))) mid_crime_in_list(p);
  tail_fill(p, p + span->block_bytes - slack, slack);
  state_set(table, i, (uint16_t)slack);
  if (mid_likely((i = table->next = choose(heap, span)) != NO_BLOCK))
    __builtin_prefetch(table->base + (size_t)i * span->block_bytes, 1);
  return p;
}

static void *take_locked(struct mid_heap *heap, unsigned klass, size_t bytes, bool urgent) {
  mid_lock_take(&heap->lock);
  mid_count_add(&heap->told.refills, 1);
  mid_count_add(&heap->count[klass].asked_samples, 1);
  mid_count_add(&heap->count[klass].asked_bytes, bytes);
  bool there = hardened_make(heap) && mid_heap_refill(heap, klass, urgent);
  void *p = there ? take_any(heap, heap->current[klass], bytes) : NULL;
  mid_tell_class(heap, klass);
  mid_lock_give(&heap->lock);
  mid_span_settle();
  return p;
}

enum { HARD_TELL_EVERY = 512 };  // takes

static inline void *take_own(struct mid_heap *heap, struct mid_span *span, size_t bytes) {
  if (mid_unlikely(free_count(span) <= table_of(span)->few ||
                   ++heap->reloads % HARD_TELL_EVERY == 0))
    return NULL;
  return take_any(heap, span, bytes);
}

void *mid_hardened_take(struct mid_heap *heap, unsigned klass, size_t bytes, bool urgent) {
  void *p = heap == mid_thread_heap ? take_own(heap, heap->current[klass], bytes) : NULL;
  if (p == NULL) p = take_locked(heap, klass, bytes, urgent);
  if (p == NULL && heap->hardened != NULL && heap->hardened->held_count > 0) {
    mid_hardened_flush(heap);  // what is held back is better than nothing
    p = take_locked(heap, klass, bytes, urgent);
  }
  return p;
}

void *mid_hardened_quick(size_t bytes) {
  struct mid_heap *heap = mid_thread_heap;
  if (bytes > MID_SMALL_MOST - MID_HARDENED_SLACK || !mid_heap_is_real(heap)) return NULL;
  return take_own(heap, heap->current[mid_class_of(bytes + MID_HARDENED_SLACK)], bytes);
}

// ---- give ----

static inline void push_at(const struct mid_span *span, uint32_t i) {
  struct mid_hardened_table *table = table_of(span);
  if (mid_unlikely(state_at(table, i) != MID_HARD_HELD))
    mid_heap_crime_double(table->base + (size_t)i * span->block_bytes);
  state_set(table, i, MID_HARD_FREE);
  bit_add(table, i);
}

void mid_hardened_push(struct mid_span *span, void *p) { push_at(span, block_index(span, p)); }

void mid_hardened_push_remote(struct mid_span *span, void *p) {
  uint32_t i = block_index(span, p);
  atomic_fetch_or_explicit(&table_of(span)->xfreed[i / 64], 1ull << i % 64, memory_order_release);
}

uint32_t mid_hardened_fold(struct mid_span *span, uint32_t count) {
  struct mid_hardened_table *table = table_of(span);
  uint32_t found = 0;
  for (uint32_t w = 0; found < count && w < MID_HARD_WORDS; w++) {
    uint64_t bits = atomic_load_explicit(&table->xfreed[w], memory_order_acquire), taken = 0;
    for (; bits != 0 && found < count; bits &= bits - 1, found++) {
      uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);
      taken |= bits & -bits;
      push_at(span, i);
    }
    if (taken != 0) atomic_fetch_and_explicit(&table->xfreed[w], ~taken, memory_order_relaxed);
  }
  return found;
}

static inline struct mid_span *span_at(const void *p) {
  struct mid_span *span = mid_map_find(p);
  return span->state == MID_SPAN_INNER ? span - span->slices : span;
}

static void release_any(struct mid_span *span, void *p) {
  mid_heap_give_block(span, p);
  mid_span_settle();
}

// `p` of `span` goes the way of any free, no longer held back.
static inline void release(struct mid_heap *heap, struct mid_span *span, void *p) {
  bool mine =
      heap == mid_thread_heap && atomic_load_explicit(&span->heap, memory_order_acquire) == heap;
  if (mid_unlikely(!mine || span->list == MID_LIST_FULL || span->left <= 1))
    return release_any(span, p);
  push_at(span, block_index(span, p));
  span->left--;
}

static inline void held_count(struct mid_hardened *h, const struct mid_span *span, int change) {
  _Atomic uint32_t *held = &h->held_of[span->klass];
  h->held_bytes += (size_t)change * span->block_bytes;
  atomic_store_explicit(held, atomic_load_explicit(held, memory_order_relaxed) + (uint32_t)change,
                        memory_order_relaxed);
}

static inline void *held_drop(struct mid_hardened *h, uint32_t i) {
  void *p = h->held[i];
  h->held[i] = h->held[--h->held_count];
  held_count(h, span_at(p), -1);
  return p;
}

// One of those that are too many bytes, NULL when there is none.
static inline void *held_over(struct mid_hardened *h) {
  bool over = h->held_bytes > mid_options.quarantine && h->held_count > 0;
  return mid_unlikely(over) ? held_drop(h, random_below(h, h->held_count)) : NULL;
}

// Hold `p` of `span`, in the place of one that was held long enough when all are taken: that one,
// with its span in *out; NULL when there was room.
__attribute__((always_inline)) static inline void *hold(struct mid_hardened *h,
                                                        const struct mid_span *span, void *p,
                                                        struct mid_span **out) {
  if (mid_unlikely(h->held_count < MID_HELD_MOST)) {
    h->held[h->held_count++] = p;
    held_count(h, span, 1);
    return NULL;
  }
  void **place = &h->held[random_below(h, MID_HELD_MOST)], *old = *place;
  *place = p;
  *out = span_at(old);
  if ((*out)->klass != span->klass) {
    held_count(h, *out, -1);
    held_count(h, span, 1);
  }
  return old;
}

// `p` is block `i`, in use, and its state changed to MID_HARD_HELD from `state`.
static inline void wipe(const struct mid_span *span, uint32_t i, char *p, uint16_t state) {
  if (mid_unlikely(mid_span_is_sampled(span)) && is_sample(span, i)) sample_give(span, i, p);
  tail_check(p, p + span->block_bytes - state, state);
  block_clear(p, span->block_bytes);
}

bool mid_hardened_give_quick(void *p) {
  struct mid_heap *heap = mid_thread_heap;
  struct mid_span *span = mid_map_find(p);
  if (span == NULL) return false;
  if (span->state == MID_SPAN_INNER) span -= span->slices;
  if (span->state != MID_SPAN_SMALL ||
      atomic_load_explicit(&span->heap, memory_order_relaxed) != heap || heap->hardened == NULL)
    return false;
  struct mid_hardened_table *table = table_of(span);
  size_t off = (size_t)((char *)p - table->base);
  uint32_t i = index_at(table, off);
  if ((size_t)i * span->block_bytes != off || i >= span->carved) return false;
  uint16_t state = state_at(table, i);
  if (state >= MID_HARD_HELD) return false;
  wipe(span, i, p, state);
  state_set(table, i, MID_HARD_HELD);
  struct mid_hardened *h = heap->hardened;
  struct mid_span *out;
  void *old = hold(h, span, p, &out);
  if (mid_likely(old != NULL)) release(heap, out, old);
  while ((old = held_over(h)) != NULL) release(heap, span_at(old), old);
  return true;
}

// The heap whose quarantine `p` goes to: its own when that is shared, as it may be closed; the
// calling thread's.
static struct mid_heap *holder_of(const struct mid_span *span) {
  struct mid_heap *heap = atomic_load_explicit(&span->heap, memory_order_acquire);
  return heap != NULL && mid_span_is_locked(span) ? heap : mid_thread_heap_get();
}

void mid_hardened_give(struct mid_span *span, void *p) {
  struct mid_heap *heap = holder_of(span);
  struct mid_hardened_table *table = table_of(span);
  uint32_t i = block_index(span, p);
  // Of two threads that free one block at a time, the second finds it held.
  uint16_t state = atomic_load_explicit(&table->state[i], memory_order_relaxed);
  do {
    if (state >= MID_HARD_HELD) mid_heap_crime_double(p);
  } while (!atomic_compare_exchange_weak_explicit(&table->state[i], &state, MID_HARD_HELD,
                                                  memory_order_relaxed, memory_order_relaxed));
  wipe(span, i, p, state);
  bool locked = heap != NULL && heap != mid_thread_heap;
  if (heap == NULL) return mid_heap_give_block(span, p);
  if (locked) mid_lock_take(&heap->lock);
  void *next = p;
  if (hardened_make(heap) && (next = hold(heap->hardened, span, p, &span)) == NULL)
    next = held_over(heap->hardened);
  while (next != NULL) {
    if (locked) mid_lock_give(&heap->lock);
    release(heap, span_at(next), next);
    if (locked) mid_lock_take(&heap->lock);
    next = heap->hardened != NULL ? held_over(heap->hardened) : NULL;
  }
  if (locked) mid_lock_give(&heap->lock);
}

void mid_hardened_flush(struct mid_heap *heap) {
  struct mid_hardened *h = heap->hardened;
  if (h == NULL) return;
  bool locked = heap->kind == MID_HEAP_SHARED || heap->kind == MID_HEAP_LATE;
  for (;;) {
    if (locked) mid_lock_take(&heap->lock);
    void *p = h->held_count > 0 ? held_drop(h, h->held_count - 1) : NULL;
    if (locked) mid_lock_give(&heap->lock);
    if (p == NULL) return;
    release(heap, span_at(p), p);
  }
}

void mid_hardened_forget(struct mid_heap *heap) {
  if (heap->hardened == NULL) return;
  heap->hardened->held_count = 0;
  heap->hardened->held_bytes = 0;
  for (unsigned c = 0; c < MID_CLASSES; c++) {
    mid_count_add(&heap->count[c].freed, mid_hardened_held(heap, c));
    atomic_store_explicit(&heap->hardened->held_of[c], 0, memory_order_relaxed);
  }
}

bool mid_hardened_resize(struct mid_span *span, void *p, size_t bytes) {
  if (bytes > MID_SMALL_MOST - MID_HARDENED_SLACK ||
      mid_class_of(bytes + MID_HARDENED_SLACK) != span->klass)
    return false;
  struct mid_hardened_table *table = table_of(span);
  uint32_t i = block_index(span, p);
  size_t slack = state_at(table, i), had = span->block_bytes - slack;
  char *at = p;
  tail_check(p, at + had, slack);
  if (bytes > had) memset(at + had, 0, bytes - had);
  slack = mid_min(span->block_bytes - bytes, SLACK_MOST);
  tail_fill(p, at + span->block_bytes - slack, slack);
  state_set(table, i, (uint16_t)slack);
  return true;
}

// ---- large blocks ----

static _Atomic uint64_t guarded;  // blocks with guards: up to four mappings each

// Where the second guard starts; the first, where there is one, is the span's first page.
static char *rear_of(const struct mid_span *span) {
  return (char *)mid_span_base(span) + span->bytes - mid_os_page_bytes();
}

static char *block_of(const struct mid_span *span) {
  return (char *)mid_span_base(span) + span->block_bytes;
}

// The tail of a large block, up to the second guard, may be shorter than a word.
static void large_tail(const struct mid_span *span, bool fill) {
  uint64_t word = tail_word(block_of(span));
  const char *bytes = (const char *)&word;
  for (char *at = block_of(span) + span->asked; at < rear_of(span); at++) {
    char byte = bytes[(uintptr_t)at % 8];
    if (fill)
      *at = byte;
    else if (mid_unlikely(*at != byte))
      crime_tail(block_of(span));
  }
}

void mid_hardened_guard(struct mid_span *span) {
  static _Atomic uint64_t most;
  if (most == 0) most = mid_os_mapping_limit() / 8;
  large_tail(span, true);
  if (atomic_fetch_add(&guarded, 1) >= most) {
    atomic_fetch_sub(&guarded, 1);
    return;
  }
  size_t page = mid_os_page_bytes();
  // One that fails leaves the other: guards are taken off together.
  span->guarded = true;
  (void)mid_os_guard(rear_of(span), page);
  if (span->block_bytes >= page) (void)mid_os_guard((void *)mid_span_base(span), page);
}

void mid_hardened_unguard(struct mid_span *span) {
  large_tail(span, false);
  void *base = (void *)mid_span_base(span);
  if (span->guarded) {
    (void)mid_os_unguard(base, span->bytes);
    atomic_fetch_sub(&guarded, 1);
  }
  mid_os_purge(base, span->bytes);
}
