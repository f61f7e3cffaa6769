/* midden/gc.h -- collected heaps: objects that are freed when nothing refers to them any more.
 * SPDX-License-Identifier: MIT
 *
 *   object   | type word | fields ... |            `p` points at the fields
 *   array    | count | type word | fields ... | element 0 | element 1 | ...
 *
 * A heap is worked on through a mutator, one for each thread and heap.  Its first words are the
 * inline paths': allocation moves `top` towards `limit`, a store asks the object's type word by
 * `mask`, a load asks the value by `bad`.  What they call when that fails is the collector's.
 *
 * source  R. Jones, A. Hosking, E. Moss, "The Garbage Collection Handbook", 2nd ed., 2023
 *         J. Bartlett, "Compacting Garbage Collection with Ambiguous Roots", DEC WRL 88/2, 1988
 *         S. Blackburn, K. McKinley, "Immix: A Mark-Region Garbage Collector", PLDI 2008
 */
#ifndef MIDDEN_GC_H
#define MIDDEN_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midden/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct midden_gc midden_gc;
typedef struct midden_gc_collection midden_gc_collection;

/* A field that refers to an object, as the collector sees it.  A program that keeps to accessors
 * declares its fields so; one in plain C has pointers of its own types in these places. */
typedef struct midden_ref {
  void *word;
}
#if defined(__GNUC__)
__attribute__((__may_alias__))
#endif
midden_ref;

/* ---- heaps ---- */

/* What the program promises of all its code that touches objects of this heap.  A collector that
 * needs more refuses by name.
 *
 *   collector      needs
 *   mark-sweep     nothing
 *   copying        nothing
 *   no-barrier     nothing
 *   generational   stores
 */
enum midden_gc_keeps {
  MIDDEN_GC_PLAIN = 0,
  MIDDEN_GC_STORES = 1 << 0, /* references are stored by midden_gc_store and its like, never by = */
  MIDDEN_GC_LOADS = 1 << 1,  /* they are loaded by midden_gc_load */
  MIDDEN_GC_POLLS = 1 << 2,  /* loops that do not allocate call midden_gc_poll */
  MIDDEN_GC_PRECISE =
      1 << 3, /* what is needed after a poll is in frames, handles or roots, not just
                 in local variables; with polls.  Stacks are then not scanned */
  MIDDEN_GC_INTERIOR = 1 << 4 /* fields may point into an object, or just past its end */
};

/* Told of what happens.  Each may be NULL.  The world is stopped in all but the first: they may not
 * allocate, wait, or touch objects. */
typedef struct midden_gc_events {
  void (*stopping)(void *context, const char *cause);
  void (*stopped)(void *context, double reach_seconds);
  void (*collected)(void *context, const midden_gc_collection *c);
} midden_gc_events;

enum midden_gc_scope { MIDDEN_GC_MINOR, MIDDEN_GC_MAJOR };

/* All zero is a good start.  What is 0 here is what MIDDEN_OPTIONS says, or its default; where
 * MIDDEN_OPTIONS names a value itself it wins, so that a program can be tried in another way. */
typedef struct midden_gc_config {
  const char *collector; /* by name; NULL: generational where the program keeps to stores, else
                            mark-sweep */
  unsigned keeps;        /* of enum midden_gc_keeps */
  size_t initial_bytes;  /* gc_initial: no collection before so much is in use */
  size_t max_bytes;      /* gc_max: never more */
  size_t soft_bytes;  /* gc_soft_max: collected more often to stay below, where what lives fits */
  size_t young_bytes; /* gc_young: Eden and two survivors */
  unsigned threads;   /* gc_threads: that collect, the one that asks among them */
  int stop_signal;    /* for threads that do not poll; 0: the last but two real-time one */
  /* The heap is full: `bytes` are wanted that are not there after a collection.  It may drop what
   * the program can spare, and returns whether to try once more; else the allocation returns NULL.
   */
  bool (*out_of_memory)(void *context, size_t bytes);
  const midden_gc_events *events;
  void *context; /* for both */
} midden_gc_config;

/* Open a heap.
 * config   NULL: all zero
 * out      written only on MIDDEN_OK
 * errors   MIDDEN_INVALID: the collector needs what the program does not keep to, or there is none
 * of this name: midden_gc_why tells; MIDDEN_NOMEM threads  any; a heap may be used by all
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_open(const midden_gc_config *config,
                                                       midden_gc **out);
/* Why the calling thread's last midden_gc_open or midden_gc_type failed, in a sentence. */
MIDDEN_API const char *midden_gc_why(void);
/* All mutators must be detached.  Pending finalisers are run, those of live objects are not. */
MIDDEN_API void midden_gc_close(midden_gc *gc);
MIDDEN_API const char *midden_gc_collector(const midden_gc *gc);

