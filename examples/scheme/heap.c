// examples/scheme/heap.c -- the heap, its types, and how objects are made.
// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "scheme.h"

struct scheme scheme;

enum { SYMBOL_LISTS = 509 };

#define WORD(type, field) (uint32_t) offsetof(struct type, field)
#define REFS(type, ...) \
  .offsets = (const uint32_t[]){__VA_ARGS__}, .refs = sizeof(uint32_t[]){__VA_ARGS__} / 4
#define ELEMENTS_ARE_REFS \
  .element_bytes = 8, .element_offsets = (const uint32_t[]){0}, .element_refs = 1

static const midden_type_config heap_types[KINDS] = {
    [CONSTANT] = {"constant", .bytes = sizeof(struct object)},
    [PAIR] = {"pair", sizeof(struct pair), REFS(pair, WORD(pair, car), WORD(pair, cdr))},
    [FIXNUM] = {"fixnum", .bytes = sizeof(struct number)},
    [FLONUM] = {"flonum", .bytes = sizeof(struct number)},
    [CHARACTER] = {"character", .bytes = sizeof(struct number)},
    [STRING] = {"string", WORD(string, text), .element_bytes = 1},
    [SYMBOL] = {"symbol", WORD(symbol, name), REFS(symbol, WORD(symbol, global)),
                .element_bytes = 1},
    [VECTOR] = {"vector", WORD(vector, at), ELEMENTS_ARE_REFS},
    [TABLE] = {"table", sizeof(struct table), REFS(table, WORD(table, buckets))},
    [CLOSURE] = {"closure", sizeof(struct closure),
                 REFS(closure, WORD(closure, code), WORD(closure, scope))},
    [PRIMITIVE] = {"primitive", .bytes = sizeof(struct primitive)},
    [CONTINUATION] = {"continuation", WORD(continuation, copy), .element_bytes = 8,
#if SCHEME_PRECISE
                      .trace = trace_continuation},
#else
                      .flags = MIDDEN_TYPE_CONSERVATIVE},
#endif
    [SCOPE] = {"scope", WORD(scope, at), REFS(scope, WORD(scope, up)), ELEMENTS_ARE_REFS},
    [CODE] = {"code", WORD(code, at), ELEMENTS_ARE_REFS},
};

static void heap_failed(void) {
  fprintf(stderr, "scheme: %s\n", midden_gc_why());
  exit(2);
}

static void heap_make_types(void) {
  for (int kind = 0; kind < KINDS; kind++)
    if (heap_types[kind].name != NULL &&
        midden_gc_type(scheme.gc, &heap_types[kind], &scheme.type[kind]) != MIDDEN_OK)
      heap_failed();
  scheme.type[MACRO] = scheme.type[CLOSURE];
  scheme.type[SYNTAX] = scheme.type[PRIMITIVE];
}

static value heap_constant(uint32_t line) {
  value v = make(CONSTANT);
  v->line = line;  // what print.c knows it by
  return v;
}

static value heap_number(enum kind kind, int64_t number) {
  value v = make(kind);
  AS(number, v)->fixnum = number;
  return v;
}

static value heap_name(const char *name) { return symbol(name, strlen(name)); }

static void heap_make_roots(void) {
  struct roots *r = &scheme.root;
  r->unbound = heap_constant(0);
  r->no = heap_constant(1);
  r->yes = heap_constant(2);
  r->unspecified = heap_constant(3);
  r->symbols = make_array(VECTOR, SYMBOL_LISTS);
  r->smalls = make_array(VECTOR, SMALLS);
  for (int i = 0; i < SMALLS; i++) {
    value v = heap_number(FIXNUM, SMALL_LEAST + i);
    SET(AS(vector, r->smalls), at[i], v);
  }
  r->letters = make_array(VECTOR, LETTERS);
  for (int i = 0; i < LETTERS; i++) {
    value v = heap_number(CHARACTER, i);
    SET(AS(vector, r->letters), at[i], v);
  }
  r->quote = heap_name("quote");
  r->quasiquote = heap_name("quasiquote");
  r->unquote = heap_name("unquote");
  r->splicing = heap_name("unquote-splicing");
  r->define = heap_name("define");
  r->begin = heap_name("begin");
}

