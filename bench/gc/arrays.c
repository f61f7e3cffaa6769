// bench/gc/arrays.c -- large arrays: arrays LIVE STEPS
//
// A ring of LIVE arrays of 64 KiB to 2 MiB: a step puts a new one in the place of the oldest.  Most
// hold numbers, of which one a page is written; one in four holds references, which is born old
// where large objects are, and gets small young objects.
// SPDX-License-Identifier: MIT
#include "memory.h"

enum { LEAST_WORDS = 16 << 10, DOUBLINGS = 5, PAGE_WORDS = 1024, ITEM_EVERY = 512 };

struct item {
  uint32_t value, more;
};

struct array {
  REF(uint32_t) words;  // numbers, or NULL
  REF(struct items) items;
  uint32_t length;
};

struct items {
  REF(struct item) slot[0];
};

struct ring {
  REF(struct array) slot[0];
};

static memory_type item_type = MEMORY_TYPE(struct item, 0);
static memory_type array_type = MEMORY_TYPE(struct array, 2);

// Root 0 holds the array.
static uint32_t words_fill(memory *m, ROOTS_OF(r), uint32_t value) {
  uint32_t *words = GET(m, (struct array *)ROOT(r, 0), words), sum = 0;
  uint32_t length = ((struct array *)ROOT(r, 0))->length;
  for (uint32_t i = 0; i < length; i += PAGE_WORDS) words[i] = value + i;
  for (uint32_t i = 0; i < length; i += PAGE_WORDS) sum += words[i];
  return sum;
}

static uint32_t items_fill(memory *m, ROOTS_OF(r), uint32_t value) {
  uint32_t length = ((struct array *)ROOT(r, 0))->length, sum = 0;
  for (uint32_t i = 0; i < length; i += ITEM_EVERY) {
    struct item *item = memory_new(m, &item_type);
    item->value = value + i;
    item->more = 0;
    SET(m, GET(m, (struct array *)ROOT(r, 0), items), slot[i], item);
  }
  struct items *items = GET(m, (struct array *)ROOT(r, 0), items);
  for (uint32_t i = 0; i < length; i += ITEM_EVERY) sum += GET(m, items, slot[i])->value;
  return sum;
}

// Root 0 gets a new array; root 1 is free.
static uint32_t array_make(memory *m, ROOTS_OF(r), uint32_t *seed) {
  uint32_t words = LEAST_WORDS << memory_random(seed) % DOUBLINGS;
  words += memory_random(seed) % words;
  bool holds_items = memory_random(seed) % 4 == 0;
  uint32_t length = holds_items ? words / 2 : words;
  struct array *array = memory_new(m, &array_type);
  array->length = length;
  INIT(m, array, words, NULL);
  INIT(m, array, items, NULL);
  ROOT_SET(r, 0, array);
  if (holds_items) {
    ROOT_SET(r, 1, memory_refs(m, length));
    SET(m, (struct array *)ROOT(r, 0), items, ROOT(r, 1));
    return items_fill(m, r, words);
  }
  ROOT_SET(r, 1, memory_words(m, length));
  SET(m, (struct array *)ROOT(r, 0), words, ROOT(r, 1));
  return words_fill(m, r, words);
}

static void array_free(memory *m, struct array *array) {
  if (!MEMORY_FREES || array == NULL) return;
  struct items *items = GET(m, array, items);
  for (uint32_t i = 0; items != NULL && i < array->length; i += ITEM_EVERY)
    memory_free(m, GET(m, items, slot[i]));
  memory_free(m, items);
  memory_free(m, GET(m, array, words));
  memory_free(m, array);
}

int main(int argc, char **argv) {
  uint32_t live = memory_argument(argc, argv, 1), steps = memory_argument(argc, argv, 2);
  uint32_t seed = 1, sum = 0;
  memory *m = memory_open();
  memory_define(m, &item_type);
  memory_define(m, &array_type);
  ROOTS(m, r, 3);
  ROOT_SET(r, 2, memory_refs(m, live));
  for (uint32_t step = 0; step < steps; step++) {
    sum = memory_mix(sum, array_make(m, r, &seed));
    struct ring *ring = ROOT(r, 2);
    array_free(m, GET(m, ring, slot[step % live]));
    SET(m, ring, slot[step % live], ROOT(r, 0));
    if (step % live == live - 1) memory_checkpoint(m);
  }
  for (uint32_t i = 0; MEMORY_FREES && i < live; i++)
    array_free(m, GET(m, (struct ring *)ROOT(r, 2), slot[i]));
  memory_free(m, ROOT(r, 2));
  ROOTS_END(m, r);
  memory_close(m, sum);
  return 0;
}
