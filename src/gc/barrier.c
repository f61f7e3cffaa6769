// gc/barrier.c -- what stores and loads do when the inline barrier is not enough.
// SPDX-License-Identifier: MIT
//
// An old object that is stored to is told of once: its bit MID_GC_OLD goes, and it is in the
// thread's log until a minor cycle finds nothing young in it, and sets the bit again.  Of a large
// array the bit stays, and each store marks the card of its slot.  Either is done before the store,
// so that a thread that is stopped in between has told too much, not too little.
#include "gc/gc.h"

static void barrier_log(midden_mutator *m, void *object) {
  if (mid_gc_untell(object) && !mid_gc_words_add(&mid_mutator_of(m)->log, (uintptr_t)object))
    __atomic_store_n(&m->gc->forgot, true, __ATOMIC_RELAXED);
}

// Of a large array: the byte that stands for the part that `slot` is in.
static uint8_t *barrier_card(const struct mid_gc_block *block, const midden_ref *slot) {
  return &block->cards[(size_t)((const char *)slot - block->base) / MID_GC_CARD];
}

static void barrier_tell(midden_mutator *m, void *object, midden_ref *slot) {
  struct mid_gc_block *block = mid_gc_block_of(object);
  if (block->cards == NULL) return barrier_log(m, object);
  __atomic_store_n(barrier_card(block, slot), 1, __ATOMIC_RELAXED);
}

static bool barrier_is_told(void *object, midden_ref *slot) {
  if ((__atomic_load_n(mid_gc_word(object), __ATOMIC_RELAXED) & MID_GC_OLD) == 0) return true;
  struct mid_gc_block *block = mid_gc_block_of(object);
  return block->cards != NULL && __atomic_load_n(barrier_card(block, slot), __ATOMIC_RELAXED) != 0;
}

// The log belongs to the thread, and a signal that stopped it there would find it half done.  But
// when it leaves it may be stopped, and the collection, which finds nothing young in the object
// yet, forgets what it was told.  A signal that comes later still does no harm: what the thread is
// at is remembered then.
void midden_gc_store_slow(midden_mutator *m, void *object, midden_ref *slot, void *value) {
  struct mid_mutator *own = mid_mutator_of(m);
  bool stress = (m->gc->keeps & MIDDEN_GC_PRECISE) == 0;
  (void)value;
  __builtin_unwind_init();
  do {
    mid_gc_enter(own);
    if (stress) mid_gc_stress(own);
    stress = false;
    if (!barrier_is_told(object, slot)) barrier_tell(m, object, slot);
    mid_gc_leave(own);
  } while (!barrier_is_told(object, slot));
}

void *midden_gc_load_slow(midden_mutator *m, midden_ref *slot, void *word) {
  (void)m, (void)slot;
  return word;  // no collector there is sets bits that m->bad asks for
}

static void barrier_before(midden_mutator *m, void *object, midden_ref *slot, void *value) {
  if ((mid_gc_read(mid_gc_word(object)) & m->mask) != 0)
    midden_gc_store_slow(m, object, slot, value);
}

bool midden_gc_cas(midden_mutator *m, void *object, midden_ref *slot, void *expected, void *value) {
  barrier_before(m, object, slot, value);
  return __atomic_compare_exchange_n(&slot->word, &expected, value, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

void *midden_gc_exchange(midden_mutator *m, void *object, midden_ref *slot, void *value) {
  barrier_before(m, object, slot, value);
  return __atomic_exchange_n(&slot->word, value, __ATOMIC_SEQ_CST);
}

void midden_gc_copy_refs(midden_mutator *m, void *object, midden_ref *to, midden_ref *from,
                         size_t count) {
  bool up = to > from && to < from + count;
  for (size_t i = 0; i < count; i++) {
    size_t k = up ? count - 1 - i : i;
    midden_gc_store(m, object, &to[k], midden_gc_load(m, &from[k]));
  }
}

void midden_gc_fill_refs(midden_mutator *m, void *object, midden_ref *to, void *value,
                         size_t count) {
  for (size_t i = 0; i < count; i++) midden_gc_store(m, object, &to[i], value);
}
