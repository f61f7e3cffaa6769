// graph/edges.c -- see edges.h.
// SPDX-License-Identifier: MIT
#include "graph/edges.h"

#include <stdlib.h>

void mid_edges_open(struct mid_edges *e, uint32_t blocks) {
  *e = (struct mid_edges){.blocks = blocks};
  mid_array_grow(&e->offsets, ((size_t)blocks + 1) * sizeof *e->offset);
  mid_array_grow(&e->targets, sizeof *e->target);
  e->offset = e->offsets.at;
  e->target = e->targets.at;
}

void mid_edges_add(struct mid_edges *e, uint32_t edge) {
  if (e->count == UINT32_MAX) mid_array_end("more than 4 294 967 295 pointers");
  if ((e->count + 1) * sizeof edge > e->targets.bytes) {
    mid_array_grow(&e->targets, (e->count + 1) * sizeof edge);
    e->target = e->targets.at;
  }
  e->target[e->count++] = edge;
}

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

// Most rows are short, and rows that are long are often in order already.
static void row_sort(uint32_t *row, size_t count) {
  if (count > 32) {
    qsort(row, count, sizeof *row, by_number);
    return;
  }
  for (size_t i = 1; i < count; i++) {
    uint32_t edge = row[i];
    size_t to = i;
    for (; to > 0 && row[to - 1] > edge; to--) row[to] = row[to - 1];
    row[to] = edge;
  }
}

void mid_edges_end_row(struct mid_edges *e) {
  size_t first = e->offset[e->rows], kept = first;
  row_sort(e->target + first, e->count - first);
  for (size_t i = first; i < e->count; i++) {
    uint32_t to = mid_edge_to(e->target[i]);
    if (to == e->rows || (kept > first && mid_edge_to(e->target[kept - 1]) == to)) continue;
    e->target[kept++] = e->target[i];
  }
  e->count = kept;
  e->rows++;
  mid_array_grow(&e->offsets, ((size_t)e->rows + 1) * sizeof *e->offset);
  e->offset = e->offsets.at;
  e->offset[e->rows] = (uint32_t)e->count;
}

void mid_edges_finish(struct mid_edges *e) {
  mid_edges_end_row(e);
  e->owners = e->rows - e->blocks;
  mid_array_cut(&e->offsets, ((size_t)e->rows + 1) * sizeof *e->offset);
  mid_array_cut(&e->targets, (e->count + 1) * sizeof *e->target);
  e->offset = e->offsets.at;
  e->target = e->targets.at;
}

void mid_edges_close(struct mid_edges *e) {
  mid_array_close(&e->offsets);
  mid_array_close(&e->targets);
  *e = (struct mid_edges){0};
}

const char *mid_edges_broken(const struct mid_edges *e) {
  if (e->owners == 0 || e->rows != e->blocks + e->owners) return "rows are missing";
  if (e->offset[0] != 0 || e->offset[e->rows] != e->count) return "rows and edges do not agree";
  for (uint32_t n = 0; n < e->rows; n++)
    if (e->offset[n] > e->offset[n + 1]) return "a row ends before it begins";
  for (size_t i = 0; i < e->count; i++)
    if (mid_edge_to(e->target[i]) >= e->blocks) return "an edge leads to no block";
  return NULL;
}