/* ---- types ---- */

/* What objects are made of.  Private, but for the inline functions. */
typedef struct midden_type {
  size_t need;   /* bytes of an object with its type word; more than any limit: not inline */
  uint64_t word; /* what is stored before its fields */
} midden_type;

/* Called with each reference of an object. */
typedef void midden_visit(void *context, midden_ref *slot);

enum midden_type_flags {
  MIDDEN_TYPE_CONSERVATIVE = 1 << 0, /* any word of it may be a pointer: it is never moved, and what
                                        it points at is not either */
  MIDDEN_TYPE_PINNED = 1 << 1,       /* objects of it are never moved */
  MIDDEN_TYPE_ALIGN_16 = 1 << 2      /* their fields start at a multiple of 16; else of 8 */
};

/* An object has a fixed part, and after it `count` elements if the type has elements. */
typedef struct midden_type_config {
  const char *name;        /* for dumps and logs; copied */
  size_t bytes;            /* of the fixed part; may be 0 with elements */
  const uint32_t *offsets; /* of the references in the fixed part, rising, multiples of 8 */
  size_t refs;             /* how many */
  const uint64_t *bitmap;  /* or, instead of offsets: bit i: word i is one */
  size_t element_bytes;    /* a multiple of 8, or of bytes without references; 0: no elements */
  const uint32_t *element_offsets;
  size_t element_refs;
  unsigned flags; /* of enum midden_type_flags */
  /* Instead of offsets: calls `visit` for each reference.  It runs while other threads store:
   * lengths are read once and not believed, nothing is locked or allocated. */
  void (*trace)(void *object, size_t bytes, midden_visit *visit, void *context);
  /* Called once, after the object has become unreachable, by midden_gc_finalise; what it then
   * refers to is whole.  If it makes the object reachable, it lives on, without a finaliser. */
  void (*finalise)(void *object, void *context);
  void *context; /* for finalise */
} midden_type_config;

/* Describe a type.  It lies outside of the heap, and is counted.
 * errors  MIDDEN_INVALID: midden_gc_why tells; MIDDEN_NOMEM
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_type(midden_gc *gc, const midden_type_config *c,
                                                       midden_type **out);
/* Give it back once no object of it is left: after the next major collection that finds none. */
MIDDEN_API void midden_gc_type_drop(midden_gc *gc, midden_type *type);

/* ---- threads ---- */

typedef struct midden_frame {
  struct midden_frame *up;
  midden_ref *slot;
  size_t count;
} midden_frame;

/* A thread's way into a heap.  Private, but for the inline functions. */
typedef struct midden_mutator {
  char *top;     /* next object; only the thread itself changes it */
  char *limit;   /* x: lowered by who wants the thread to stop */
  uint64_t mask; /* of type words: a store to such an object is told of first */
  uintptr_t bad; /* of references: a loaded one with such bits is looked at first */
  midden_frame *frames;
  uint32_t stop; /* x: set by who wants the thread to stop */
  midden_gc *gc;
  uint64_t reserved[57];
} midden_mutator;

/* Bring the calling thread to the heap.  One that ends is detached.
 * errors  MIDDEN_NOMEM; MIDDEN_INVALID: it is attached already; MIDDEN_OS: its stack is unknown
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_attach(midden_gc *gc, midden_mutator **out);
MIDDEN_API void midden_gc_detach(midden_mutator *m);
/* That of the calling thread, or NULL. */
MIDDEN_API midden_mutator *midden_gc_mutator(midden_gc *gc);

MIDDEN_API void midden_gc_poll_slow(midden_mutator *m);
/* Stop here if somebody wants to collect.  cost  3 instructions */
static inline void midden_gc_poll(midden_mutator *m) {
#if defined(__GNUC__)
  if (__builtin_expect(__atomic_load_n(&m->stop, __ATOMIC_RELAXED) != 0, 0)) midden_gc_poll_slow(m);
#else
  if (m->stop != 0) midden_gc_poll_slow(m);
#endif
}

/* Call f(argument), which may wait for long: collections do not wait for it meanwhile.  It may not
 * touch objects; those that this thread's stack refers to do not move.  returns what f returns. */
MIDDEN_API void *midden_gc_call_blocking(midden_mutator *m, void *(*f)(void *), void *argument);

