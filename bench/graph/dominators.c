// bench/graph/dominators.c -- the dominators of a graph of a shape, timed and weighed.
// SPDX-License-Identifier: MIT
//
//   dominators SHAPE BLOCKS: prints seconds, the most bytes of arrays and the most resident bytes
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "graph/dominators.h"

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)((state >> 32) * bound >> 32);
}

// Each block points at two, anywhere.
static void random_pointers(struct mid_edges *e, uint32_t blocks) {
  for (uint32_t n = 0; n < blocks; n++) {
    mid_edges_add(e, mid_edge(random_below(blocks), false));
    mid_edges_add(e, mid_edge(random_below(blocks), false));
    mid_edges_end_row(e);
  }
  mid_edges_add(e, mid_edge(0, false));
}

static uint32_t *shuffled(uint32_t count) {
  uint32_t *order = malloc(count * sizeof *order);
  if (order == NULL) exit(1);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t j = random_below(i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  return order;
}

// A list linked both ways through blocks in random places.
static void list(struct mid_edges *e, uint32_t blocks) {
  uint32_t *order = shuffled(blocks), *place = malloc(blocks * sizeof *place);
  if (place == NULL) exit(1);
  for (uint32_t i = 0; i < blocks; i++) place[order[i]] = i;
  for (uint32_t n = 0; n < blocks; n++) {
    uint32_t i = place[n];
    if (i > 0) mid_edges_add(e, mid_edge(order[i - 1], false));
    if (i + 1 < blocks) mid_edges_add(e, mid_edge(order[i + 1], false));
    mid_edges_end_row(e);
  }
  mid_edges_add(e, mid_edge(order[0], false));
  free(place);
  free(order);
}

// A search tree of blocks in random places.
static void tree(struct mid_edges *e, uint32_t blocks) {
  uint32_t *order = shuffled(blocks), *place = malloc(blocks * sizeof *place);
  if (place == NULL) exit(1);
  for (uint32_t i = 0; i < blocks; i++) place[order[i]] = i;
  for (uint32_t n = 0; n < blocks; n++) {
    for (uint64_t child = 2 * (uint64_t)place[n] + 1; child <= 2 * (uint64_t)place[n] + 2; child++)
      if (child < blocks) mid_edges_add(e, mid_edge(order[child], false));
    mid_edges_end_row(e);
  }
  mid_edges_add(e, mid_edge(order[0], false));
  free(place);
  free(order);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*make)(struct mid_edges *, uint32_t);
  } shape[] = {{"random", random_pointers}, {"list", list}, {"tree", tree}};
  uint32_t blocks = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
  struct mid_edges e;
  struct mid_dominators d;
  for (size_t i = 0; blocks > 0 && i < sizeof shape / sizeof *shape; i++) {
    if (strcmp(shape[i].name, argv[1]) != 0) continue;
    mid_edges_open(&e, blocks);
    shape[i].make(&e, blocks);
    mid_edges_end_row(&e);
    mid_edges_finish(&e);
    // What the command holds of each block beside: size, address, site, birth.
    struct mid_array facts = mid_array_open((size_t)blocks * 24);
    memset(facts.at, 1, (size_t)blocks * 24);
    mid_array_forget_peak();
    double start = seconds();
    mid_dominators_make(&e, facts.at, NULL, &d);
    double took = seconds() - start;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%.3f %zu %zu %u\n", took, mid_array_peak(), (size_t)usage.ru_maxrss << 10, d.unheld);
    return 0;
  }
  fprintf(stderr, "usage: dominators random|list|tree BLOCKS\n");
  return 2;
}
