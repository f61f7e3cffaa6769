// examples/scheme/scheme.h -- a small Scheme on a collected heap: its values, and its files.
// SPDX-License-Identifier: MIT
//
// All values are objects of one heap, numbers too; the empty list is NULL.  The same source is
// built in three ways, by what it promises the collector:
//
//   SCHEME_PRECISE   every reference is in a field, a root or a frame, and goes through accessors
//   SCHEME_STORES    the stack is scanned; fields are stored through the barrier
//   neither          the stack is scanned; fields are stored by =
//
// In the first, an object may have moved whenever anything was allocated.  So a function that
// allocates keeps what it needs afterwards in a FRAME, and reads it from there again; what it is
// called with is its own to keep.  The others build the same frames of plain local variables.
//
//   heap.c     types, the heap, making objects           stack.c     call/cc
//   read.c     text to data                              numbers.c   + and its like
//   print.c    data to text, errors                      data.c      pairs, vectors
//   analyse.c  data to code                              text.c      characters, strings, symbols
//   eval.c     code to values                            table.c     hash tables
//   main.c     the command, and what is written in Scheme
#ifndef SCHEME_H
#define SCHEME_H

#include <midden/gc.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#ifndef SCHEME_PRECISE
#define SCHEME_PRECISE 0
#endif
#ifndef SCHEME_STORES
#define SCHEME_STORES SCHEME_PRECISE
#endif

// clang-format off
enum kind {
  NIL,  // NULL
  CONSTANT, PAIR, FIXNUM, FLONUM, CHARACTER, STRING, SYMBOL, VECTOR, TABLE, CLOSURE, MACRO,
  PRIMITIVE, SYNTAX, CONTINUATION, SCOPE, CODE, KINDS
};

// What every object begins with.  `line`: where a pair was read, or what code is of; else 0.
struct object { uint32_t kind, line; };
typedef struct object *value;

struct pair { struct object is; value car, cdr; };
struct number { struct object is; union { int64_t fixnum; double flonum; }; };  // CHARACTER: fixnum
struct string { struct object is; char text[]; };
struct symbol {
  struct object is;
  value global;  // what it is bound to at the top; scheme.root.unbound: nothing
  char name[];
};
struct vector { struct object is; value at[]; };
struct table {
  struct object is;
  value buckets;  // a vector of lists of pairs of key and value
  int64_t count;
};
struct closure {  // or MACRO
  struct object is;
  value code;   // of operator LAMBDA
  value scope;  // NULL: the top
};
struct primitive { struct object is; const struct row *row; };  // or SYNTAX
struct scope { struct object is; value up, at[]; };             // the variables of a call
struct code { struct object is; uint32_t op, a, b, c; value at[]; };  // see enum op
struct continuation {  // see stack.c
  struct object is;
  char *low;  // of the stack, what was copied begins here
  size_t bytes;
  midden_frame *frames;
  jmp_buf *at;  // within what was copied, as `frames` is
  uint64_t copy[];
};
// clang-format on

#define AS(type, v) ((struct type *)(void *)(v))

// How many elements a string, symbol or vector has.
static inline size_t count_of(value v) { return midden_gc_count(v); }
static inline enum kind kind_of(value v) { return v == NULL ? NIL : (enum kind)v->kind; }

// ---- references: GET, SET, and INIT for the first store into a new object ----

// What is stored must not allocate: the object might have moved meanwhile.
#if SCHEME_STORES
#define SET(object, field, v) MIDDEN_STORE(scheme.m, object, field, v)
#define INIT(object, field, v) \
  midden_gc_store_init(scheme.m, object, (midden_ref *)(void *)&(object)->field, v)
#else
#define SET(object, field, v) ((object)->field = (v))
#define INIT(object, field, v) ((object)->field = (v))
#endif