/* A stack that a thread runs on now and then, or that a coroutine has left: [low, high). */
typedef struct midden_gc_stack {
  void *low, *high;
  void *sp; /* where it was left: what lies above is scanned; NULL: it never was, or is unused */
  struct midden_gc_stack *next;
  midden_frame *frames; /* private, as the next: of what ran on it */
  uintptr_t kept[20];   /* callee-saved registers, when it was left */
} midden_gc_stack;
MIDDEN_API void midden_gc_stack_add(midden_gc *gc, midden_gc_stack *stack);
MIDDEN_API void midden_gc_stack_remove(midden_gc *gc, midden_gc_stack *stack);
/* Call just before the thread leaves the stack `from` for `to`, either NULL for its own: what is
 * above this call in `from`, and in registers, is scanned until it runs again. */
MIDDEN_API void midden_gc_stack_switch(midden_mutator *m, midden_gc_stack *from,
                                       midden_gc_stack *to);

/* ---- objects ---- */

MIDDEN_API void *midden_gc_new_slow(midden_mutator *m, const midden_type *type);

#if defined(__GNUC__)
#define MIDDEN_GC_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* A signal may stop the thread between any two instructions: these stores stay in order. */
#define MIDDEN_GC_IN_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define MIDDEN_GC_LIMIT(m) ((uintptr_t)__atomic_load_n(&(m)->limit, __ATOMIC_RELAXED))
#define MIDDEN_GC_TYPE_WORD(object) __atomic_load_n((uint64_t *)(object)-1, __ATOMIC_RELAXED)
#else
#define MIDDEN_GC_UNLIKELY(x) (x)
#define MIDDEN_GC_IN_ORDER() ((void)0)
#define MIDDEN_GC_LIMIT(m) ((uintptr_t)(m)->limit)
#define MIDDEN_GC_TYPE_WORD(object) (((uint64_t *)(object))[-1])
#endif

/* A new object of a type without elements; all zero.
 * returns  NULL when the heap is full and out_of_memory had no help; the heap stays usable
 * cost     10 instructions
 */
static inline void *midden_gc_new(midden_mutator *m, const midden_type *type) {
  char *p = m->top, *end = (char *)((uintptr_t)p + type->need);
  if (MIDDEN_GC_UNLIKELY((uintptr_t)end > MIDDEN_GC_LIMIT(m))) return midden_gc_new_slow(m, type);
  *(uint64_t *)(void *)p = type->word;
  MIDDEN_GC_IN_ORDER();
  m->top = end;
  MIDDEN_GC_IN_ORDER();
  return p + sizeof(uint64_t);
}

/* One with `count` elements. */
MIDDEN_API void *midden_gc_new_array(midden_mutator *m, const midden_type *type, size_t count);
/* Elements of an array. */
static inline size_t midden_gc_count(const void *array) {
  return (size_t)(((const uint64_t *)array)[-2] >> 3);
}

MIDDEN_API const midden_type *midden_gc_type_of(const void *object);
MIDDEN_API const char *midden_gc_type_name(const midden_type *type);
/* Bytes of its fields and elements. */
MIDDEN_API size_t midden_gc_bytes(const void *object);

MIDDEN_API void midden_gc_store_slow(midden_mutator *m, void *object, midden_ref *slot,
                                     void *value);
MIDDEN_API void *midden_gc_load_slow(midden_mutator *m, midden_ref *slot, void *word);

/* Store a reference into a field of `object`.  Through a pointer that another thread may change,
 * the program has to see to order itself.  cost  4 instructions */
static inline void midden_gc_store(midden_mutator *m, void *object, midden_ref *slot, void *value) {
  if (MIDDEN_GC_UNLIKELY((MIDDEN_GC_TYPE_WORD(object) & m->mask) != 0))
    midden_gc_store_slow(m, object, slot, value);
  MIDDEN_GC_IN_ORDER();
#if defined(__GNUC__)
  __atomic_store_n(&slot->word, value, __ATOMIC_RELAXED);
#else
  slot->word = value;
#endif
}

/* The first store into a field of a new object, before the next poll or allocation.  1 instruction
 */
static inline void midden_gc_store_init(midden_mutator *m, void *object, midden_ref *slot,
                                        void *value) {
  (void)m, (void)object;
  slot->word = value;
}

/* cost  4 instructions by gcc, 3 by clang */
static inline void *midden_gc_load(midden_mutator *m, midden_ref *slot) {
#if defined(__GNUC__)
  void *word = __atomic_load_n(&slot->word, __ATOMIC_RELAXED);
#else
  void *word = slot->word;
#endif
  if (MIDDEN_GC_UNLIKELY(((uintptr_t)word & m->bad) != 0))
    return midden_gc_load_slow(m, slot, word);
  return word;
}

