// trace/table.c -- see table.h.
// SPDX-License-Identifier: MIT
#include "trace/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

void *mid_grown(void *array, size_t count, size_t each) {
  if ((count & (count - 1)) != 0) return array;
  void *more = realloc(array, (count == 0 ? 1 : 2 * count) * each);
  if (more == NULL) abort();
  return more;
}

struct mid_table mid_table_open(size_t each) {
  return (struct mid_table){.each = mid_round_up(each, sizeof(uint64_t))};  // as record_copy copies
}

void mid_table_close(struct mid_table *t) {
  free(t->key);
  free(t->record);
  *t = mid_table_open(t->each);
}

// 256 keys in a row lie in a row.
static size_t table_home(const struct mid_table *t, uint64_t key) {
  uint64_t mixed = (key >> 8) * 0x9e3779b97f4a7c15u;
  return (size_t)((mixed >> 20) + (key & 255)) & (t->places - 1);
}

static size_t table_place(const struct mid_table *t, uint64_t key) {
  size_t i = table_home(t, key);
  while (t->key[i] != 0 && t->key[i] != key + 1) i = (i + 1) & (t->places - 1);
  return i;
}

static char *record_at(const struct mid_table *t, size_t i) { return t->record + i * t->each; }

// Records are a few words: calls of memcpy would cost more than they copy.
static void record_copy(const struct mid_table *t, char *to, const char *from) {
  for (size_t i = 0; i < t->each; i += sizeof(uint64_t)) {
    uint64_t word = 0;
    if (from != NULL) memcpy(&word, from + i, sizeof word);
    memcpy(to + i, &word, sizeof word);
  }
}

void *mid_table_find(const struct mid_table *t, uint64_t key) {
  if (t->count == 0) return NULL;
  size_t i = table_place(t, key);
  return t->key[i] == 0 ? NULL : record_at(t, i);
}

static void table_grow(struct mid_table *t) {
  struct mid_table old = *t;
  t->places = old.places == 0 ? 64 : 2 * old.places;
  t->key = calloc(t->places, sizeof *t->key);
  t->record = calloc(t->places, t->each);
  if (t->key == NULL || t->record == NULL) abort();
  for (size_t i = 0; i < old.places; i++)
    if (old.key[i] != 0) {
      size_t to = table_place(t, old.key[i] - 1);
      t->key[to] = old.key[i];
      record_copy(t, record_at(t, to), record_at(&old, i));
    }
  free(old.key);
  free(old.record);
}

void *mid_table_add(struct mid_table *t, uint64_t key) {
  if (2 * (t->count + 1) > t->places) table_grow(t);
  size_t i = table_place(t, key);
  if (t->key[i] == 0) {
    t->key[i] = key + 1;
    t->count++;
    record_copy(t, record_at(t, i), NULL);
  }
  return record_at(t, i);
}

void mid_table_drop(struct mid_table *t, void *record) {
  size_t mask = t->places - 1, hole = (size_t)((char *)record - t->record) / t->each;
  t->key[hole] = 0;
  t->count--;
  for (size_t i = (hole + 1) & mask; t->key[i] != 0; i = (i + 1) & mask) {
    // What is searched for from its home on must not meet the hole.
    size_t home = table_home(t, t->key[i] - 1);
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    t->key[hole] = t->key[i];
    record_copy(t, record_at(t, hole), record_at(t, i));
    t->key[hole = i] = 0;
  }
}
