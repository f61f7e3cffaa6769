// bench/heap/sharing.c -- objects of two threads that must not share a cache line.
//
// Stands for counters and small records that each thread writes often.  `active`: each thread takes
// small objects of its own and writes to them; an allocator that cuts one line into blocks for two
// threads makes the line travel between the cores.  `passive`: the first objects of all threads
// come from one thread, neighbours in one line, and are freed by those that got them; an allocator
// that hands such a block to its freeing thread again keeps the line shared.  The idea is that of
// Hoard's cache-thrash and cache-scratch (E. Berger and others, "Hoard", ASPLOS 2000).
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { THREADS = 2, HELD = 16, ROUNDS = 1500, WRITES = 200000, BYTES = 8 };

struct writer {
  void *held[HELD];
};

static void *writer_run(void *argument) {
  struct writer *writer = argument;
  for (size_t i = 0; i < HELD; i++) free(writer->held[i]);
  for (size_t left = bench_steps(ROUNDS); left > 0; left--) {
    for (size_t i = 0; i < HELD; i++) writer->held[i] = bench_take(BYTES);
    for (size_t i = 0; i < WRITES; i++) ++*(volatile unsigned char *)writer->held[i % HELD];
    for (size_t i = 0; i < HELD; i++) free(writer->held[i]);
  }
  return NULL;
}

int main(int argc, char **argv) {
  // A line or more between the two, so that only what the allocator gave can be shared.
  static struct { _Alignas(256) struct writer writer; } writers[THREADS];
  pthread_t threads[THREADS];
  bench_begin(argc, argv);
  bool passive = argc > 1 && strcmp(argv[1], "passive") == 0;
  if (!passive && (argc < 2 || strcmp(argv[1], "active") != 0))
    bench_fail("usage: sharing active|passive [PERCENT]");
  for (size_t i = 0; passive && i < HELD; i++)
    for (unsigned t = 0; t < THREADS; t++) writers[t].writer.held[i] = bench_take(BYTES);
  for (unsigned t = 0; t < THREADS; t++) threads[t] = bench_thread(writer_run, &writers[t].writer);
  for (unsigned t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
  printf("%s\n", passive ? "passive" : "active");
  bench_over(0);
  return 0;
}
