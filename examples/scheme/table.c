// examples/scheme/table.c -- hash tables, by equal?.
// SPDX-License-Identifier: MIT
//
// What is equal by its place, such as a symbol, is hashed by a number that the collector keeps for
// it, for its address may change.
#include <string.h>

#include "scheme.h"

enum { TABLE_LISTS = 8, TABLE_DEEP = 4 };

static uint64_t table_mix(uint64_t hash) { return (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u; }

static uint64_t table_hash_text(value v) {
  uint64_t hash = 5381;
  for (size_t i = 0; i < count_of(v); i++) hash = hash * 33 ^ (unsigned char)AS(string, v)->text[i];
  return hash;
}

// Of a pair: so many levels of it.
static uint64_t table_hash(value v, int levels) {
  uint64_t bits;
  switch (kind_of(v)) {
    case NIL:
      return 1;
    case FIXNUM:
      return table_mix((uint64_t)AS(number, v)->fixnum);
    case FLONUM:
      return memcpy(&bits, &AS(number, v)->flonum, sizeof bits), table_mix(bits);
    case CHARACTER:
      return table_mix(AS(number, v)->character);
    case STRING:
      return table_mix(table_hash_text(v));
    case VECTOR:
      return table_mix(count_of(v));
    case PAIR:
      if (levels == 0) return 2;
      bits = table_hash(car(v), levels - 1);
      return table_mix(bits + 3 * table_hash(cdr(v), levels - 1));
    default:
      return table_mix(midden_gc_hash(scheme.m, v));
  }
}

static size_t table_list(value buckets, value key) {
  return (table_hash(key, TABLE_DEEP) >> 20) % count_of(buckets);
}

static value table_buckets(midden_ref slot) { return GET(AS(table, need(slot, TABLE)), buckets); }

// The pair of key and value, or NULL.
static value table_find(midden_ref *a) {
  value buckets = table_buckets(a[0]);
  value list = GET(AS(vector, buckets), at[table_list(buckets, a[1].word)]);
  for (; list != NULL; list = cdr(list))
    if (equal(car(car(list)), a[1].word)) return car(list);
  return NULL;
}

// Put a list's first pair into its place.
static void table_push(value buckets, value pair) {
  size_t i = table_list(buckets, car(car(pair)));
  value next = GET(AS(vector, buckets), at[i]);
  SET(AS(pair, pair), cdr, next);
  SET(AS(vector, buckets), at[i], pair);
}

static void table_grow(midden_ref *a) {
  value wide = make_array(VECTOR, 2 * count_of(table_buckets(a[0])));
  value old = table_buckets(a[0]);
  for (size_t i = 0; i < count_of(old); i++)
    for (value list = GET(AS(vector, old), at[i]), next; list != NULL; list = next) {
      next = cdr(list);
      table_push(wide, list);
    }
  SET(AS(table, (value)a[0].word), buckets, wide);
}

PRIMITIVE_IN_C(table_make) {
  FRAME(x, 1);
  x[0].word = make_array(VECTOR, TABLE_LISTS);
  struct table *table = AS(table, make(TABLE));
  INIT(table, buckets, x[0].word);
  LEAVE(x);
  return &table->is;
}

PRIMITIVE_IN_C(table_set) {
  value found = table_find(a);
  if (found != NULL) {
    SET(AS(pair, found), cdr, a[2].word);
    return scheme.root.unspecified;
  }
  value entry = cons(cons(a[1].word, a[2].word), NULL);
  table_push(table_buckets(a[0]), entry);
  struct table *table = AS(table, (value)a[0].word);
  table->count++;
  if ((size_t)table->count > 2 * count_of(GET(table, buckets))) table_grow(a);
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(table_ref) {
  value found = table_find(a);
  return found != NULL ? cdr(found) : (value)a[2].word;
}

PRIMITIVE_IN_C(table_delete) {
  value buckets = table_buckets(a[0]), before = NULL;
  size_t i = table_list(buckets, a[1].word);
  value list = GET(AS(vector, buckets), at[i]);
  while (list != NULL && !equal(car(car(list)), a[1].word)) before = list, list = cdr(list);
  if (list == NULL) return scheme.root.unspecified;
  value next = cdr(list);
  if (before != NULL)
    SET(AS(pair, before), cdr, next);
  else
    SET(AS(vector, buckets), at[i], next);
  AS(table, (value)a[0].word)->count--;
  return scheme.root.unspecified;
}

PRIMITIVE_IN_C(table_count) { return fixnum(AS(table, need(a[0], TABLE))->count); }

PRIMITIVE_IN_C(table_to_list) {
  FRAME(x, 2);  // the result, what is left of a list
  for (size_t i = 0; i < count_of(table_buckets(a[0])); i++) {
    x[1].word = GET(AS(vector, table_buckets(a[0])), at[i]);
    for (; x[1].word != NULL; x[1].word = cdr(x[1].word)) {
      value entry = car(x[1].word);
      entry = cons(car(entry), cdr(entry));
      x[0].word = cons(entry, x[0].word);
    }
  }
  RETURN(x, x[0].word);
}

// clang-format off
const struct row table_rows[] = {
    ROW("make-hash-table", 0, 0, table_make), ROW("hash-table-set!", 3, 3, table_set),
    ROW("hash-table-ref/default", 3, 3, table_ref), ROW("hash-table-delete!", 2, 2, table_delete),
    ROW("hash-table-count", 1, 1, table_count), ROW("hash-table->alist", 1, 1, table_to_list),
    {.name = NULL},
};
