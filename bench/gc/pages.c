// bench/gc/pages.c -- how many old pages are written to between two minors: pages PAGES ROUNDS
//
// 64 MiB of old objects, and rounds that each fill a young space of 16 MiB with garbage while they
// store into old objects on PAGES pages.  A store barrier pays for each store; page protection for
// each page that is written to for the first time.
// SPDX-License-Identifier: MIT
#include "memory.h"

enum { OLD = 1 << 20, OBJECT = 56, PAGE = 4096, EDEN = (16 << 20) / 10 * 8 };

struct old {
  REF(struct old) young;
  uint64_t words[OBJECT / 8 - 1];
};

struct olds {
  REF(struct old) slot[0];
};

static memory_type old_type = MEMORY_TYPE(struct old, 1);

static struct old *old_new(memory *m, uint64_t word) {
  struct old *old = memory_new(m, &old_type);
  INIT(m, old, young, NULL);
  old->words[0] = word;
  return old;
}

// One young space of garbage, and stores to `pages` old objects that lie as far apart as they can.
static void pages_round(memory *m, ROOTS_OF(r), uint32_t pages, uint32_t round) {
  uint32_t young = EDEN / (OBJECT + 8), every = pages == 0 ? 0 : young / pages;
  uint32_t stride = pages == 0 ? 0 : OLD / pages, at = round % (PAGE / (OBJECT + 8)), left = pages;
  for (uint32_t i = 0; i < young; i++) {
    struct old *made = old_new(m, i);
    if (left == 0 || i % every != 0) continue;
    struct old *old = GET(m, (struct olds *)ROOT(r, 0), slot[at]);
    SET(m, old, young, made);
    at += stride;
    left--;
  }
}

int main(int argc, char **argv) {
  uint32_t pages = memory_argument(argc, argv, 1), rounds = memory_argument(argc, argv, 2);
  memory *m = memory_open();
  memory_define(m, &old_type);
  ROOTS(m, r, 1);
  ROOT_SET(r, 0, memory_refs(m, OLD));
  for (uint32_t i = 0; i < OLD; i++) {
    struct old *old = old_new(m, i);
    SET(m, (struct olds *)ROOT(r, 0), slot[i], old);
  }
  memory_full(m);
  memory_full(m);
  uint64_t start = figures_cpu_ns();
  for (uint32_t round = 0; round < rounds; round++) pages_round(m, r, pages, round);
  printf("loop cpu_ns=%llu\n", (unsigned long long)(figures_cpu_ns() - start));
  ROOTS_END(m, r);
  memory_close(m, rounds);
  return 0;
}