/* Compare and exchange, sequentially consistent: whether *slot was `expected` and is now `value`.
 */
MIDDEN_API bool midden_gc_cas(midden_mutator *m, void *object, midden_ref *slot, void *expected,
                              void *value);
MIDDEN_API void *midden_gc_exchange(midden_mutator *m, void *object, midden_ref *slot, void *value);
/* As memmove and as a loop of stores: `count` slots of `object`. */
MIDDEN_API void midden_gc_copy_refs(midden_mutator *m, void *object, midden_ref *to,
                                    midden_ref *from, size_t count);
MIDDEN_API void midden_gc_fill_refs(midden_mutator *m, void *object, midden_ref *to, void *value,
                                    size_t count);

/* The same for fields that are pointers of the program's own types: MIDDEN_STORE(m, node, left, x).
 */
#define MIDDEN_STORE(m, object, field, value) \
  midden_gc_store(m, object, (midden_ref *)(void *)&(object)->field, value)
#define MIDDEN_LOAD(m, object, field) \
  ((__typeof__((object)->field))midden_gc_load(m, (midden_ref *)(void *)&(object)->field))

/* Whether two references are to one object. */
static inline bool midden_same(const void *a, const void *b) { return a == b; }
/* A number that stays the object's wherever it moves. */
MIDDEN_API uint64_t midden_gc_hash(midden_mutator *m, void *object);

/* Keep an object where it is, and alive, until it was unpinned as often.  errors  MIDDEN_NOMEM */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_pin(midden_mutator *m, void *object);
MIDDEN_API void midden_gc_unpin(midden_mutator *m, void *object);

/* ---- roots ---- */

/* Memory outside of the heap that holds references: exact ones, which the collector updates, or
 * words any of which may be a pointer. */
enum midden_gc_rank { MIDDEN_GC_EXACT, MIDDEN_GC_AMBIGUOUS };
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_root_add(midden_gc *gc, void *base, size_t bytes,
                                                           enum midden_gc_rank rank);
MIDDEN_API void midden_gc_root_remove(midden_gc *gc, void *base);
/* All writable data of the program or library that `address` lies in, as ambiguous words. */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_root_module(midden_gc *gc, const void *address);

/* A frame of `n` references, all NULL, that the collector sees and updates:
 *
 *   MIDDEN_FRAME(m, local, 2);
 *   local[0].word = midden_gc_new(m, pair);
 *   ...
 *   MIDDEN_FRAME_END(m, local);           on every way out
 */
