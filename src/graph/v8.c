// graph/v8.c -- see v8.h.
// SPDX-License-Identifier: MIT
//
// One JSON object with its keys in the order in which V8 writes them, since readers scan it
// forward.  Nodes are the root, "(GC roots)", the owners, the blocks; the edges of all follow in
// the same order:
//
//   root --shortcut--> each owner       counts as a way that the program has
//   root --element---> (GC roots) --element--> each owner
//   owner or block --element or, into a block's middle, internal--> block
#define _GNU_SOURCE
#include "graph/v8.h"

#include <inttypes.h>
#include <string.h>

static const char V8_HEAD[] =
    "{\"snapshot\":{\"meta\":{"
    "\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\",\"trace_node_id\","
    "\"detachedness\"],"
    "\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\",\"regexp\","
    "\"number\",\"native\",\"synthetic\",\"concatenated string\",\"sliced string\",\"symbol\","
    "\"bigint\",\"object shape\",\"wasm object\"],\"string\",\"number\",\"number\",\"number\","
    "\"number\",\"number\"],"
    "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],"
    "\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\"hidden\",\"shortcut\","
    "\"weak\"],\"string_or_number\",\"node\"],"
    "\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\",\"script_id\","
    "\"line\",\"column\"],"
    "\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\",\"children\"],"
    "\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],"
    "\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]},";

enum { NODE_OBJECT = 3, NODE_NATIVE = 8, NODE_SYNTHETIC = 9 };  // types of nodes
enum { ELEMENT = 1, INTERNAL = 3, SHORTCUT = 5 };
enum { NODE_FIELDS = 7, FIRST_OWNER = 2 };
enum { WORD_ROOT, WORD_GC_ROOTS, WORD_INTERIOR, FIXED_WORDS };  // strings; then of owners, of sites

struct v8 {
  const struct mid_graph *g;
  FILE *out;
  bool more;  // an entry of the same list was written
};

// The place of a node of the graph in this file.
static uint64_t ordinal(const struct mid_graph *g, uint32_t node) {
  return node < g->edges.blocks ? FIRST_OWNER + g->owner_count + (uint64_t)node
                                : FIRST_OWNER + (uint64_t)(node - g->edges.blocks);
}

// Much faster than printf, which takes most of the time of a large file.
static void number(struct v8 *v, uint64_t n) {
  char digits[24];
  int at = sizeof digits;
  do digits[--at] = (char)('0' + n % 10);
  while ((n /= 10) > 0);
  if (v->more) putc_unlocked(',', v->out);
  fwrite_unlocked(digits + at, 1, sizeof digits - (size_t)at, v->out);
  v->more = true;
}

static void node(struct v8 *v, uint32_t type, uint64_t name, uint64_t place, uint64_t bytes,
                 uint64_t edges) {
  number(v, type);
  number(v, name);
  number(v, 2 * place + 1);
  number(v, bytes < UINT32_MAX ? bytes : UINT32_MAX);
  number(v, edges);
  number(v, 0);
  number(v, 0);
  putc_unlocked('\n', v->out);
}

static void nodes(struct v8 *v) {
  const struct mid_graph *g = v->g;
  const uint32_t *offset = g->edges.offset;
  node(v, NODE_SYNTHETIC, WORD_ROOT, 0, 0, g->owner_count + 1);
  node(v, NODE_SYNTHETIC, WORD_GC_ROOTS, 1, 0, g->owner_count);
  for (uint32_t i = 0; i < g->owner_count; i++) {
    uint32_t n = g->edges.blocks + i;
    node(v, NODE_NATIVE, FIXED_WORDS + i, ordinal(g, n), 0, offset[n + 1] - offset[n]);
  }
  for (uint32_t b = 0; b < g->edges.blocks; b++)
    node(v, NODE_OBJECT, FIXED_WORDS + (uint64_t)g->owner_count + g->site[b], ordinal(g, b),
         g->size[b], offset[b + 1] - offset[b]);
}

static void edge(struct v8 *v, uint32_t type, uint64_t name, uint64_t to) {
  number(v, type);
  number(v, name);
  number(v, to * NODE_FIELDS);
  putc_unlocked('\n', v->out);
}

static void edges_of(struct v8 *v, uint32_t n) {
  const struct mid_edges *e = &v->g->edges;
  for (size_t i = e->offset[n]; i < e->offset[n + 1]; i++) {
    bool interior = mid_edge_interior(e->target[i]);
    edge(v, interior ? INTERNAL : ELEMENT, interior ? WORD_INTERIOR : i - e->offset[n],
         ordinal(v->g, mid_edge_to(e->target[i])));
  }
}

static void edges(struct v8 *v) {
  const struct mid_graph *g = v->g;
  edge(v, ELEMENT, 0, 1);
  for (uint32_t i = 0; i < g->owner_count; i++) edge(v, SHORTCUT, FIXED_WORDS + i, FIRST_OWNER + i);
  for (uint32_t i = 0; i < g->owner_count; i++) edge(v, ELEMENT, i, FIRST_OWNER + i);
  for (uint32_t i = 0; i < g->owner_count; i++) edges_of(v, g->edges.blocks + i);
  for (uint32_t b = 0; b < g->edges.blocks; b++) edges_of(v, b);
}

// Names are bytes of programs: what is not ASCII is written as it is where it is UTF-8.
static void string(struct v8 *v, const char *words) {
  fputs(v->more ? ",\n\"" : "\"", v->out);
  v->more = true;
  for (const unsigned char *c = (const unsigned char *)words; *c != 0; c++) {
    if (*c == '"' || *c == '\\')
      fprintf(v->out, "\\%c", *c);
    else if (*c < ' ')
      fprintf(v->out, "\\u%04x", *c);
    else
      putc_unlocked(*c, v->out);
  }
  putc_unlocked('"', v->out);
}

static void strings(struct v8 *v) {
  struct mid_graph_words words;
  string(v, "");
  string(v, "(GC roots)");
  string(v, "into its middle");
  for (uint32_t i = 0; i < v->g->owner_count; i++)
    string(v, mid_graph_owner_words(v->g, i, &words));
  for (uint32_t i = 0; i < v->g->site_count; i++) string(v, mid_graph_site_words(v->g, i, &words));
}

bool mid_v8_write(const void *graph, FILE *out) {
  const struct mid_graph *g = graph;
  struct v8 v = {g, out, false};
  uint64_t node_count = (uint64_t)FIRST_OWNER + g->owner_count + g->edges.blocks;
  uint64_t edge_count = 1 + 2 * (uint64_t)g->owner_count + g->edges.count;
  fprintf(out, "%s\"node_count\":%" PRIu64 ",\"edge_count\":%" PRIu64, V8_HEAD, node_count,
          edge_count);
  fputs(",\"trace_function_count\":0},\n\"nodes\":[", out);
  nodes(&v);
  fputs("],\n\"edges\":[", out);
  v.more = false;
  edges(&v);
  fputs("],\n\"trace_function_infos\":[],\"trace_tree\":[],\"samples\":[],\"locations\":[],\n",
        out);
  fputs("\"strings\":[", out);
  v.more = false;
  strings(&v);
  fputs("]}\n", out);
  return !ferror(out);
}
