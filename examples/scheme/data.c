// examples/scheme/data.c -- pairs, lists, vectors, and what is the same.
// SPDX-License-Identifier: MIT
#include <string.h>

#include "scheme.h"

// ---- what a primitive was given ----

value need(midden_ref slot, enum kind kind) {
  if (kind_of(slot.word) == kind) return slot.word;
  char what[80];
  snprintf(what, sizeof what, "%s: not a %s", scheme.running->name,
           midden_gc_type_name(scheme.type[kind]));
  fail_with(what, slot.word);
}

int64_t need_fixnum(midden_ref slot) { return AS(number, need(slot, FIXNUM))->fixnum; }

size_t need_index(midden_ref slot, size_t count) {
  int64_t number = need_fixnum(slot);
  if (number < 0 || (size_t)number >= count)
    fail("%s: %lld is not below %zu", scheme.running->name, (long long)number, count);
  return (size_t)number;
}

// ---- what is the same ----

bool same(value a, value b) {
  if (midden_same(a, b)) return true;
  if (kind_of(a) != kind_of(b)) return false;
  switch (kind_of(a)) {
    case FIXNUM:
    case CHARACTER:
      return AS(number, a)->fixnum == AS(number, b)->fixnum;
    case FLONUM:
      return AS(number, a)->flonum == AS(number, b)->flonum;
    default:
      return false;
  }
}

static bool equal_vectors(value a, value b) {
  if (count_of(a) != count_of(b)) return false;
  for (size_t i = 0; i < count_of(a); i++)
    if (!equal(GET(AS(vector, a), at[i]), GET(AS(vector, b), at[i]))) return false;
  return true;
}

bool equal(value a, value b) {
  check_depth();
  for (; kind_of(a) == PAIR && kind_of(b) == PAIR; a = cdr(a), b = cdr(b))
    if (!equal(car(a), car(b))) return false;
  if (kind_of(a) == VECTOR && kind_of(b) == VECTOR) return equal_vectors(a, b);
  if (kind_of(a) != STRING || kind_of(b) != STRING) return same(a, b);
  return count_of(a) == count_of(b) &&
         memcmp(AS(string, a)->text, AS(string, b)->text, count_of(a)) == 0;
}

PRIMITIVE_IN_C(data_same) { return boolean(same(a[0].word, a[1].word)); }
PRIMITIVE_IN_C(data_equal) { return boolean(equal(a[0].word, a[1].word)); }
PRIMITIVE_IN_C(data_not) { return boolean(!is_true(a[0].word)); }
PRIMITIVE_IN_C(data_is) { return boolean((int)kind_of(a[0].word) == scheme.running->what); }

PRIMITIVE_IN_C(data_is_boolean) {
  return boolean(a[0].word == scheme.root.yes || a[0].word == scheme.root.no);
}

PRIMITIVE_IN_C(data_is_procedure) {
  enum kind kind = kind_of(a[0].word);
  return boolean(kind == CLOSURE || kind == PRIMITIVE || kind == CONTINUATION);
}

// ---- pairs ----

PRIMITIVE_IN_C(data_cons) { return cons(a[0].word, a[1].word); }

// car, cadr and their like: the letters of the name from the last.
PRIMITIVE_IN_C(data_path) {
  const char *name = scheme.running->name;
  midden_ref v = {a[0].word};
  for (size_t i = strlen(name) - 2; i > 0; i--)
    v.word = name[i] == 'a' ? car(need(v, PAIR)) : cdr(need(v, PAIR));
  return v.word;
}

