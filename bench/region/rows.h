// bench/region/rows.h -- one shape of work for every way to take and give memory.
//
// A program is called as `program ROW OBJECTS` and prints nanoseconds an object.  The work is in
// batches of 100: take them, then give them back, the last one first, or all at once where that is
// how it is done.  Row `loop` takes nothing: what it costs is the harness's own.
// SPDX-License-Identifier: MIT
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 100, BYTES = 32 };

// The compiler must make the pointer, and knows nothing of what is done with it.
#define SINK(p) __asm__ volatile("" : : "r"(p) : "memory")

// `take` is an expression, `give` a statement on `p`, `end` what happens after each batch.
#define BATCHES(objects, take, give, end)                     \
  do {                                                        \
    static void *live[BATCH];                                 \
    for (size_t left = (objects) / BATCH; left > 0; left--) { \
      for (int i = 0; i < BATCH; i++) {                       \
        void *p = take;                                       \
        SINK(p);                                              \
        live[i] = p;                                          \
      }                                                       \
      for (int i = BATCH; i-- > 0;) {                         \
        void *p = live[i];                                    \
        SINK(p);                                              \
        give;                                                 \
      }                                                       \
      end;                                                    \
    }                                                         \
  } while (0)

static inline void row_loop(size_t objects) {
  static char room[BYTES];
  BATCHES(objects, room, (void)0, (void)0);
}

static inline void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

struct row {
  const char *name;
  void (*run)(size_t objects);
};

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int run_row(const struct row *rows, int argc, char **argv) {
  if (argc != 3) fail("usage: program ROW OBJECTS");
  size_t objects = strtoull(argv[2], NULL, 10);
  for (; rows->name != NULL; rows++) {
    if (strcmp(rows->name, argv[1]) != 0) continue;
    rows->run(objects / 10);  // warm
    uint64_t start = now_ns();
    rows->run(objects);
    printf("%.4f\n", (double)(now_ns() - start) / (double)objects);
    return 0;
  }
  fail("no such row");
  return 1;
}

#endif
