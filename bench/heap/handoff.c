// bench/heap/handoff.c -- producers and consumers.
//
// Stands for a pipeline, such as a reader that parses messages and a writer that sends them on: one
// thread allocates every object, another frees every one.  Objects pass in batches through a
// bounded queue, so the queue itself costs little beside the objects.
// SPDX-License-Identifier: MIT
#include "bench.h"

enum { LINES = 2, BATCH = 128, DEPTH = 32, BATCHES = 80000 };

struct batch {
  void *objects[BATCH];
};

struct line {
  pthread_mutex_t lock;
  pthread_cond_t moved;
  size_t put, taken;  // under lock: batches ever put in and taken out
  struct batch *queue[DEPTH];
  uint64_t seed, bytes;
};

static void line_put(struct line *line, struct batch *batch) {
  pthread_mutex_lock(&line->lock);
  while (line->put - line->taken == DEPTH) pthread_cond_wait(&line->moved, &line->lock);
  line->queue[line->put++ % DEPTH] = batch;
  pthread_cond_signal(&line->moved);
  pthread_mutex_unlock(&line->lock);
}

static struct batch *line_take(struct line *line) {
  pthread_mutex_lock(&line->lock);
  while (line->put == line->taken) pthread_cond_wait(&line->moved, &line->lock);
  struct batch *batch = line->queue[line->taken++ % DEPTH];
  pthread_cond_signal(&line->moved);
  pthread_mutex_unlock(&line->lock);
  return batch;
}

static void *line_produce(void *argument) {
  struct line *line = argument;
  for (size_t left = bench_steps(BATCHES); left > 0; left--) {
    struct batch *batch = bench_take(sizeof *batch);
    for (size_t i = 0; i < BATCH; i++) {
      size_t bytes = bench_size(&line->seed, 16, 512);
      line->bytes += bytes;
      batch->objects[i] = bench_take(bytes);
    }
    line_put(line, batch);
  }
  return NULL;
}

static void *line_consume(void *argument) {
  struct line *line = argument;
  for (size_t left = bench_steps(BATCHES); left > 0; left--) {
    struct batch *batch = line_take(line);
    for (size_t i = 0; i < BATCH; i++) free(batch->objects[i]);
    free(batch);
  }
  return NULL;
}

int main(int argc, char **argv) {
  static struct line lines[LINES];
  pthread_t threads[LINES][2];
  uint64_t bytes = 0;
  bench_begin(argc, argv);
  for (unsigned i = 0; i < LINES; i++) {
    lines[i].seed = i + 1;
    pthread_mutex_init(&lines[i].lock, NULL);
    pthread_cond_init(&lines[i].moved, NULL);
    threads[i][0] = bench_thread(line_produce, &lines[i]);
    threads[i][1] = bench_thread(line_consume, &lines[i]);
  }
  for (unsigned i = 0; i < LINES; i++) {
    pthread_join(threads[i][0], NULL);
    pthread_join(threads[i][1], NULL);
    bytes += lines[i].bytes;
  }
  printf("%llu\n", (unsigned long long)bytes);
  bench_over(0);
  return 0;
}