PRIMITIVE_IN_C(data_set_car) {
  SET(AS(pair, need(a[0], PAIR)), car, a[1].word);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(data_set_cdr) {
  SET(AS(pair, need(a[0], PAIR)), cdr, a[1].word);
  return scheme.root.unspecified;
}

// ---- lists ----

PRIMITIVE_IN_C(data_list) {
  FRAME(x, 1);
  for (int i = n - 1; i >= 0; i--) x[0].word = cons(a[i].word, x[0].word);
  RETURN(x, x[0].word);
}

// Pairs of a list; -1: it is none.
static int64_t data_pairs(value list) {
  int64_t count = 0;
  value slow = list;
  for (; kind_of(list) == PAIR; count++) {
    list = cdr(list);
    if (count % 2 == 1) slow = cdr(slow);
    if (list == slow && list != NULL) return -1;  // it goes in a circle
  }
  return list == NULL ? count : -1;
}

static int64_t data_need_list(midden_ref slot) {
  int64_t count = data_pairs(slot.word);
  if (count < 0) fail("%s: not a list", scheme.running->name);
  return count;
}

PRIMITIVE_IN_C(data_is_list) { return boolean(data_pairs(a[0].word) >= 0); }
PRIMITIVE_IN_C(data_length) { return fixnum(data_need_list(a[0])); }

// The first on the second, turned round.
static value data_reverse_onto(value list, value onto) {
  FRAME(x, 2);
  x[0].word = list;
  x[1].word = onto;
  for (; x[0].word != NULL; x[0].word = cdr(x[0].word)) x[1].word = cons(car(x[0].word), x[1].word);
  RETURN(x, x[1].word);
}

PRIMITIVE_IN_C(data_reverse) {
  data_need_list(a[0]);
  return data_reverse_onto(a[0].word, NULL);
}

PRIMITIVE_IN_C(data_append) {
  FRAME(x, 1);
  if (n > 0) x[0].word = a[n - 1].word;
  for (int i = n - 2; i >= 0; i--) {
    data_need_list(a[i]);
    value turned = data_reverse_onto(a[i].word, NULL);
    x[0].word = data_reverse_onto(turned, x[0].word);
  }
  RETURN(x, x[0].word);
}

PRIMITIVE_IN_C(data_tail) {
  midden_ref v = {a[0].word};
  for (int64_t i = need_fixnum(a[1]); i > 0; i--) v.word = cdr(need(v, PAIR));
  return v.word;
}

// memq, assq and their like.
enum { BY_SAME, BY_EQUAL, IN_PAIRS };
PRIMITIVE_IN_C(data_find) {
  int what = scheme.running->what;
  for (midden_ref list = {a[1].word}; list.word != NULL; list.word = cdr(list.word)) {
    midden_ref item = {car(need(list, PAIR))};
    value key = (what & IN_PAIRS) != 0 ? car(need(item, PAIR)) : (value)item.word;
    if ((what & BY_EQUAL) != 0 ? equal(a[0].word, key) : same(a[0].word, key))
      return (what & IN_PAIRS) != 0 ? item.word : list.word;
  }
  return boolean(false);
}

// ---- vectors ----

PRIMITIVE_IN_C(data_make_vector) {
  value v = make_array(VECTOR, need_index(a[0], MOST_ELEMENTS));
  if (n == 1) return v;
#if SCHEME_STORES
  midden_gc_fill_refs(scheme.m, v, (midden_ref *)(void *)AS(vector, v)->at, a[1].word, count_of(v));
#else
  for (size_t i = 0; i < count_of(v); i++) AS(vector, v)->at[i] = a[1].word;
#endif
  return v;
}

PRIMITIVE_IN_C(data_vector) {
  value v = make_array(VECTOR, (size_t)n);
  for (int i = 0; i < n; i++) INIT(AS(vector, v), at[i], a[i].word);
  return v;
}

PRIMITIVE_IN_C(data_vector_length) { return fixnum((int64_t)count_of(need(a[0], VECTOR))); }

PRIMITIVE_IN_C(data_vector_ref) {
  value v = need(a[0], VECTOR);
  return GET(AS(vector, v), at[need_index(a[1], count_of(v))]);
}

PRIMITIVE_IN_C(data_vector_set) {
  value v = need(a[0], VECTOR);
  size_t i = need_index(a[1], count_of(v));
  SET(AS(vector, v), at[i], a[2].word);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(data_vector_to_list) {
  FRAME(x, 1);
  for (size_t i = count_of(need(a[0], VECTOR)); i > 0; i--)
    x[0].word = cons(GET(AS(vector, (value)a[0].word), at[i - 1]), x[0].word);
  RETURN(x, x[0].word);
}

PRIMITIVE_IN_C(data_list_to_vector) {
  value v = make_array(VECTOR, (size_t)data_need_list(a[0])), list = a[0].word;
  for (size_t i = 0; list != NULL; i++, list = cdr(list)) INIT(AS(vector, v), at[i], car(list));
  return v;
}

// clang-format off
const struct row data_rows[] = {
    ROW("eq?", 2, 2, data_same), ROW("eqv?", 2, 2, data_same), ROW("equal?", 2, 2, data_equal),
    ROW("not", 1, 1, data_not), ROW("null?", 1, 1, data_is, NIL), ROW("pair?", 1, 1, data_is, PAIR),
    ROW("symbol?", 1, 1, data_is, SYMBOL), ROW("string?", 1, 1, data_is, STRING),
    ROW("char?", 1, 1, data_is, CHARACTER), ROW("vector?", 1, 1, data_is, VECTOR),
    ROW("hash-table?", 1, 1, data_is, TABLE), ROW("boolean?", 1, 1, data_is_boolean),
    ROW("procedure?", 1, 1, data_is_procedure), ROW("cons", 2, 2, data_cons),
    ROW("car", 1, 1, data_path), ROW("cdr", 1, 1, data_path), ROW("caar", 1, 1, data_path),
    ROW("cadr", 1, 1, data_path), ROW("cdar", 1, 1, data_path), ROW("cddr", 1, 1, data_path),
    ROW("caadr", 1, 1, data_path), ROW("caddr", 1, 1, data_path), ROW("cadar", 1, 1, data_path),
    ROW("cdadr", 1, 1, data_path), ROW("cddar", 1, 1, data_path), ROW("cdddr", 1, 1, data_path),
    ROW("cadddr", 1, 1, data_path), ROW("set-car!", 2, 2, data_set_car),
    ROW("set-cdr!", 2, 2, data_set_cdr), ROW("list", 0, -1, data_list), ROW("list?", 1, 1, data_is_list),
    ROW("length", 1, 1, data_length), ROW("reverse", 1, 1, data_reverse),
    ROW("append", 0, -1, data_append), ROW("list-tail", 2, 2, data_tail),
    ROW("memq", 2, 2, data_find, BY_SAME), ROW("memv", 2, 2, data_find, BY_SAME),
    ROW("member", 2, 2, data_find, BY_EQUAL), ROW("assq", 2, 2, data_find, BY_SAME | IN_PAIRS),
    ROW("assv", 2, 2, data_find, BY_SAME | IN_PAIRS),
    ROW("assoc", 2, 2, data_find, BY_EQUAL | IN_PAIRS), ROW("make-vector", 1, 2, data_make_vector),
    ROW("vector", 0, -1, data_vector), ROW("vector-length", 1, 1, data_vector_length),
    ROW("vector-ref", 2, 2, data_vector_ref), ROW("vector-set!", 3, 3, data_vector_set),
    ROW("vector->list", 1, 1, data_vector_to_list), ROW("list->vector", 1, 1, data_list_to_vector),
    {.name = NULL},
};
