// gc/hash.c -- a number for each object that stays the same wherever it moves.
// SPDX-License-Identifier: MIT
//
// It comes from the address, so that objects which are never asked for it have none.  Asking sets
// MID_GC_HASHED; a copy that is made then has the number in a word of its own:
//
//   asked    | type word, HASHED            | fields |
//   copied   | type word, HASHED, HASH_KEPT | fields | hash |
//
// The same young blocks are filled again and again: when the block was taken counts as well, or
// each address would give its number to an object of every minor cycle.
//
// Source: O. Agesen, "Space and Time-Efficient Hashing of Garbage-Collected Objects", TAPOS 5(2),
// 1999.
#include "gc/gc.h"

// Addresses are multiples of 8 and close to each other: all bits of the product's upper half depend
// on all that differ.
uint64_t mid_gc_hash_of_address(uintptr_t address) {
  uint64_t a = (uint64_t)address >> 3;
  a = (a ^ a >> 29) * 0xd1342543de82ef95u;
  return a ^ a >> 32;
}

uint64_t mid_gc_hash_here(const void *object) {
  return mid_gc_hash_of_address((uintptr_t)object +
                                ((uintptr_t)mid_gc_block_of(object)->born << 44));
}

uint64_t midden_gc_hash(midden_mutator *m, void *object) {
  (void)m;
  uint64_t word = mid_gc_read(mid_gc_word(object));
  if ((word & MID_GC_HASH_KEPT) != 0) {
    size_t bytes = mid_round_up(mid_gc_field_bytes(object, word), MID_GC_WORD);
    return ((const uint64_t *)object)[bytes / MID_GC_WORD];
  }
  // Other threads may clear MID_GC_OLD in the same byte.
  if ((word & MID_GC_HASHED) == 0)
    __atomic_fetch_or((uint8_t *)mid_gc_word(object), MID_GC_HASHED, __ATOMIC_RELAXED);
  return mid_gc_hash_here(object);
}