static void heap_define(const struct row *row, enum kind kind) {
  for (; row->name != NULL; row++) {
    FRAME(x, 1, heap_name(row->name));
    value v = make(kind);
    AS(primitive, v)->row = row;
    SET(AS(symbol, x[0].word), global, v);
    LEAVE(x);
  }
}

void heap_open(const char *collector) {
  midden_gc_config config = {.collector = collector};
#if SCHEME_PRECISE
  config.keeps = MIDDEN_GC_STORES | MIDDEN_GC_LOADS | MIDDEN_GC_POLLS | MIDDEN_GC_PRECISE;
#elif SCHEME_STORES
  config.keeps = MIDDEN_GC_STORES;
#endif
  if (midden_gc_open(&config, &scheme.gc) != MIDDEN_OK) heap_failed();
  midden_status status = midden_gc_attach(scheme.gc, &scheme.m);
  if (status == MIDDEN_OK)
#if SCHEME_PRECISE
    status = midden_gc_root_add(scheme.gc, &scheme.root, sizeof scheme.root, MIDDEN_GC_EXACT);
#else
    status = midden_gc_root_module(scheme.gc, &scheme);
#endif
  if (status != MIDDEN_OK) die("no memory");
  heap_make_types();
  heap_make_roots();
  heap_define(analyse_rows, SYNTAX);
  const struct row *rows[] = {eval_rows, number_rows, data_rows,
                              text_rows, table_rows,  system_rows};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) heap_define(rows[i], PRIMITIVE);
}

// ---- objects ----

static value heap_made(void *object, enum kind kind) {
  if (object == NULL) die("out of memory");
  value v = object;
  v->kind = kind;
  return v;
}

value make(enum kind kind) { return heap_made(midden_gc_new(scheme.m, scheme.type[kind]), kind); }

value make_array(enum kind kind, size_t count) {
  return heap_made(midden_gc_new_array(scheme.m, scheme.type[kind], count), kind);
}

value cons(value car, value cdr) {
  FRAME(x, 2, car, cdr);
  struct pair *pair = AS(pair, make(PAIR));
  INIT(pair, car, x[0].word);
  INIT(pair, cdr, x[1].word);
  RETURN(x, &pair->is);
}

value fixnum(int64_t number) {
  if (number >= SMALL_LEAST && number < SMALL_LEAST + SMALLS)
    return GET(AS(vector, scheme.root.smalls), at[number - SMALL_LEAST]);
  return heap_number(FIXNUM, number);
}

value flonum(double number) {
  value v = make(FLONUM);
  AS(number, v)->flonum = number;
  return v;
}

value character(uint64_t code) {
  if (code < LETTERS) return GET(AS(vector, scheme.root.letters), at[code]);
  return heap_number(CHARACTER, (int64_t)code);
}

// `text` may not be in the heap.
value string(const char *text, size_t bytes) {
  value v = make_array(STRING, bytes);
  if (bytes > 0) memcpy(AS(string, v)->text, text, bytes);
  return v;
}

size_t hash_bytes(const char *at, size_t bytes) {
  size_t hash = 5381;
  for (size_t i = 0; i < bytes; i++) hash = hash * 33 ^ (unsigned char)at[i];
  return hash;
}

value symbol(const char *name, size_t bytes) {
  size_t list = hash_bytes(name, bytes) % SYMBOL_LISTS;
  for (value v = GET(AS(vector, scheme.root.symbols), at[list]); v != NULL; v = cdr(v)) {
    value s = car(v);
    if (count_of(s) == bytes && memcmp(AS(symbol, s)->name, name, bytes) == 0) return s;
  }
  FRAME(x, 1, make_array(SYMBOL, bytes));
  struct symbol *s = AS(symbol, x[0].word);
  memcpy(s->name, name, bytes);
  INIT(s, global, scheme.root.unbound);
  value entry = cons(x[0].word, GET(AS(vector, scheme.root.symbols), at[list]));
  SET(AS(vector, scheme.root.symbols), at[list], entry);
  RETURN(x, x[0].word);
}
