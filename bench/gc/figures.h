// bench/gc/figures.h -- many measured times, and the line that says how they lie.
//
// All of them are kept, so that a percentile is one of them and not the edge of a bucket.  They lie
// in memory of their own: neither malloc nor a collector is to know of it.
// SPDX-License-Identifier: MIT
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum {
  FIGURES_MOST = 1 << 22
};  // later ones are dropped: four minutes of 15,000 requests a second

struct figures {
  uint64_t *ns;
  size_t count;
};

static inline uint64_t figures_clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t figures_now_ns(void) { return figures_clock_ns(CLOCK_MONOTONIC); }

static inline uint64_t figures_thread_ns(void) { return figures_clock_ns(CLOCK_THREAD_CPUTIME_ID); }

// User and system time of all threads.
static inline uint64_t figures_cpu_ns(void) { return figures_clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static inline void figures_open(struct figures *figures) {
  figures->count = 0;
  figures->ns = mmap(NULL, FIGURES_MOST * sizeof *figures->ns, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (figures->ns == MAP_FAILED) abort();
}

static inline void figures_add(struct figures *figures, uint64_t ns) {
  if (figures->count < FIGURES_MOST) figures->ns[figures->count++] = ns;
}

static inline int figures_order(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

// The least of them that `thousandths` of all are not above.  They are in order.
static inline uint64_t figures_rank(const struct figures *figures, size_t thousandths) {
  if (figures->count == 0) return 0;
  size_t rank = (figures->count * thousandths + 999) / 1000;
  return figures->ns[rank == 0 ? 0 : rank - 1];
}

static inline void figures_print(const char *name, struct figures *figures) {
  qsort(figures->ns, figures->count, sizeof *figures->ns, figures_order);
  printf("%s count=%zu p50_ns=%llu p99_ns=%llu p999_ns=%llu max_ns=%llu\n", name, figures->count,
         (unsigned long long)figures_rank(figures, 500),
         (unsigned long long)figures_rank(figures, 990),
         (unsigned long long)figures_rank(figures, 999),
         (unsigned long long)figures_rank(figures, 1000));
}

#endif
