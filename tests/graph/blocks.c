// tests/graph/blocks.c -- snapshots for tests: makes one of a random graph, lists one.
// SPDX-License-Identifier: MIT
//
//   blocks make SEED BLOCKS FILE    random sites, sizes and pointers
//   blocks list FILE                "ADDRESS<tab>BYTES<tab>RETAINED" of each
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/snapshot.h"

static uint64_t state;

static uint32_t random_below(uint32_t bound) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((state >> 33) % bound);
}

// As many pointers as fit, at most; few blocks have more than three.
static uint32_t pointers_of(uint64_t bytes) {
  uint32_t most = (uint32_t)(bytes / 8), wanted = random_below(50) == 0 ? 200 : random_below(4);
  return wanted < most ? wanted : most;
}

static void make(uint32_t blocks, struct mid_graph *g) {
  static const uint64_t sizes[] = {16, 24, 32, 64, 200, 1024, 1032, 5000, 70000};
  uint64_t address = 0x7f0000000000;
  char name[64];
  mid_graph_open(g, blocks);
  mid_graph_name(g, "random");
  for (uint32_t b = 0; b < blocks; b++) {
    g->address[b] = address;
    g->size[b] = sizes[random_below(random_below(20) == 0 ? 9 : 6)];
    snprintf(name, sizeof name, "make<%u>/[%u]", random_below(9), random_below(3));
    g->site[b] = mid_graph_add_site(g, name, "a folder/file.cc", 7, true);
    address += (g->size[b] + 15) / 16 * 16;
  }
  for (uint32_t b = 0; b < blocks; b++) {
    for (uint32_t i = pointers_of(g->size[b]); i > 0; i--)
      mid_edges_add(&g->edges, mid_edge(random_below(blocks), random_below(4) == 0));
    mid_edges_end_row(&g->edges);
  }
  for (uint32_t o = 0; o < 20; o++) {
    snprintf(name, sizeof name, "<owner %u>", o);
    mid_graph_add_owner(g, (enum mid_owner_kind)random_below(MID_OWNER_UNHELD), name);
    for (uint32_t i = random_below(1 + blocks / 500); i > 0; i--)
      mid_edges_add(&g->edges, mid_edge(random_below(blocks), false));
    mid_edges_end_row(&g->edges);
  }
  // One with more than a Java class has static fields.
  mid_graph_add_owner(g, MID_OWNER_MAPPING, "[many]");
  for (uint32_t b = 0; b < blocks; b += 1 + blocks / 70000)
    if (b % 7 != 0) mid_edges_add(&g->edges, mid_edge(b, false));
  mid_edges_end_row(&g->edges);
  mid_graph_finish(g);
}

static int list(const char *name) {
  struct mid_graph g;
  FILE *in = fopen(name, "r");
  const char *wrong = in == NULL ? "it cannot be opened" : mid_snapshot_read(in, &g);
  if (wrong != NULL) {
    fprintf(stderr, "blocks: %s: %s\n", name, wrong);
    return 1;
  }
  for (uint32_t b = 0; b < g.edges.blocks; b++)
    printf("%" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\n", g.address[b], g.size[b], g.tree.retained[b]);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "list") == 0) return list(argv[2]);
  if (argc != 5 || strcmp(argv[1], "make") != 0) return 2;
  struct mid_graph g;
  state = strtoull(argv[2], NULL, 10);
  make((uint32_t)strtoul(argv[3], NULL, 10), &g);
  FILE *out = fopen(argv[4], "w");
  return out != NULL && mid_snapshot_write(&g, out) && fclose(out) == 0 ? 0 : 1;
}
