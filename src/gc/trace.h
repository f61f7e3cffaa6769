// gc/trace.h -- the references of an object, one by one.
// SPDX-License-Identifier: MIT
#ifndef MID_GC_TRACE_H
#define MID_GC_TRACE_H

#include "gc/gc.h"

static inline uint8_t *mid_gc_marked_at(const void *p) {
  uintptr_t a = (uintptr_t)p;
  return &mid_gc_windows[a >> MID_WINDOW_SHIFT]
              ->marked[(a >> MID_GC_BLOCK_SHIFT) & (MID_WINDOW_SLICES - 1)];
}

__attribute__((always_inline)) static inline void mid_gc_each_at(char *base, const uint32_t *offset,
                                                                 size_t refs, midden_visit *visit,
                                                                 void *context) {
  for (size_t i = 0; i < refs; i++)
    visit(context, (midden_ref *)(void *)(base + (size_t)offset[i] * MID_GC_WORD));
}

// `visit` is known where this is compiled, and so inline.  Not of types with words, weak ones and
// tables.
__attribute__((always_inline)) static inline void mid_gc_each_ref(void *object, uint64_t word,
                                                                  midden_visit *visit,
                                                                  void *context) {
  const struct mid_gc_type *type = mid_gc_type_in(word);
  char *base = object;
  if (type->inside == MID_GC_FIELDS) {
    mid_gc_each_at(base, type->offset, type->refs, visit, context);
    if (type->element_refs == 0) return;
    base += type->bytes;
    for (size_t n = midden_gc_count(object); n > 0; n--, base += type->element_bytes)
      mid_gc_each_at(base, type->element_offset, type->element_refs, visit, context);
  } else if (type->inside == MID_GC_REFS) {
    midden_ref *slot = object;
    for (size_t n = midden_gc_count(object); n > 0; n--) visit(context, slot++);
  } else if (type->inside == MID_GC_CALLS) {
    type->trace(object, mid_gc_field_bytes(object, word), visit, context);
  }
}

#endif
