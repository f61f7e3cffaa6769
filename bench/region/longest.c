// bench/region/longest.c -- what the longest call of a fit heap costs, over the median: longest
// POLICY CALLS.
//
// A trace of CALLS takes and gives of 16 bytes to 64 KiB, in a region that is about three quarters
// full.  Run plainly it prints the median, the 99.99th percentile and the longest time of a call in
// nanoseconds; callgrind dumps what each call of `timed` cost by itself.
// SPDX-License-Identifier: MIT
#include "../heap/bench.h"
#include "midden/fit.h"
#include "rows.h"

enum { REGION = 64 << 20, SLOTS = 4096 };

// The only function that is counted.
__attribute__((noinline)) void *timed(midden_fit *fit, void *p, size_t bytes);
__attribute__((noinline)) void *timed(midden_fit *fit, void *p, size_t bytes) {
  if (p == NULL) return midden_fit_alloc(fit, bytes);
  midden_fit_free(fit, p);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: longest POLICY CALLS");
  size_t calls = strtoull(argv[2], NULL, 10);
  static _Alignas(4096) char region[REGION];
  static void *slot[SLOTS];
  uint64_t *took = calloc(calls, sizeof *took), seed = 1;
  midden_fit *fit;
  if (took == NULL || midden_fit_open(region, sizeof region, argv[1], &fit) != MIDDEN_OK)
    fail("cannot open");
  memset(region + 65536, 1, sizeof region - 2 * 65536);  // no call is to wait for a page
  midden_fit_close(fit);
  if (midden_fit_open(region, sizeof region, argv[1], &fit) != MIDDEN_OK) fail("cannot open");
  for (size_t i = 0; i < calls; i++) {
    void **at = &slot[bench_below(&seed, SLOTS)];
    size_t bytes = bench_size(&seed, 16, 65536);
    uint64_t start = now_ns();
    *at = timed(fit, *at, bytes);
    took[i] = now_ns() - start;
  }
  qsort(took, calls, sizeof *took, by_value);
  printf("%llu %llu %llu\n", (unsigned long long)took[calls / 2],
         (unsigned long long)took[calls - 1 - calls / 10000], (unsigned long long)took[calls - 1]);
  return 0;
}
