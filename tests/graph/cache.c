// tests/graph/cache.c -- a cache that a global holds, entries that a list shares, and a leak.
// SPDX-License-Identifier: MIT
//
//   cache ENTRIES: prints "ready", then adds ENTRIES more entries for each line that it reads
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  struct entry *next;
  char *text;
};

struct table {
  size_t count;
  struct entry *entry[1 << 16];
};

static struct table *cache;
static struct entry *listeners;  // entries of the cache too, every second one
static void *volatile forget;

__attribute__((noinline)) static char *text_new(size_t bytes) {
  char *text = malloc(bytes);
  if (text == NULL) exit(1);
  memset(text, 'x', bytes);
  return text;
}

__attribute__((noinline)) static struct entry *entry_new(size_t bytes) {
  struct entry *e = calloc(1, sizeof *e);
  if (e == NULL) exit(1);
  e->text = text_new(bytes);
  return e;
}

__attribute__((noinline)) static struct table *table_new(void) {
  struct table *t = calloc(1, sizeof *t);
  if (t == NULL) exit(1);
  return t;
}

__attribute__((noinline)) static void add(size_t entries) {
  for (size_t i = 0; i < entries && cache->count < 1 << 16; i++) {
    struct entry *e = cache->entry[cache->count++] = entry_new(200);
    if (i % 2 == 0) continue;
    e->next = listeners;
    listeners = e;
  }
}

__attribute__((noinline)) static void leak(void) { forget = malloc(5000); }

__attribute__((noinline)) static void serve(size_t entries) {
  char *volatile buffer = text_new(100000);
  char line[64];
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    add(entries);
    puts("ready");
    fflush(stdout);
  }
  free(buffer);
}

int main(int argc, char **argv) {
  size_t entries = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
  cache = table_new();
  add(entries);
  leak();
  forget = NULL;
  serve(entries);
  return 0;
}
