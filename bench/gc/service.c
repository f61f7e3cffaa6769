// bench/gc/service.c -- a service that holds many objects: service OBJECTS RATE SECONDS
// SPDX-License-Identifier: MIT
//
// OBJECTS objects of 32 and 64 bytes live in 64 hash tables.  Requests arrive on a fixed schedule,
// RATE a second, whether or not the last one is done: a request's latency is from when it was due
// to its end, so that a pause is charged to all whom it delayed.  Each allocates some 280 objects
// that die with it, looks up 16 entries and renews 4.
//
// The thread spins while it waits for the next request: what that costs is printed, to be taken
// from the processor time.  With BENCH_MARK set it ends with full collections, and tells their
// pauses.
#include "service.h"

enum { WARM_REQUESTS = 20000, FULL_COLLECTIONS = 5 };

static struct figures latencies;

static void service_wait(uint64_t due_ns, uint64_t *spun_ns) {
  uint64_t start = figures_thread_ns();
  while (figures_now_ns() < due_ns) continue;
  *spun_ns += figures_thread_ns() - start;
}

// Serves the requests on time; returns what the answers add up to.
static uint32_t service_serve(memory *m, ROOTS_OF(r), uint32_t rate, uint32_t seconds,
                              uint64_t *spun_ns) {
  uint64_t start = figures_now_ns();
  uint32_t sum = 0;
  for (uint32_t i = 0; i < rate * seconds; i++) {
    uint64_t due = start + (uint64_t)i * 1000000000u / rate;
    service_wait(due, spun_ns);
    sum = memory_mix(sum, service_request(m, r, i + 1));
    figures_add(&latencies, figures_now_ns() - due);
  }
  return sum;
}

// Full collections, of which only the pauses are told: a sweep outside of them is not in the way.
static void service_mark(memory *m, uint32_t objects) {
  struct figures marks = {memory_pauses.ns + memory_pauses.count, 0};
  for (int i = 0; i < FULL_COLLECTIONS; i++) memory_full(m);
  marks.count = memory_pauses.count - (size_t)(marks.ns - memory_pauses.ns);
  printf("objects count=%u\n", objects);
  figures_print("full", &marks);
}

int main(int argc, char **argv) {
  uint32_t objects = memory_argument(argc, argv, 1), rate = memory_argument(argc, argv, 2);
  uint32_t seconds = memory_argument(argc, argv, 3), sum = 0;
  uint64_t spun_ns = 0;
  memory *m = memory_open();
  figures_open(&latencies);
  ROOTS(m, r, SERVICE_ROOTS);
  service_fill(m, r, objects);
  memory_checkpoint(m);
  for (uint32_t i = 0; i < WARM_REQUESTS; i++) sum = memory_mix(sum, service_request(m, r, i + 1));
  sum = memory_mix(sum, service_serve(m, r, rate, seconds, &spun_ns));
  memory_checkpoint(m);
  if (getenv("BENCH_MARK") != NULL) service_mark(m, objects);
  service_drop(m, r);
  ROOTS_END(m, r);
  printf("spun ns=%llu\n", (unsigned long long)spun_ns);
  figures_print("latency", &latencies);
  memory_close(m, sum);
  return 0;
}
