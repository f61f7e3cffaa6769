// gc/mark.c -- a major cycle that moves nothing, by one thread or several.
// SPDX-License-Identifier: MIT
//
// Each marker has a stack of references, not yet looked at, and before it a short queue of those
// whose words are on their way into the cache (C.-Y. Cher, A. Hosking, T. Vitek, "Software
// Prefetching for Mark-Sweep Garbage Collection", ASPLOS 2004; edges, not objects, are queued,
// after R. Garner, S. Blackburn, D. Frampton, "Effective Prefetch for Mark-Sweep", ISMM 2007):
//
//   scan --> stack --> | queue: prefetched | --> word: marked? --> scan
//
// A marker with much to do puts a part of its stack where others, who have nothing, take it.
// Several claim an object by an exchange, one by a store.
//
// Where words are ambiguous, objects are found by tables of their starts, made on the way: under a
// lock.  A heap whose every reference may point inside an object has one marker.
#include <string.h>

#include "gc/trace.h"

enum {
  MARK_QUEUE = 32,    // references whose words are being fetched
  MARK_PART = 64,     // references that change hands at a time: a tree's stack is never long
  MARK_PARTS = 256,   // that may wait for a taker
  MARK_PIECE = 2048,  // elements of an array that are scanned at a time
};

struct mark_pool {
  midden_gc *gc;
  struct mid_lock lock, finding;
  struct mid_gc_words parts;        // full ones: their references, MARK_PART after MARK_PART
  _Atomic uint32_t waiting, count;  // x: markers that look for work; parts there are
  _Atomic uint32_t round;           // x: a futex, moved on when a part is given or all is done
  _Atomic bool done;
  uint32_t markers;
};

// Two of them share no cache line, nor the pair of lines that some processors fetch.
struct mark_worker {
  _Alignas(128) struct mark_pool *pool;
  midden_gc *gc;
  struct mid_gc_words stack;
  uintptr_t queue[MARK_QUEUE];
  unsigned at;
  uint64_t objects, bytes;
  bool overflowed;
};

// ---- references ----

static void mark_push(struct mark_worker *w, uintptr_t ref) {
  if (mid_unlikely(!mid_gc_words_add(&w->stack, ref))) w->overflowed = true;
}

static void mark_visit(void *context, midden_ref *slot) {
  uintptr_t ref = (uintptr_t)__atomic_load_n(&slot->word, __ATOMIC_RELAXED);
  if (ref != 0) mark_push(context, ref);
}

static void *mark_owner(struct mark_worker *w, uintptr_t word) {
  bool alone = w->pool->markers == 1;
  if (!alone && mid_gc_block_around(w->gc, word) == NULL &&
      mid_gc_block_around(w->gc, word - 1) == NULL)
    return NULL;
  if (!alone) mid_lock_take(&w->pool->finding);
  void *owner = mid_gc_owner(w->gc, word);
  if (!alone) mid_lock_give(&w->pool->finding);
  return owner;
}

static void mark_words(struct mark_worker *w, void *object, size_t bytes) {
  const uintptr_t *word = object;
  for (size_t i = 0; i < bytes / sizeof *word; i++) {
    void *owner = mark_owner(w, word[i]);
    if (owner != NULL) mark_push(w, (uintptr_t)owner);
  }
}

// A large array is scanned piece by piece, what is left of it being a reference of its own: the
// address of the next element, with its lowest bit set.
static void mark_piece(struct mark_worker *w, midden_ref *slot) {
  void *array = mid_gc_block_of(slot)->object;
  midden_ref *end = (midden_ref *)array + midden_gc_count(array);
  midden_ref *stop = end - slot > MARK_PIECE ? slot + MARK_PIECE : end;
  if (stop < end) mark_push(w, (uintptr_t)stop | 1);
  for (; slot < stop; slot++) mark_visit(w, slot);
}

