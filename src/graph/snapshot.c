// graph/snapshot.c -- see snapshot.h.
// SPDX-License-Identifier: MIT
#include "graph/snapshot.h"

#include <string.h>
#include <unistd.h>

#include "graph/packed.h"

static const char MAGIC[8] = {'M', 'I', 'D', 'G', 'R', 'A', 'P', 'H'};
enum { VERSION = 1, WORD_BYTES = 4096, MOST_SITES = 1 << 20, HEAD = sizeof MAGIC + 4 };

// ---- writing ------------------------------------------------------------------------------------

static void put_sites(struct mid_packed *p, const struct mid_graph *g) {
  mid_packed_put(p, g->site_count);
  for (uint32_t i = 0; i < g->site_count; i++) {
    mid_packed_put_words(p, g->sites[i].name);
    mid_packed_put_words(p, g->sites[i].file);
    mid_packed_put(p, g->sites[i].line);
    mid_packed_put(p, g->sites[i].known);
  }
}

static void put_blocks(struct mid_packed *p, const struct mid_graph *g) {
  uint32_t blocks = g->edges.blocks;
  uint64_t end = 0;
  for (uint32_t b = 0; b < blocks; end = g->address[b] + g->size[b], b++)
    mid_packed_put(p, g->address[b] - end);
  for (uint32_t b = 0; b < blocks; b++) mid_packed_put(p, g->size[b]);
  for (uint32_t b = 0; b < blocks; b++) mid_packed_put(p, g->site[b]);
  for (uint32_t b = 0; b < blocks; b++) mid_packed_put(p, g->born[b]);
}

// The first edge beside the block's own number, the others, which rise, beside the one before.
static void put_row(struct mid_packed *p, const struct mid_edges *e, uint32_t row) {
  uint32_t before = row < e->blocks ? mid_edge(row, false) : 0;
  mid_packed_put(p, e->offset[row + 1] - e->offset[row]);
  for (size_t i = e->offset[row]; i < e->offset[row + 1]; before = e->target[i++])
    mid_packed_put(p, mid_zigzag((int64_t)e->target[i] - before));
}

// The last owner is made anew by the reader.
static void put_owners(struct mid_packed *p, const struct mid_graph *g) {
  mid_packed_put(p, g->owner_count - 1);
  for (uint32_t i = 0; i + 1 < g->owner_count; i++) {
    mid_packed_put(p, g->owner[i].kind);
    mid_packed_put_words(p, g->owner[i].name);
    put_row(p, &g->edges, g->edges.blocks + i);
  }
}

bool mid_snapshot_write(const void *graph, FILE *out) {
  const struct mid_graph *g = graph;
  struct mid_packed p;
  fwrite(MAGIC, 1, sizeof MAGIC, out);
  for (int i = 0; i < 4; i++) putc(VERSION >> 8 * i & 255, out);
  mid_packed_open_write(&p, out);
  mid_packed_put_words(&p, g->program);
  mid_packed_put(&p, g->pid);
  mid_packed_put(&p, g->taken_ms);
  mid_packed_put(&p, g->edges.blocks);
  put_sites(&p, g);
  put_blocks(&p, g);
  for (uint32_t b = 0; b < g->edges.blocks; b++) put_row(&p, &g->edges, b);
  put_owners(&p, g);
  return mid_packed_end_write(&p) && !ferror(out);
}

// ---- reading ------------------------------------------------------------------------------------

bool mid_snapshot_is(FILE *in) {
  char head[sizeof MAGIC];
  long at = ftell(in);
  bool is = fread(head, 1, sizeof head, in) == sizeof head && memcmp(head, MAGIC, sizeof head) == 0;
  return fseek(in, at, SEEK_SET) == 0 && is;
}

static void take_sites(struct mid_packed *p, struct mid_graph *g) {
  static char name[WORD_BYTES], file[WORD_BYTES];
  uint32_t count = (uint32_t)mid_packed_take(p, MOST_SITES);
  for (uint32_t i = 0; i < count && !p->bad; i++) {
    mid_packed_take_words(p, name, sizeof name);
    mid_packed_take_words(p, file, sizeof file);
    uint32_t line = (uint32_t)mid_packed_take(p, UINT32_MAX);
    bool known = mid_packed_take(p, 1) == 1;
    // Numbers are places in this list.
    if (mid_graph_add_site(g, name, file, line, known) != i) p->bad = true;
  }
}

