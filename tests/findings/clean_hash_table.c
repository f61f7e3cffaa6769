// tests/findings/clean_hash_table.c -- a table that doubles as it fills, held to the end.
// SPDX-License-Identifier: MIT
//
// expect: nothing
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
  struct pair *next;
  unsigned hash;
  long value;
  char key[];
};

static struct pair **bucket;
static size_t buckets, pairs;

static unsigned hash_of(const char *key) {
  unsigned hash = 2166136261u;
  for (; *key != 0; key++) hash = (hash ^ (unsigned char)*key) * 16777619u;
  return hash;
}

static void widen(void) {
  size_t wider = buckets == 0 ? 64 : 2 * buckets;
  struct pair **place = calloc(wider, sizeof *place);
  for (size_t i = 0; i < buckets; i++)
    for (struct pair *p = bucket[i], *next; p != NULL; p = next) {
      next = p->next;
      p->next = place[p->hash % wider];
      place[p->hash % wider] = p;
    }
  free(bucket);
  bucket = place;
  buckets = wider;
}

static struct pair *find(const char *key, unsigned hash) {
  struct pair *p = buckets > 0 ? bucket[hash % buckets] : NULL;
  while (p != NULL && (p->hash != hash || strcmp(p->key, key) != 0)) p = p->next;
  return p;
}

static void put(const char *key, long value) {
  unsigned hash = hash_of(key);
  struct pair *p = find(key, hash);
  if (p == NULL) {
    if (pairs >= buckets) widen();
    p = malloc(sizeof *p + strlen(key) + 1);
    strcpy(p->key, key);
    p->hash = hash;
    p->next = bucket[hash % buckets];
    bucket[hash % buckets] = p;
    pairs++;
  }
  p->value = value;
}

int main(void) {
  char key[32];
  long sum = 0;
  for (int i = 0; i < 200000; i++) {
    snprintf(key, sizeof key, "key %d", i * 7 % 120000);
    put(key, i);
  }
  for (int i = 0; i < 120000; i++) {
    snprintf(key, sizeof key, "key %d", i);
    sum += find(key, hash_of(key))->value;
  }
  return sum == 0;
}
