// gc/type.c -- what objects are made of.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/text.h"
#include "gc/gc.h"
#include "midden/malloc.h"

// ---- why a call failed, for each thread ----

static __thread __attribute__((tls_model("initial-exec"))) char type_why[192];

const char *midden_gc_why(void) { return type_why; }

midden_status mid_gc_fail(const char *what, const char *name, const char *why) {
  struct mid_text text = mid_text_open(type_why, sizeof type_why);
  mid_text_add(&text, what);
  mid_text_add(&text, " ");
  mid_text_add(&text, name != NULL ? name : "without a name");
  mid_text_add(&text, ": ");
  mid_text_add(&text, why);
  return MIDDEN_INVALID;
}

// ---- what is wrong with a description ----

static const char *type_offsets_wrong(const uint32_t *offset, size_t count, size_t bytes) {
  for (size_t i = 0; i < count; i++) {
    if (offset[i] % MID_GC_WORD != 0) return "a reference is not at a multiple of 8 bytes";
    if (offset[i] + MID_GC_WORD > bytes) return "a reference lies outside of the object";
    if (i > 0 && offset[i] <= offset[i - 1]) return "the offsets of references do not rise";
  }
  return NULL;
}

static const char *type_wrong(const midden_type_config *c) {
  bool refs = c->refs > 0 || c->bitmap != NULL || c->element_refs > 0;
  if (c->bytes >= UINT32_MAX / 2 || c->element_bytes >= UINT32_MAX / 2) return "it is too large";
  if (c->bitmap != NULL && c->refs > 0) return "it has offsets and a bitmap: one is enough";
  if (refs && (c->trace != NULL || (c->flags & MIDDEN_TYPE_CONSERVATIVE) != 0))
    return "it has references and is traced in another way";
  if (c->trace != NULL && (c->flags & MIDDEN_TYPE_CONSERVATIVE) != 0)
    return "it is conservative and has a trace function: one is enough";
  if (c->element_refs > 0 && c->element_bytes % MID_GC_WORD != 0)
    return "elements with references are not of a multiple of 8 bytes";
  if (c->element_refs > 0 && c->bytes % MID_GC_WORD != 0)
    return "its elements with references do not start at a multiple of 8 bytes";
  const char *wrong = c->bitmap == NULL ? type_offsets_wrong(c->offsets, c->refs, c->bytes) : NULL;
  return wrong != NULL ? wrong
                       : type_offsets_wrong(c->element_offsets, c->element_refs, c->element_bytes);
}

// ---- making one ----

static size_t type_bitmap_refs(const midden_type_config *c, uint32_t *out) {
  size_t n = 0;
  for (size_t i = 0; i < c->bytes / MID_GC_WORD; i++)
    if ((c->bitmap[i / 64] >> i % 64 & 1) != 0) {
      if (out != NULL) out[n] = (uint32_t)i;
      n++;
    }
  return n;
}

static enum mid_gc_inside type_inside(const midden_type_config *c, size_t refs) {
  if (c->trace != NULL) return MID_GC_CALLS;
  if ((c->flags & MIDDEN_TYPE_CONSERVATIVE) != 0) return MID_GC_WORDS;
  if (refs == 0 && c->element_refs == 0) return MID_GC_BYTES;
  bool only = c->bytes == 0 && c->element_refs == 1 && c->element_bytes == MID_GC_WORD;
  return only ? MID_GC_REFS : MID_GC_FIELDS;
}

