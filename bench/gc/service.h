// bench/gc/service.h -- what the service holds, and what a request does with it.
//
// An entry of 32 bytes has a key and owns an item of 64.  The entries of a table hang in chains
// from its buckets; the tables, from one array.
// SPDX-License-Identifier: MIT
#ifndef SERVICE_H
#define SERVICE_H

#include "memory.h"

enum { TABLES = 64, TOKENS = 240, CELLS = 32, LOOKUPS = 16, RENEWALS = 4, ITEM_WORDS = 12 };

struct item {
  REF(struct item) before;  // always NULL: a renewed item forgets
  REF(uint32_t) name;       // always NULL
  uint32_t words[ITEM_WORDS];
};

struct entry {
  REF(struct entry) chain;
  REF(struct item) item;
  uint64_t key, renewed;
};

struct token {
  REF(struct token) next;
  uint64_t value;
};

struct cell {
  REF(struct cell) left;
  REF(struct cell) right;
  uint64_t value;
};

struct table {
  REF(struct entry) bucket[0];
};

struct tables {
  REF(struct table) slot[TABLES];
};

// Roots: the array of tables, and three that a function may use as it likes.
enum { SERVICE_TABLES, SERVICE_A, SERVICE_B, SERVICE_C, SERVICE_ROOTS };

static memory_type item_type = MEMORY_TYPE(struct item, 2);
static memory_type entry_type = MEMORY_TYPE(struct entry, 2);
static memory_type token_type = MEMORY_TYPE(struct token, 1);
static memory_type cell_type = MEMORY_TYPE(struct cell, 2);
static uint32_t service_entries, service_mask;

static uint32_t key_hash(uint32_t key) { return key * 2654435769u; }

static struct table *table_of(memory *m, ROOTS_OF(r), uint32_t key) {
  return GET(m, (struct tables *)ROOT(r, SERVICE_TABLES), slot[key_hash(key) >> 26]);
}

static uint32_t bucket_of(uint32_t key) { return key_hash(key) >> 6 & service_mask; }

// An item whose words follow from `value`, in root A.
static void item_make(memory *m, ROOTS_OF(r), uint32_t value) {
  struct item *item = memory_new(m, &item_type);
  INIT(m, item, before, NULL);
  INIT(m, item, name, NULL);
  for (uint32_t i = 0; i < ITEM_WORDS; i++) item->words[i] = value + i;
  ROOT_SET(r, SERVICE_A, item);
}

// An entry with a new item, at the head of its chain.
static void entry_insert(memory *m, ROOTS_OF(r), uint32_t key, uint32_t value) {
  item_make(m, r, value);
  struct entry *entry = memory_new(m, &entry_type);
  struct table *table = table_of(m, r, key);
  uint32_t bucket = bucket_of(key);
  entry->key = key;
  entry->renewed = 0;
  INIT(m, entry, item, ROOT(r, SERVICE_A));
  INIT(m, entry, chain, GET(m, table, bucket[bucket]));
  SET(m, table, bucket[bucket], entry);
}

static struct entry *entry_find(memory *m, ROOTS_OF(r), uint32_t key) {
  struct entry *entry = GET(m, table_of(m, r, key), bucket[bucket_of(key)]);
  while (entry->key != key) entry = GET(m, entry, chain);
  return entry;
}

static void entry_remove(memory *m, ROOTS_OF(r), uint32_t key) {
  struct table *table = table_of(m, r, key);
  struct entry *before = NULL, *entry = GET(m, table, bucket[bucket_of(key)]);
  for (; entry->key != key; entry = GET(m, entry, chain)) before = entry;
  if (before == NULL)
    SET(m, table, bucket[bucket_of(key)], GET(m, entry, chain));
  else
    SET(m, before, chain, GET(m, entry, chain));
  memory_free(m, GET(m, entry, item));
  memory_free(m, entry);
}

// Every other renewal is a new entry, the rest a new item in the old one.
static void entry_renew(memory *m, ROOTS_OF(r), uint32_t key, uint32_t value) {
  if (value % 2 == 0) {
    entry_remove(m, r, key);
    entry_insert(m, r, key, value);
    return;
  }
  item_make(m, r, value);
  struct entry *entry = entry_find(m, r, key);
  memory_free(m, GET(m, entry, item));
  SET(m, entry, item, ROOT(r, SERVICE_A));
  entry->renewed++;
}