#define MIDDEN_FRAME(m, name, n)                                                    \
  midden_ref name[n];                                                               \
  for (size_t name##_i = 0; name##_i < (n); name##_i++) name[name##_i].word = NULL; \
  midden_frame name##_frame = {(m)->frames, name, (n)};                             \
  MIDDEN_GC_IN_ORDER();                                                             \
  (m)->frames = &name##_frame
#define MIDDEN_FRAME_END(m, name) ((m)->frames = name##_frame.up)

/* A reference that is not on a stack: strong until it is dropped.  NULL when out of memory. */
typedef struct midden_handle midden_handle;
MIDDEN_API midden_handle *midden_gc_handle(midden_mutator *m, void *object);
MIDDEN_API void *midden_gc_handle_get(midden_mutator *m, const midden_handle *handle);
MIDDEN_API void midden_gc_handle_set(midden_mutator *m, midden_handle *handle, void *object);
MIDDEN_API void midden_gc_handle_drop(midden_mutator *m, midden_handle *handle);

/* ---- weak references, tables, finalisers: docs/gc-weak.md ---- */

/* A queue of weak references whose object has died; it holds those that are in it.
 * returns  NULL when out of memory
 * threads  any, as all calls here but those that change a table
 */
typedef struct midden_gc_queue midden_gc_queue;
MIDDEN_API midden_gc_queue *midden_gc_queue_new(midden_gc *gc);
/* What is in it is dropped.  Weak references may still name it, and are not queued. */
MIDDEN_API void midden_gc_queue_close(midden_gc_queue *queue);
/* The next, in no order; or NULL: there is none now. */
MIDDEN_API void *midden_gc_queue_take(midden_mutator *m, midden_gc_queue *queue);

/* A weak reference is an object itself.  A short one is cleared when its object can only be reached
 * by a finaliser, a long one when not even so.
 * queue    where to put it when it is cleared; NULL: nowhere
 * returns  NULL when out of memory
 */
enum midden_gc_weakness { MIDDEN_GC_WEAK_SHORT, MIDDEN_GC_WEAK_LONG };
MIDDEN_API void *midden_gc_weak(midden_mutator *m, void *object, enum midden_gc_weakness how,
                                midden_gc_queue *queue);
/* Its object, strong from here on, or NULL.  cost  a call and a load */
MIDDEN_API void *midden_gc_weak_get(midden_mutator *m, void *weak);

/* A table of ephemerons, an object itself: a value is held as long as its key is otherwise
 * reachable.  Keys are compared as midden_same does.  A table is changed by one thread at a time,
 * and meanwhile not looked into by others.
 * returns  NULL when out of memory
 * cost     44 bytes outside of the heap an entry; of a collection: linear in the entries, of a
 * minor one in those that are new source   B. Hayes, "Ephemerons: A New Finalization Mechanism",
 * OOPSLA 1997
 */
MIDDEN_API void *midden_gc_table(midden_mutator *m);
/* A key that is there already gets the value.
 * errors   MIDDEN_NOMEM: the table is as it was; MIDDEN_INVALID: the key is NULL
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_table_put(midden_mutator *m, void *table,
                                                            void *key, void *value);
/* The value of a key; NULL: the key is not there. */
MIDDEN_API void *midden_gc_table_get(midden_mutator *m, void *table, void *key);
MIDDEN_API void midden_gc_table_remove(midden_mutator *m, void *table, void *key);
/* Entries, also those whose key has died since the last collection. */
MIDDEN_API size_t midden_gc_table_count(midden_mutator *m, void *table);

/* Give one object a finaliser, as its type might, or once more after it has run.  Several run in
 * the order in which they were given.
 * errors   MIDDEN_NOMEM; MIDDEN_INVALID: one of the two is NULL
 */
MIDDEN_API MIDDEN_CHECKED midden_status midden_gc_finaliser(midden_mutator *m, void *object,
                                                            void (*finalise)(void *, void *),
                                                            void *context);
/* Run what waits, at most `most`, on this thread; objects that died together have no order.
 * returns  how many ran
 */
MIDDEN_API size_t midden_gc_finalise(midden_mutator *m, size_t most);

/* ---- collections ---- */

MIDDEN_API void midden_gc_collect(midden_mutator *m, enum midden_gc_scope scope);

/* So many bytes more, or less, are held outside of the heap by objects in it. */
MIDDEN_API void midden_gc_external(midden_gc *gc, ptrdiff_t bytes);

/* Another soft limit from now on, whatever gc_soft_max says; 0: none.  It is nothing to a heap that
 * gc_max holds lower.
 * threads  any
 */
MIDDEN_API void midden_gc_set_soft(midden_gc *gc, size_t bytes);

/* One collection. */
struct midden_gc_collection {
  uint64_t number; /* from 0 */
  enum midden_gc_scope scope;
  const char *cause; /* as the JVM names it: "Allocation Failure", "System.gc()", "Ergonomics" */
  double at, pause;  /* seconds since the heap was opened, at its start; and stopped for */
  double reach, roots, trace, weak; /* parts of `pause` */
  double sweep;        /* before it, while others ran: of what the last major one left */
  double user, system; /* of the processors, all threads that collected */
  uint64_t before, after, committed;         /* bytes in use; and held of the system's */
  uint64_t young_before, young_after, young; /* Eden and survivors; their room */
  uint64_t eden_before, eden, survivor_before, survivor_after, survivor;
  uint64_t old_before, old_after, old;
  uint64_t copied, promoted, marked; /* bytes; objects marked in place or copied */
  uint64_t pinned_blocks, evacuated_blocks;
  uint64_t remembered; /* objects or pages looked at for references to young ones */
  unsigned tenuring;   /* age at which the next one promotes */
};

typedef struct midden_gc_stats {
  uint64_t minor, major;               /* collections */
  uint64_t allocated;                  /* bytes, so far, to the last buffer that was taken */
  uint64_t used, committed, peak, max; /* bytes: in objects and not yet found dead; held */
  uint64_t live, live_objects;         /* at the end of the last major collection */
  uint64_t external, types, types_bytes, meta_bytes;
  double pause, pause_most; /* seconds */
  midden_gc_collection last;
} midden_gc_stats;
MIDDEN_API void midden_gc_stats_read(midden_gc *gc, midden_gc_stats *out);

/* NULL, or a sentence that names the first thing that is wrong in the heap.  Stops the world. */
MIDDEN_API const char *midden_gc_verify(midden_mutator *m);

/* Call `visit` for each object, the world stopped, until it returns false. */
MIDDEN_API void midden_gc_walk(midden_mutator *m,
                               bool (*visit)(void *object, size_t bytes, void *context),
                               void *context);

#ifdef __cplusplus
}
#endif

#endif
