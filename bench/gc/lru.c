// bench/gc/lru.c -- a cache with replacement of what was used least recently: lru ENTRIES STEPS
//
// The generational hypothesis turned upside down: whatever is evicted is the oldest of all.  Chains
// of a hash table and a list in the order of use run through the entries; each owns an array of
// numbers.  A step looks a key up and moves it to the front, or puts it in and evicts the last.
// SPDX-License-Identifier: MIT
#include "memory.h"

enum { LEAST_WORDS = 8, MORE_WORDS = 32 };

struct entry {
  REF(struct entry) chain;
  REF(struct entry) newer;
  REF(struct entry) older;
  REF(uint32_t) value;
  uint32_t key, words;
};

struct buckets {
  REF(struct entry) slot[0];
};

// The roots of the cache: its buckets, and both ends of the list.
enum { BUCKETS, NEWEST, OLDEST, HELD, ROOTS_OF_CACHE };

static memory_type entry_type = MEMORY_TYPE(struct entry, 4);
static uint32_t bucket_mask, entries_most;

static uint32_t key_bucket(uint32_t key) { return (key * 2654435769u >> 7) & bucket_mask; }

#define TABLE ((struct buckets *)ROOT(r, BUCKETS))
#define AS_ENTRY(i) ((struct entry *)ROOT(r, i))

static void list_unlink(memory *m, ROOTS_OF(r), struct entry *entry) {
  struct entry *newer = GET(m, entry, newer), *older = GET(m, entry, older);
  if (newer == NULL)
    ROOT_SET(r, NEWEST, older);
  else
    SET(m, newer, older, older);
  if (older == NULL)
    ROOT_SET(r, OLDEST, newer);
  else
    SET(m, older, newer, newer);
}

static void list_push(memory *m, ROOTS_OF(r), struct entry *entry) {
  struct entry *first = AS_ENTRY(NEWEST);
  SET(m, entry, newer, NULL);
  SET(m, entry, older, first);
  if (first == NULL)
    ROOT_SET(r, OLDEST, entry);
  else
    SET(m, first, newer, entry);
  ROOT_SET(r, NEWEST, entry);
}

static struct entry *cache_find(memory *m, ROOTS_OF(r), uint32_t key) {
  struct entry *entry = GET(m, TABLE, slot[key_bucket(key)]);
  while (entry != NULL && entry->key != key) entry = GET(m, entry, chain);
  return entry;
}

static void cache_evict(memory *m, ROOTS_OF(r)) {
  struct entry *last = AS_ENTRY(OLDEST), *before = NULL;
  uint32_t bucket = key_bucket(last->key);
  struct entry *at = GET(m, TABLE, slot[bucket]);
  for (; at != last; at = GET(m, at, chain)) before = at;
  if (before == NULL)
    SET(m, TABLE, slot[bucket], GET(m, last, chain));
  else
    SET(m, before, chain, GET(m, last, chain));
  list_unlink(m, r, last);
  memory_free(m, GET(m, last, value));
  memory_free(m, last);
}

static void cache_insert(memory *m, ROOTS_OF(r), uint32_t key) {
  uint32_t words = LEAST_WORDS + key % MORE_WORDS, bucket = key_bucket(key);
  ROOT_SET(r, HELD, memory_words(m, words));
  for (uint32_t i = 0; i < words; i++) ((uint32_t *)ROOT(r, HELD))[i] = key + i;
  struct entry *entry = memory_new(m, &entry_type);
  entry->key = key;
  entry->words = words;
  INIT(m, entry, value, ROOT(r, HELD));
  INIT(m, entry, newer, NULL);
  INIT(m, entry, older, NULL);
  INIT(m, entry, chain, GET(m, TABLE, slot[bucket]));
  SET(m, TABLE, slot[bucket], entry);
  list_push(m, r, entry);
  ROOT_SET(r, HELD, NULL);
}

// Half of the steps ask for a key out of twice what fits, the rest for one of the eighth of them
// that everybody wants.
static uint32_t next_key(uint32_t *seed) {
  uint32_t keys = 2 * entries_most, which = memory_random(seed);
  return memory_random(seed) % (which & 1 ? keys : keys / 8);
}

static uint32_t cache_step(memory *m, ROOTS_OF(r), uint32_t key, uint32_t *held) {
  struct entry *entry = cache_find(m, r, key);
  if (entry != NULL) {
    list_unlink(m, r, entry);
    list_push(m, r, entry);
    return GET(m, entry, value)[entry->words - 1];
  }
  if (*held == entries_most)
    cache_evict(m, r);
  else
    ++*held;
  cache_insert(m, r, key);
  return 1;
}

int main(int argc, char **argv) {
  entries_most = memory_argument(argc, argv, 1);
  uint32_t steps = memory_argument(argc, argv, 2), seed = 1, held = 0, sum = 0;
  for (bucket_mask = 1; bucket_mask < entries_most; bucket_mask *= 2) continue;
  memory *m = memory_open();
  memory_define(m, &entry_type);
  ROOTS(m, r, ROOTS_OF_CACHE);
  ROOT_SET(r, BUCKETS, memory_refs(m, bucket_mask--));
  for (uint32_t step = 0; step < steps; step++) {
    sum = memory_mix(sum, cache_step(m, r, next_key(&seed), &held));
    if (step == steps / 2) memory_checkpoint(m);
  }
  memory_checkpoint(m);
  while (MEMORY_FREES && ROOT(r, OLDEST) != NULL) cache_evict(m, r);
  memory_free(m, TABLE);
  ROOTS_END(m, r);
  memory_close(m, sum);
  return 0;
}