// A list of tokens in root A: what a parser makes of a request.
static void tokens_make(memory *m, ROOTS_OF(r), uint32_t *seed) {
  ROOT_SET(r, SERVICE_A, NULL);
  for (int i = 0; i < TOKENS; i++) {
    struct token *token = memory_new(m, &token_type);
    token->value = memory_random(seed) >> 8;
    INIT(m, token, next, ROOT(r, SERVICE_A));
    ROOT_SET(r, SERVICE_A, token);
  }
}

// A search tree in root B of the values of the first tokens.
static void cells_make(memory *m, ROOTS_OF(r)) {
  ROOT_SET(r, SERVICE_B, NULL);
  ROOT_SET(r, SERVICE_C, ROOT(r, SERVICE_A));
  for (int i = 0; i < CELLS; i++) {
    struct cell *cell = memory_new(m, &cell_type);
    struct token *token = ROOT(r, SERVICE_C);
    cell->value = token->value;
    INIT(m, cell, left, NULL);
    INIT(m, cell, right, NULL);
    ROOT_SET(r, SERVICE_C, GET(m, token, next));
    struct cell *at = ROOT(r, SERVICE_B);
    if (at == NULL) ROOT_SET(r, SERVICE_B, cell);
    while (at != NULL) {
      bool right = cell->value >= at->value;
      struct cell *below = right ? GET(m, at, right) : GET(m, at, left);
      if (below == NULL && right) SET(m, at, right, cell);
      if (below == NULL && !right) SET(m, at, left, cell);
      at = below;
    }
  }
}

static uint32_t cells_sum(memory *m, struct cell *cell, uint32_t depth) {
  if (cell == NULL) return 0;
  uint32_t sum = (uint32_t)cell->value * depth + cells_sum(m, GET(m, cell, left), depth + 1);
  return sum + cells_sum(m, GET(m, cell, right), depth + 1);
}

static void cells_free(memory *m, struct cell *cell) {
  if (!MEMORY_FREES || cell == NULL) return;
  cells_free(m, GET(m, cell, left));
  cells_free(m, GET(m, cell, right));
  memory_free(m, cell);
}

static uint32_t tokens_sum_and_free(memory *m, struct token *token) {
  uint32_t sum = 0;
  while (token != NULL) {
    struct token *next = GET(m, token, next);
    sum = memory_mix(sum, (uint32_t)token->value);
    memory_free(m, token);
    token = next;
  }
  return sum;
}

// Request `number`: returns its answer.
static uint32_t service_request(memory *m, ROOTS_OF(r), uint32_t number) {
  uint32_t seed = number * 2654435769u | 1, sum;
  tokens_make(m, r, &seed);
  cells_make(m, r);
  sum = cells_sum(m, ROOT(r, SERVICE_B), 1);
  cells_free(m, ROOT(r, SERVICE_B));
  sum = memory_mix(sum, tokens_sum_and_free(m, ROOT(r, SERVICE_A)));
  for (int i = 0; i < LOOKUPS; i++) {
    struct entry *entry = entry_find(m, r, memory_random(&seed) % service_entries);
    sum = memory_mix(sum, GET(m, entry, item)->words[i % ITEM_WORDS]);
  }
  for (int i = 0; i < RENEWALS; i++)
    entry_renew(m, r, memory_random(&seed) % service_entries, sum + (uint32_t)i);
  for (int i = SERVICE_A; i < SERVICE_ROOTS; i++) ROOT_SET(r, i, NULL);
  return sum;
}

// `objects` in all, half of them entries and half items.
static void service_fill(memory *m, ROOTS_OF(r), uint32_t objects) {
  memory_type *types[] = {&item_type, &entry_type, &token_type, &cell_type};
  for (int i = 0; i < 4; i++) memory_define(m, types[i]);
  service_entries = objects / 2;
  uint32_t buckets = 1;
  while (buckets < service_entries / TABLES) buckets *= 2;
  service_mask = buckets - 1;
  ROOT_SET(r, SERVICE_TABLES, memory_refs(m, TABLES));
  for (int i = 0; i < TABLES; i++) {
    struct table *table = memory_refs(m, buckets);
    SET(m, (struct tables *)ROOT(r, SERVICE_TABLES), slot[i], table);
  }
  for (uint32_t key = 0; key < service_entries; key++) entry_insert(m, r, key, key);
}

static void service_drop(memory *m, ROOTS_OF(r)) {
  if (!MEMORY_FREES) return;
  for (uint32_t key = 0; key < service_entries; key++) entry_remove(m, r, key);
  struct tables *tables = ROOT(r, SERVICE_TABLES);
  for (int i = 0; i < TABLES; i++) memory_free(m, GET(m, tables, slot[i]));
  memory_free(m, tables);
}

#endif