static void snapshot_take_blocks(struct mid_packed *p, struct mid_graph *g) {
  uint32_t blocks = g->edges.blocks;
  uint64_t end = 0;
  for (uint32_t b = 0; b < blocks && !p->bad; b++)
    g->address[b] = mid_packed_take(p, UINT64_MAX);  // its distance to the end of the one before
  for (uint32_t b = 0; b < blocks && !p->bad; b++) {
    uint64_t size = g->size[b] = mid_packed_take(p, (uint64_t)1 << 56), gap = g->address[b];
    if (gap > UINT64_MAX - end || size > UINT64_MAX - end - gap) p->bad = true;
    g->address[b] = end + gap;
    end += gap + size;
  }
  for (uint32_t b = 0; b < blocks && !p->bad; b++) {
    if (g->site_count == 0) p->bad = true;
    g->site[b] = (uint32_t)mid_packed_take(p, g->site_count - 1);
  }
  for (uint32_t b = 0; b < blocks && !p->bad; b++)
    g->born[b] = (uint32_t)mid_packed_take(p, UINT32_MAX);
}

static void take_row(struct mid_packed *p, struct mid_edges *e, uint32_t row) {
  int64_t before = row < e->blocks ? mid_edge(row, false) : 0;
  uint64_t count = mid_packed_take(p, UINT32_MAX);
  for (uint64_t i = 0; i < count && !p->bad; i++) {
    int64_t step = mid_unzigzag(mid_packed_take(p, (uint64_t)1 << 34));
    before += step;
    if (before < 0 || before >= 2 * (int64_t)e->blocks || (i > 0 && step <= 0)) p->bad = true;
    if (!p->bad) mid_edges_add(e, (uint32_t)before);
  }
  mid_edges_end_row(e);
}

static void take_owners(struct mid_packed *p, struct mid_graph *g) {
  static char name[WORD_BYTES];
  uint32_t count = (uint32_t)mid_packed_take(p, MID_GRAPH_MOST - g->edges.blocks);
  for (uint32_t i = 0; i < count && !p->bad; i++) {
    enum mid_owner_kind kind = (enum mid_owner_kind)mid_packed_take(p, MID_OWNER_UNHELD - 1);
    mid_packed_take_words(p, name, sizeof name);
    mid_graph_add_owner(g, kind, name);
    take_row(p, &g->edges, g->edges.blocks + i);
  }
}

// A small file can tell of many blocks.
static bool has_room_for(uint64_t blocks) {
  enum { BYTES_A_BLOCK = 100 };
  return blocks <=
         (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / BYTES_A_BLOCK;
}

static void take_graph(struct mid_packed *p, struct mid_graph *g) {
  static char program[WORD_BYTES];
  mid_packed_take_words(p, program, sizeof program);
  uint64_t pid = mid_packed_take(p, UINT64_MAX), taken = mid_packed_take(p, UINT64_MAX);
  uint64_t blocks = mid_packed_take(p, MID_GRAPH_MOST);
  if (!has_room_for(blocks)) p->bad = true;
  mid_graph_open(g, p->bad ? 0 : (uint32_t)blocks);
  mid_graph_name(g, program);
  g->pid = pid;
  g->taken_ms = taken;
  take_sites(p, g);
  snapshot_take_blocks(p, g);
  for (uint32_t b = 0; b < g->edges.blocks && !p->bad; b++) take_row(p, &g->edges, b);
  take_owners(p, g);
}

const char *mid_snapshot_read(FILE *in, struct mid_graph *out) {
  unsigned char head[HEAD];
  struct mid_packed p;
  *out = (struct mid_graph){0};
  if (fread(head, 1, sizeof head, in) != sizeof head || memcmp(head, MAGIC, sizeof MAGIC) != 0)
    return "it is no snapshot of 'midden graph -o'";
  if (head[8] != VERSION || (head[9] | head[10] | head[11]) != 0)
    return "it is a snapshot of another version of midden";
  mid_packed_open_read(&p, in);
  take_graph(&p, out);
  if (!mid_packed_end_read(&p)) {
    mid_graph_close(out);
    return "it is damaged, cut short, or of a heap that does not fit into this memory";
  }
  mid_graph_finish(out);
  return NULL;
}
