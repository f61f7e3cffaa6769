// examples/scheme/table.c -- hash tables, by equal?.
// SPDX-License-Identifier: MIT
//
// What is equal by its place, such as a symbol, is hashed by a number that the collector keeps for
// it, for its address may change.

#include "scheme.h"

enum { TABLE_LISTS = 8, TABLE_DEEP = 4 };

static uint64_t table_mix(uint64_t hash) { return (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u; }

// Of a pair: so many levels of it.
static uint64_t table_hash(value v, int levels) {
  enum kind kind = kind_of(v);
  if (kind == NIL || (kind == PAIR && levels == 0)) return 1;
  if (kind == FIXNUM || kind == CHARACTER || kind == FLONUM)
    return table_mix((uint64_t)AS(number, v)->fixnum);
  if (kind == STRING) return table_mix(hash_bytes(AS(string, v)->text, count_of(v)));
  if (kind == VECTOR) return table_mix(count_of(v));
  if (kind != PAIR) return table_mix(midden_gc_hash(scheme.m, v));
  uint64_t first = table_hash(car(v), levels - 1);
  return table_mix(first + 3 * table_hash(cdr(v), levels - 1));
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
  FRAME(x, 1, make_array(VECTOR, TABLE_LISTS));
  struct table *table = AS(table, make(TABLE));
  INIT(table, buckets, x[0].word);
  RETURN(x, &table->is);
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

PRIMITIVE_IN_C(table_lists) { return table_buckets(a[0]); }

// clang-format off
const struct row table_rows[] = {
    ROW("make-hash-table", 0, 0, table_make), ROW("hash-table-set!", 3, 3, table_set),
    ROW("hash-table-ref/default", 3, 3, table_ref), ROW("hash-table-delete!", 2, 2, table_delete),
    ROW("hash-table-count", 1, 1, table_count), ROW("%buckets", 1, 1, table_lists), {.name = NULL},
};
