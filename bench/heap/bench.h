// bench/heap/bench.h -- what the workloads share: a fixed random sequence, how much work to do, and
// the word with the runner when the work is over.
//
// A workload is called as `program [VARIANT] [PERCENT]`.  It does PERCENT (default 100) of its
// work, the same work on every run and under every allocator, and prints what it computed, so that
// the runner sees that every allocator led to the same answer.
//
// Nothing here allocates: the runner's questions must not show in the answer.
// SPDX-License-Identifier: MIT
#ifndef BENCH_H
#define BENCH_H

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t bench_percent = 100;
static long bench_start_kib;  // resident before the first allocation

static inline void bench_fail(const char *what) {
  fprintf(stderr, "bench: %s\n", what);
  exit(1);
}

// Resident KiB of this process, as /proc/self/smaps_rollup has it; 0 where that cannot be read.
static inline long bench_rss_kib(void) {
  char text[2048];
  int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return 0;
  text[got] = 0;
  const char *rss = strstr(text, "Rss:");
  return rss == NULL ? 0 : strtol(rss + 4, NULL, 10);
}

// Called first in main: reads PERCENT, and what is resident before any work.
static inline void bench_begin(int argc, char **argv) {
  if (argc > 1) {
    uint64_t percent = strtoull(argv[argc - 1], NULL, 10);
    if (percent > 0 && percent <= 100) bench_percent = percent;
  }
  if (getenv("BENCH_FD") != NULL) bench_start_kib = bench_rss_kib();
}

// How many of `full` steps this run does.
static inline size_t bench_steps(size_t full) {
  size_t steps = full * bench_percent / 100;
  return steps == 0 ? 1 : steps;
}

// Called when the work is over and `live_bytes` are still allocated: tells the runner, if there is
// one, and waits until it has looked at this process.
static inline void bench_over(uint64_t live_bytes) {
  const char *number = getenv("BENCH_FD");
  if (number == NULL) return;
  int fd = atoi(number);
  char text[96];
  int bytes = snprintf(text, sizeof text, "%ld %ld %llu\n", (long)getpid(), bench_start_kib,
                       (unsigned long long)live_bytes);
  char byte;
  if (write(fd, text, (size_t)bytes) != bytes || read(fd, &byte, 1) != 1)
    bench_fail("the runner has gone");
}

// xorshift64*, Vigna 2014: the same sequence from the same seed (not 0) everywhere.
static inline uint64_t bench_random(uint64_t *seed) {
  uint64_t x = *seed;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *seed = x;
  return x * 0x2545F4914F6CDD1Du;
}

static inline size_t bench_below(uint64_t *seed, size_t limit) {
  return (size_t)(((bench_random(seed) >> 32) * (uint64_t)limit) >> 32);
}

// A size from `least` to `most` bytes, every doubling as likely as the next: as in real programs,
// small ones are many and a few are large.
static inline size_t bench_size(uint64_t *seed, size_t least, size_t most) {
  unsigned doublings = 0;
  while (least << (doublings + 1) <= most) doublings++;
  size_t low = least << bench_below(seed, doublings + 1);
  size_t high = low * 2 - 1 < most ? low * 2 - 1 : most;
  return low + bench_below(seed, high - low + 1);
}

// Write what a program that uses the block would at least write: its ends, and every page of it.
static inline void bench_touch(void *block, size_t bytes) {
  volatile unsigned char *at = block;
  for (size_t i = 0; i < bytes; i += 4096) at[i] = (unsigned char)i;
  at[bytes - 1] = 1;
}

static inline void *bench_take(size_t bytes) {
  void *block = malloc(bytes);
  if (block == NULL) bench_fail("out of memory");
  bench_touch(block, bytes);
  return block;
}

static inline pthread_t bench_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, body, argument) != 0) bench_fail("cannot start a thread");
  return thread;
}

#endif