static bool mark_in_pieces(const midden_gc *gc, void *object, uint64_t word) {
  return mid_gc_type_in(word)->inside == MID_GC_REFS && (gc->keeps & MIDDEN_GC_INTERIOR) == 0 &&
         mid_gc_block_of(object)->object != NULL;
}

static void mark_scan(struct mark_worker *w, void *object, uint64_t word) {
  if (mark_in_pieces(w->gc, object, word)) return mark_piece(w, object);
  switch (mid_gc_type_in(word)->inside) {
    case MID_GC_WORDS:
      mark_words(w, object, mid_gc_field_bytes(object, word));
      break;
    case MID_GC_WEAK:
      (void)mid_gc_weak_found(w->gc, object);
      break;
    case MID_GC_TABLE:
      (void)mid_gc_table_found(w->gc, object);
      break;
    default:
      mid_gc_each_ref(object, word, mark_visit, w);
  }
}

// The colour is in the first byte, which nobody else writes meanwhile.
static bool mark_claim(const struct mark_worker *w, void *object, uint64_t *out) {
  const midden_gc *gc = w->gc;
  uint64_t *at = mid_gc_word(object);
  uint64_t word = mid_gc_read(at);
  *out = word;
  if (mid_gc_colour(word) == gc->colour) return false;
  uint8_t byte =
      (uint8_t)((word & 0xff & ~(uint64_t)MID_GC_MARK) | gc->colour << MID_GC_MARK_SHIFT);
  if (w->pool->markers == 1) {
    __atomic_store_n((uint8_t *)at, byte, __ATOMIC_RELAXED);
    return true;
  }
  uint8_t before = __atomic_exchange_n((uint8_t *)at, byte, __ATOMIC_RELAXED);
  return mid_gc_colour(before) != gc->colour;
}

static void mark_ref(struct mark_worker *w, uintptr_t ref) {
  midden_gc *gc = w->gc;
  void *object = (void *)ref;
  uint64_t word;
  if (mid_unlikely((ref & 1) != 0) && (gc->keeps & MIDDEN_GC_INTERIOR) == 0)
    return mark_piece(w, (midden_ref *)(ref - 1));
  if ((gc->keeps & MIDDEN_GC_INTERIOR) != 0 && (object = mid_gc_owner(gc, ref)) == NULL) return;
  if ((*mid_gc_kind_at(object) & gc->scope) == 0 || !mark_claim(w, object, &word)) return;
  // Other markers' neighbours share its cache line: it is written to once a block.
  uint8_t *marked = mid_gc_marked_at(object);
  if (__atomic_load_n(marked, __ATOMIC_RELAXED) == 0) __atomic_store_n(marked, 1, __ATOMIC_RELAXED);
  w->objects++;
  w->bytes += mid_gc_whole_bytes(object, word);
  mid_gc_type_seen(mid_gc_type_in(word));
  if (mid_unlikely((word & MID_GC_KEY) != 0)) mid_gc_key_found(gc, object);
  mark_scan(w, object, word);
}

// ---- a marker ----

static void mark_give_part(struct mark_worker *w) {
  struct mark_pool *p = w->pool;
  mid_lock_take(&p->lock);
  bool given = p->parts.count < (size_t)MARK_PARTS * MARK_PART;
  // The oldest references: the roots of what is largest.
  for (size_t i = 0; given && i < MARK_PART; i++)
    given = mid_gc_words_add(&p->parts, w->stack.word[i]);
  if (given) {
    memmove(w->stack.word, w->stack.word + MARK_PART,
            (w->stack.count - MARK_PART) * sizeof *w->stack.word);
    w->stack.count -= MARK_PART;
    atomic_store_explicit(&p->count, (uint32_t)(p->parts.count / MARK_PART), memory_order_relaxed);
  }
  mid_lock_give(&p->lock);
  if (!given) return;
  atomic_fetch_add(&p->round, 1);
  mid_os_word_wake(&p->round);
}

