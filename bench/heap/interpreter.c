// bench/heap/interpreter.c -- what a script's interpreter asks of the heap.
//
// Stands for the runtimes of scripting languages that count references and have no pool of their
// own: boxed numbers that die at once, strings that are joined, lists that grow by realloc, call
// frames that come and go like a stack, and a table of globals that keeps some of each alive for
// long.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { GLOBALS = 20000, FRAMES = 64, STEPS = 25000000 };

enum kind { NUMBER, STRING, LIST };

struct value {
  enum kind kind;
  unsigned references;
  size_t count;  // bytes of a string, items of a list
  union {
    double number;
    struct value **items;  // a list's, NULL or of room for count rounded up to 4, 8, 16...
    char text[8];
  } as;
};

static struct value *globals[GLOBALS];

static void value_drop(struct value *value) {
  if (value == NULL || --value->references > 0) return;
  if (value->kind == LIST) {
    for (size_t i = 0; i < value->count; i++) value_drop(value->as.items[i]);
    free(value->as.items);
  }
  free(value);
}

static struct value *value_new(enum kind kind, size_t extra) {
  struct value *value = malloc(sizeof *value + extra);
  if (value == NULL) bench_fail("out of memory");
  value->kind = kind;
  value->references = 1;
  value->count = 0;
  value->as.items = NULL;
  return value;
}

static struct value *value_number(uint64_t bits) {
  struct value *value = value_new(NUMBER, 0);
  value->as.number = (double)(bits >> 40);
  return value;
}

// The text of two values, one after the other, cut at 200 bytes.
static struct value *value_join(const struct value *a, const struct value *b) {
  size_t left = a != NULL && a->kind == STRING ? a->count : 7;
  size_t right = b != NULL && b->kind == STRING ? b->count : 9;
  if (left + right > 200) left = right = 10;
  struct value *value = value_new(STRING, left + right);
  memset(value->as.text, 's', left + right);
  value->count = left + right;
  return value;
}

static void value_append(struct value *list, struct value *item) {
  if (list->count == 0 || (list->count >= 4 && (list->count & (list->count - 1)) == 0)) {
    size_t room = list->count == 0 ? 4 : list->count * 2;
    list->as.items = realloc(list->as.items, room * sizeof *list->as.items);
    if (list->as.items == NULL) bench_fail("out of memory");
  }
  list->as.items[list->count++] = item;
}

// One expression statement: a few boxed temporaries, of which one may become a global.
static void step_expression(uint64_t *seed, uint64_t bits) {
  struct value *a = value_number(bits), *b = value_number(~bits);
  struct value *sum = value_number((uint64_t)(a->as.number + b->as.number));
  value_drop(a);
  value_drop(b);
  if (bits % 16 == 0) {
    struct value **global = &globals[bench_below(seed, GLOBALS)];
    value_drop(*global);
    *global = sum;
    return;
  }
  value_drop(sum);
}

static void step_join(uint64_t *seed) {
  struct value **to = &globals[bench_below(seed, GLOBALS)];
  struct value *joined = value_join(*to, globals[bench_below(seed, GLOBALS)]);
  value_drop(*to);
  *to = joined;
}

static void step_append(uint64_t *seed, uint64_t bits) {
  struct value **to = &globals[bench_below(seed, GLOBALS)];
  if (*to == NULL || (*to)->kind != LIST || (*to)->count >= 256) {
    value_drop(*to);
    *to = value_new(LIST, 0);
  }
  for (size_t items = 1 + bits % 8; items > 0; items--) value_append(*to, value_number(bits));
}

int main(int argc, char **argv) {
  void *frames[FRAMES];
  size_t depth = 0;
  uint64_t seed = 1, live = 0;
  bench_begin(argc, argv);
  for (size_t left = bench_steps(STEPS); left > 0; left--) {
    uint64_t bits = bench_random(&seed);
    unsigned op = (unsigned)(bits >> 59);
    bits = (bits << 5) >> 8;
    if (op < 16) {
      step_expression(&seed, bits);
    } else if (op < 20) {
      step_join(&seed);
    } else if (op < 22) {
      step_append(&seed, bits);
    } else if (depth < FRAMES && (op < 27 || depth == 0)) {
      frames[depth++] = bench_take(160 + bench_below(&seed, 20) * 16);
    } else {
      free(frames[--depth]);
    }
  }
  while (depth > 0) free(frames[--depth]);
  for (size_t i = 0; i < GLOBALS; i++) {
    if (globals[i] != NULL) live += globals[i]->count;
    value_drop(globals[i]);
  }
  printf("%llu\n", (unsigned long long)live);
  bench_over(0);
  return 0;
}