#if SCHEME_PRECISE
#define GET(object, field) MIDDEN_LOAD(scheme.m, object, field)
#define FRAME_OPEN(name, n) MIDDEN_FRAME(scheme.m, name, n)
#define LEAVE(name) MIDDEN_FRAME_END(scheme.m, name)
#else
#define GET(object, field) ((object)->field)
#define FRAME_OPEN(name, n) midden_ref name[n] = {{NULL}}
#define LEAVE(name) ((void)0)
#endif
// FRAME(name, n, first...): `n` slots, of which the first are filled.
#define FRAME(name, n, ...)                         \
  const value name##_first[] = {NULL, __VA_ARGS__}; \
  FRAME_OPEN(name, n);                              \
  memcpy(name, name##_first + 1, sizeof name##_first - sizeof(value))
#define RETURN(name, v)  \
  do {                   \
    value result_ = (v); \
    LEAVE(name);         \
    return result_;      \
  } while (0)

// A procedure in C: `n` arguments, in slots that the collector sees.
typedef value procedure(midden_ref *a, int n);
#define PRIMITIVE_IN_C(name) \
  static value name(midden_ref *a __attribute__((unused)), int n __attribute__((unused)))

// What a procedure in C is called, and if several share one, what tells them apart.
struct row {
  const char *name;
  int least, most;  // arguments; most < 0: any number
  procedure *call;  // NULL: eval.c does it
  int what;
  double (*real)(double);
  int (*letter)(int);
};
#define ROW(name, least, most, f, ...) \
  { name, least, most, .call = f, __VA_ARGS__ }

enum { SMALL_LEAST = -512, SMALLS = 1536, LETTERS = 128, MOST_ELEMENTS = 1 << 30 };
enum { SPARE = 256 << 10 };  // bytes of the stack: half for handlers, half for what needs no check

extern struct scheme {
  midden_mutator *m;
  midden_gc *gc;
  midden_type *type[KINDS];
  struct roots {  // the collector sees these
    value unbound, no, yes, unspecified;
    value symbols;          // a vector of lists
    value smalls, letters;  // numbers and characters that are made once
    value thrown;           // to the continuation that is resumed
    value quote, quasiquote, unquote, splicing, define, begin;
  } root;
  const struct row *running;  // the primitive that runs
  uint32_t line;              // of the call that runs
  char *base;                 // of the stack: where it begins,
  char *deepest, *most_deep;  // where it may end, and with what errors may use
  const char *file, *text;    // what is being read: its name; what is left of it
  uint32_t text_line;         // the present one in it
} scheme;

// heap.c
void heap_open(const char *collector);
value make(enum kind kind);                      // an object of fixed size, all zero
value make_array(enum kind kind, size_t count);  // one with elements
value cons(value car, value cdr);
value fixnum(int64_t number);
value flonum(double number);
value character(uint64_t code);
value string(const char *text, size_t bytes);
value symbol(const char *name, size_t bytes);  // the one of this name
size_t hash_bytes(const char *at, size_t bytes);
static inline value boolean(bool is) { return is ? scheme.root.yes : scheme.root.no; }
static inline bool is_true(value v) { return v != scheme.root.no; }
static inline value car(value pair) { return GET(AS(pair, pair), car); }
static inline value cdr(value pair) { return GET(AS(pair, pair), cdr); }

// read.c
bool read_next(value *out);                         // false: the text has ended
value read_number(const char *text, size_t bytes);  // NULL: it is none

// print.c
void print(FILE *to, value v, bool as_written);
// Raise an error: a sentence, and a value in question.
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void fail_with(const char *what, value v) __attribute__((noreturn));
void die(const char *what) __attribute__((noreturn));  // end the program: nothing else helps

// analyse.c
value analyse(value form, value scopes);
enum op {       // what code does: its parts, of which there are `a`, are code unless said otherwise
  CONSTANT_OF,  // at: a value
  LOCAL,        // variable b of the scope `a` above
  GLOBAL,       // at: a symbol
  SET_LOCAL,    // a, b as in LOCAL; at: the new value
  SET_GLOBAL,   // at: the new value, and a symbol
  DEFINE,       // the same
  IF,           // at: condition, then, else
  LAMBDA,       // at: body, and a symbol or NULL; a: parameters, b: whether one more takes the
                // rest, c: variables of the body
  SEQUENCE,     // at: each
  OR,           // at: each
  CALL          // at: operator, operands
};
// eval.c
value eval(value code, value scope);
value apply(value callee, value list);
// stack.c
value capture(void);  // the continuation of the caller; NULL: it was resumed
void resume(value continuation, value thrown) __attribute__((noreturn));
void trace_continuation(void *object, size_t bytes, midden_visit *visit, void *context);
// Fails where the stack is as deep as it may be.
static inline void check_depth(void) {
  if ((char *)__builtin_frame_address(0) < scheme.deepest) fail("the recursion is too deep");
}
// data.c
bool equal(value a, value b);  // equal?
procedure list_to_vector;
// What a primitive was given, or an error.
value need(midden_ref slot, enum kind kind);
int64_t need_fixnum(midden_ref slot);
size_t need_index(midden_ref slot, size_t count);

// Tables of primitives; the last has no name.
extern const struct row analyse_rows[], eval_rows[], number_rows[], data_rows[], text_rows[],
    table_rows[], system_rows[];

#endif