static void type_fill(struct mid_gc_type *t, const midden_type_config *c, size_t refs) {
  t->bytes = (uint32_t)c->bytes;
  t->element_bytes = (uint32_t)c->element_bytes;
  t->refs = (uint32_t)refs;
  t->element_refs = (uint32_t)c->element_refs;
  t->flags = c->flags;
  t->trace = c->trace;
  t->finalise = c->finalise;
  t->context = c->context;
  t->inside = type_inside(c, refs);
  t->offset = (uint32_t *)(t + 1);
  t->element_offset = t->offset + refs;
  if (c->bitmap != NULL) (void)type_bitmap_refs(c, t->offset);
  for (size_t i = 0; c->bitmap == NULL && i < refs; i++) t->offset[i] = c->offsets[i] / MID_GC_WORD;
  for (size_t i = 0; i < c->element_refs; i++)
    t->element_offset[i] = c->element_offsets[i] / MID_GC_WORD;
  char *name = (char *)(t->element_offset + c->element_refs);
  strcpy(name, c->name != NULL ? c->name : "object");
  t->name = name;
  bool inlined = c->flags == 0 && c->finalise == NULL && c->element_bytes == 0 && c->bytes > 0 &&
                 mid_round_up(c->bytes, MID_GC_WORD) + MID_GC_WORD <= MID_GC_LARGE;
  t->seen.need = inlined ? mid_round_up(c->bytes, MID_GC_WORD) + MID_GC_WORD : SIZE_MAX >> 2;
  t->seen.word =
      (uint64_t)(uintptr_t)t << MID_GC_BITS | (c->element_bytes != 0 ? MID_GC_COUNTED : 0);
}

struct mid_gc_type *mid_gc_type_make(midden_gc *gc, const midden_type_config *c) {
  size_t refs = c->bitmap != NULL ? type_bitmap_refs(c, NULL) : c->refs;
  size_t bytes = sizeof(struct mid_gc_type) + (refs + c->element_refs) * sizeof(uint32_t) +
                 strlen(c->name != NULL ? c->name : "object") + 1;
  struct mid_gc_type *t = midden_calloc(1, bytes);
  if (t == NULL) return NULL;
  type_fill(t, c, refs);
  t->gc = gc;
  t->whole_bytes = bytes;
  mid_lock_take(&gc->types_lock);
  t->next = gc->types;
  gc->types = t;
  gc->type_count++;
  gc->type_bytes += bytes;
  mid_lock_give(&gc->types_lock);
  return t;
}

midden_status midden_gc_type(midden_gc *gc, const midden_type_config *c, midden_type **out) {
  const char *wrong = type_wrong(c);
  if (wrong != NULL) return mid_gc_fail("type", c->name, wrong);
  struct mid_gc_type *t = mid_gc_type_make(gc, c);
  if (t == NULL) return MIDDEN_NOMEM;
  *out = &t->seen;
  return MIDDEN_OK;
}

// ---- giving it back ----

void midden_gc_type_drop(midden_gc *gc, midden_type *type) {
  (void)gc;
  ((struct mid_gc_type *)type)->dropped = true;
}

static void type_free(midden_gc *gc, struct mid_gc_type *t) {
  gc->type_count--;
  gc->type_bytes -= t->whole_bytes;
  midden_free(t);
}

// Dead objects need their type until they are swept: that is once more after the cycle that found
// none.
void mid_gc_types_found(midden_gc *gc) {
  for (struct mid_gc_type *t = gc->types; t != NULL; t = t->next) {
    if (!t->dropped) continue;
    t->empty = atomic_load_explicit(&t->found, memory_order_relaxed) == 0 ? t->empty + 1 : 0;
    atomic_store_explicit(&t->found, 0, memory_order_relaxed);
  }
}

void mid_gc_types_free(midden_gc *gc) {
  mid_lock_take(&gc->types_lock);
  for (struct mid_gc_type **at = &gc->types, *t; (t = *at) != NULL;) {
    if (t->empty < 2) {
      at = &t->next;
      continue;
    }
    *at = t->next;
    type_free(gc, t);
  }
  mid_lock_give(&gc->types_lock);
}

void mid_gc_types_close(midden_gc *gc) {
  for (struct mid_gc_type *t = gc->types, *next; t != NULL; t = next) {
    next = t->next;
    type_free(gc, t);
  }
}
