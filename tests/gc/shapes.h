// tests/gc/shapes.h -- objects of every kind of type, and what must be in them.
// SPDX-License-Identifier: MIT
//
// A word of an object is a reference or data.  Data are made from the object's number, so that what
// was lost, torn, moved or shared shows.
#ifndef MID_GC_SHAPES_H
#define MID_GC_SHAPES_H

#include <stdatomic.h>

#include "midden/gc.h"
#include "support.h"
#include "test.h"

// In any thread, where a test's own checks mean nothing: say what does not hold, and stop.
#define MUST(cond)                                                         \
  do {                                                                     \
    if (!(cond)) {                                                         \
      dprintf(2, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
      abort();                                                             \
    }                                                                      \
  } while (0)

static inline void must_be_whole(midden_mutator *m) {
  const char *broken = midden_gc_verify(m);
  if (broken != NULL) dprintf(2, "the heap is broken: %s\n", broken);
  MUST(broken == NULL);
}

enum shape {
  FIELDS,    // references by offsets
  BITMAP,    // by a bitmap of two words
  ELEMENTS,  // in the fixed part and in elements
  REFS,      // in elements of nothing else
  BYTES,     // no references, elements of one byte
  ODD,       // no references, a size that is no multiple of 8
  WORDS,     // conservative
  TRACED,    // by a trace function
  STUCK,     // pinned
  ALIGNED,   // at multiples of 16
  DYING,     // with a finaliser, which counts in what word 3 points to
  EMPTY,     // no bytes at all
  NOTHING,   // not even a count of elements
  SHAPES
};

static const uint64_t shape_bits[] = {0x8421084210842106u, 0x2a};

struct shape_layout {
  size_t bytes, element_bytes;
};
static const struct shape_layout shape_layout[SHAPES] = {
    [FIELDS] = {64, 0}, [BITMAP] = {560, 0}, [ELEMENTS] = {16, 24}, [REFS] = {0, 8},
    [BYTES] = {0, 1},   [ODD] = {13, 0},     [WORDS] = {96, 0},     [TRACED] = {16, 8},
    [STUCK] = {32, 0},  [ALIGNED] = {32, 0}, [DYING] = {32, 0},     [EMPTY] = {0, 8},
    [NOTHING] = {0, 0}};

static inline bool shape_is_ref(enum shape s, size_t word) {
  switch (s) {
    case FIELDS:
      return word == 1 || word == 3 || word == 6;
    case BITMAP:
      return (shape_bits[word / 64] >> word % 64 & 1) != 0;
    case ELEMENTS:
      return word == 1 || (word >= 2 && (word - 2) % 3 != 1);
    case REFS:
      return true;
    case WORDS:
      return word % 2 == 1;
    case TRACED:
      return word >= 2;
    case STUCK:
    case DYING:
      return word == 1 || word == 2;
    case ALIGNED:
      return word == 1 || word == 3;
    default:
      return false;
  }
}
static inline bool shape_has_refs(enum shape s) { return s != BYTES && s != ODD && s < EMPTY; }
static inline size_t shape_bytes(enum shape s, size_t count) {
  return shape_layout[s].bytes + count * shape_layout[s].element_bytes;
}

// ---- types ----

static void shape_trace(void *object, size_t bytes, midden_visit *visit, void *context) {
  midden_ref *word = object;
  for (size_t i = 2; i < bytes / 8; i++) visit(context, &word[i]);
}

static void shape_count_death(void *object, void *context) {
  (void)context;
  _Atomic unsigned char *ran = (_Atomic unsigned char *)((uintptr_t *)object)[3];
  atomic_fetch_add(ran, 1);
}

static inline void shape_types_make(midden_gc *gc, midden_type **out) {
  static const uint32_t fields[] = {8, 24, 48}, fixed[] = {8}, element[] = {0, 16}, first[] = {0},
                        two[] = {8, 16}, apart[] = {8, 24};
  midden_type_config c[SHAPES] = {
      [FIELDS] = {.name = "fields", .offsets = fields, .refs = 3},
      [BITMAP] = {.name = "bitmap", .bitmap = shape_bits},
      [ELEMENTS] = {.name = "elements",
                    .offsets = fixed,
                    .refs = 1,
                    .element_offsets = element,
                    .element_refs = 2},
      [REFS] = {.name = "references", .element_offsets = first, .element_refs = 1},
      [BYTES] = {.name = "bytes"},
      [ODD] = {.name = "odd"},
      [WORDS] = {.name = "words", .flags = MIDDEN_TYPE_CONSERVATIVE},
      [TRACED] = {.name = "traced", .trace = shape_trace},
      [STUCK] = {.name = "stuck", .offsets = two, .refs = 2, .flags = MIDDEN_TYPE_PINNED},
      [ALIGNED] = {.name = "aligned", .offsets = apart, .refs = 2, .flags = MIDDEN_TYPE_ALIGN_16},
      [DYING] = {.name = "dying", .offsets = two, .refs = 2, .finalise = shape_count_death},
      [EMPTY] = {.name = "empty"},
      [NOTHING] = {.name = "nothing"}};
  for (int s = 0; s < SHAPES; s++) {
    c[s].bytes = shape_layout[s].bytes;
    c[s].element_bytes = shape_layout[s].element_bytes;
    if (midden_gc_type(gc, &c[s], &out[s]) != MIDDEN_OK) fail_msg("%s", midden_gc_why());
  }
}

// ---- objects ----

// How many elements: mostly few, now and then more than fit a block, and than a megabyte.
static inline size_t shape_random_count(enum shape s, uint64_t *random) {
  if (shape_layout[s].element_bytes == 0 || s >= EMPTY) return 0;
  uint64_t r = test_random(random) % 1024;
  size_t most = r == 0 ? (3 * MIB) / 2 : r < 12 ? 100000 : r < 64 ? 20000 : 400;
  return test_random_size(random, most / shape_layout[s].element_bytes);
}

static inline void *shape_new(midden_mutator *m, midden_type *const *types, enum shape s,
                              size_t count) {
  if (shape_layout[s].element_bytes != 0) return midden_gc_new_array(m, types[s], count);
  return midden_gc_new(m, types[s]);
}

static inline uint64_t shape_datum(uint64_t id, size_t word) {
  return word == 0 ? id : test_mix(id * 31 + word);
}

// All data words; references are left.
static inline void shape_fill(void *object, enum shape s, size_t count, uint64_t id) {
  size_t bytes = shape_bytes(s, count);
  if (!shape_has_refs(s)) {
    test_fill(object, bytes, id);
    return;
  }
  uint64_t *word = object;
  for (size_t i = 0; s != REFS && i < bytes / 8; i++)
    if (!shape_is_ref(s, i)) word[i] = shape_datum(id, i);
}

// Whether a new object is as it should be: all zero, of its type and size, aligned.
static inline bool shape_is_new(const void *object, const midden_type *type, enum shape s,
                                size_t count) {
  size_t align = s == ALIGNED ? 16 : 8, bytes = shape_bytes(s, count);
  return (uintptr_t)object % align == 0 && midden_gc_type_of(object) == type &&
         midden_gc_bytes(object) == bytes && test_zeroed(object, bytes) &&
         (shape_layout[s].element_bytes == 0 || midden_gc_count(object) == count);
}

#endif