static void mark_drain(struct mark_worker *w) {
  struct mark_pool *p = w->pool;
  unsigned left = MARK_QUEUE;
  while (w->stack.count > 0 || left > 0) {
    uintptr_t next = 0;
    if (w->stack.count > 0) {
      next = w->stack.word[--w->stack.count];
      __builtin_prefetch((char *)next - 8);
      left = MARK_QUEUE;
    } else {
      left--;
    }
    uintptr_t ref = w->queue[w->at];
    w->queue[w->at] = next;
    w->at = (w->at + 1) % MARK_QUEUE;
    if (ref != 0) mark_ref(w, ref);
    if (mid_unlikely(w->stack.count > 2 * MARK_PART) &&
        atomic_load_explicit(&p->waiting, memory_order_relaxed) > 0)
      mark_give_part(w);
  }
}

static bool mark_take_part(struct mark_worker *w) {
  struct mark_pool *p = w->pool;
  mid_lock_take(&p->lock);
  bool taken = p->parts.count >= MARK_PART;
  if (taken) {
    p->parts.count -= MARK_PART;
    for (size_t i = 0; i < MARK_PART; i++) mark_push(w, p->parts.word[p->parts.count + i]);
    atomic_store_explicit(&p->count, (uint32_t)(p->parts.count / MARK_PART), memory_order_relaxed);
  }
  mid_lock_give(&p->lock);
  return taken;
}

// Until all markers look for work, and there is none.
static void mark_work(void *context) {
  struct mark_worker *w = context;
  struct mark_pool *p = w->pool;
  for (;;) {
    mark_drain(w);
    if (mark_take_part(w)) continue;
    uint32_t round = atomic_load(&p->round);
    if (atomic_fetch_add(&p->waiting, 1) + 1 == p->markers && atomic_load(&p->count) == 0) {
      atomic_store(&p->done, true);
      atomic_fetch_add(&p->round, 1);
      mid_os_word_wake(&p->round);
      return;
    }
    while (!atomic_load(&p->done) && atomic_load(&p->count) == 0) {
      mid_os_word_wait(&p->round, round, 1000);
      round = atomic_load(&p->round);
    }
    if (atomic_load(&p->done)) return;
    atomic_fetch_sub(&p->waiting, 1);
  }
}

// ---- all of them ----

// A stack that could not grow lost references: what is marked is scanned again.
static void mark_again(midden_gc *gc) {
  gc->overflowed = true;
  mid_gc_trace_all(gc);
}

void mid_gc_mark_all(midden_gc *gc) {
  enum { MOST = 16 };
  struct mark_pool pool = {.gc = gc};
  struct mark_worker worker[MOST] = {0};
  bool alone = (gc->keeps & MIDDEN_GC_INTERIOR) != 0;
  unsigned most = alone ? 1 : (unsigned)mid_min(gc->threads, MOST);
  mid_gc_ahead_stop(gc);
  pool.markers = 1 + mid_gc_helpers_ready(gc, most - 1);
  for (unsigned i = 0; i < pool.markers; i++)
    worker[i] = (struct mark_worker){.pool = &pool, .gc = gc};
  // What roots have marked already is scanned: its references are where the markers start.
  while (gc->stack.count > 0) {
    void *object = (void *)gc->stack.word[--gc->stack.count];
    mark_scan(&worker[0], object, *mid_gc_word(object));
  }
  for (unsigned i = 1; i < pool.markers; i++) mid_gc_helper_start(gc, i - 1, mark_work, &worker[i]);
  mark_work(&worker[0]);
  bool overflowed = gc->overflowed;
  for (unsigned i = 0; i < pool.markers; i++) {
    if (i > 0) mid_gc_helper_wait(gc, i - 1);
    gc->now.marked += worker[i].objects;
    gc->reached += worker[i].bytes;
    overflowed |= worker[i].overflowed;
    mid_gc_words_close(&worker[i].stack);
  }
  mid_gc_words_close(&pool.parts);
  if (overflowed) mark_again(gc);
}
