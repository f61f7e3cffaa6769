// examples/scheme/data.c -- pairs, lists, vectors, and what is the same.
// SPDX-License-Identifier: MIT
#include "scheme.h"

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

static bool same(value a, value b) {
  if (midden_same(a, b)) return true;
  enum kind kind = kind_of(a);
  if (kind != kind_of(b)) return false;
  if (kind == FLONUM) return AS(number, a)->flonum == AS(number, b)->flonum;
  return (kind == FIXNUM || kind == CHARACTER) && AS(number, a)->fixnum == AS(number, b)->fixnum;
}

bool equal(value a, value b) {
  check_depth();
  for (; kind_of(a) == PAIR && kind_of(b) == PAIR; a = cdr(a), b = cdr(b))
    if (!equal(car(a), car(b))) return false;
  enum kind kind = kind_of(a);
  if (kind != kind_of(b) || (kind != STRING && kind != VECTOR)) return same(a, b);
  size_t count = count_of(a);
  if (count != count_of(b)) return false;
  if (kind == STRING) return memcmp(AS(string, a)->text, AS(string, b)->text, count) == 0;
  for (size_t i = 0; i < count; i++)
    if (!equal(GET(AS(vector, a), at[i]), GET(AS(vector, b), at[i]))) return false;
  return true;
}

PRIMITIVE_IN_C(data_same) { return boolean(same(a[0].word, a[1].word)); }
PRIMITIVE_IN_C(data_equal) { return boolean(equal(a[0].word, a[1].word)); }
PRIMITIVE_IN_C(data_not) { return boolean(!is_true(a[0].word)); }
// Whether it is of one of some kinds.
PRIMITIVE_IN_C(data_is) { return boolean((scheme.running->what >> kind_of(a[0].word) & 1) != 0); }

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

PRIMITIVE_IN_C(data_make_vector) {
  size_t count = need_index(a[0], MOST_ELEMENTS);
  value v = make_array(VECTOR, count);
  for (size_t i = 0; n == 2 && i < count; i++) INIT(AS(vector, v), at[i], a[1].word);
  return v;
}

// Of a vector or string.
PRIMITIVE_IN_C(data_count) {
  return fixnum((int64_t)count_of(need(a[0], (enum kind)scheme.running->what)));
}

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

value list_to_vector(midden_ref *a, int n) {
  (void)n;
  value v = make_array(VECTOR, (size_t)data_need_list(a[0])), list = a[0].word;
  for (size_t i = 0; list != NULL; i++, list = cdr(list)) INIT(AS(vector, v), at[i], car(list));
  return v;
}

// clang-format off
const struct row data_rows[] = {
    ROW("eq?", 2, 2, data_same), ROW("eqv?", 2, 2, data_same), ROW("equal?", 2, 2, data_equal),
    ROW("not", 1, 1, data_not), ROW("null?", 1, 1, data_is, 1 << NIL),
    ROW("pair?", 1, 1, data_is, 1 << PAIR), ROW("symbol?", 1, 1, data_is, 1 << SYMBOL),
    ROW("string?", 1, 1, data_is, 1 << STRING), ROW("char?", 1, 1, data_is, 1 << CHARACTER),
    ROW("vector?", 1, 1, data_is, 1 << VECTOR), ROW("hash-table?", 1, 1, data_is, 1 << TABLE),
    ROW("number?", 1, 1, data_is, 1 << FIXNUM | 1 << FLONUM),
    ROW("procedure?", 1, 1, data_is, 1 << CLOSURE | 1 << PRIMITIVE | 1 << CONTINUATION),
    ROW("cons", 2, 2, data_cons), ROW("car", 1, 1, data_path), ROW("cdr", 1, 1, data_path),
    ROW("caar", 1, 1, data_path), ROW("cadr", 1, 1, data_path), ROW("cdar", 1, 1, data_path),
    ROW("cddr", 1, 1, data_path), ROW("caddr", 1, 1, data_path), ROW("cadar", 1, 1, data_path),
    ROW("cdddr", 1, 1, data_path), ROW("cadddr", 1, 1, data_path),
    ROW("set-car!", 2, 2, data_set_car), ROW("set-cdr!", 2, 2, data_set_cdr),
    ROW("list?", 1, 1, data_is_list), ROW("length", 1, 1, data_length),
    ROW("memq", 2, 2, data_find, BY_SAME), ROW("memv", 2, 2, data_find, BY_SAME),
    ROW("member", 2, 2, data_find, BY_EQUAL), ROW("assq", 2, 2, data_find, BY_SAME | IN_PAIRS),
    ROW("assv", 2, 2, data_find, BY_SAME | IN_PAIRS),
    ROW("assoc", 2, 2, data_find, BY_EQUAL | IN_PAIRS), ROW("make-vector", 1, 2, data_make_vector),
    ROW("vector-length", 1, 1, data_count, VECTOR), ROW("string-length", 1, 1, data_count, STRING),
    ROW("vector-ref", 2, 2, data_vector_ref), ROW("vector-set!", 3, 3, data_vector_set),
    ROW("list->vector", 1, 1, list_to_vector), {.name = NULL},
};
