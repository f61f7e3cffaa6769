// graph/hprof.c -- see hprof.h.
// SPDX-License-Identifier: MIT
//
// The format is that of the manual of Java 1.4's agent hprof, as OpenJDK's heapDumper.cpp
// writes it.  Numbers are big-endian.
#include "graph/hprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph/array.h"

enum {
  UTF8 = 0x01,
  LOAD_CLASS = 0x02,
  STACK_TRACE = 0x05,
  SEGMENT = 0x1c,
  SEGMENT_END = 0x2c,
  ROOT_STICKY_CLASS = 0x05,
  CLASS = 0x20,
  INSTANCE = 0x21,
  ARRAY = 0x22
};
enum { FIELD_OBJECT = 2, FIELD_BYTE = 8, FIELD_LONG = 11 };  // types of fields
enum { TRACE = 1 };                                          // the only stack trace, an empty one
enum { LARGEST_INSTANCE = 1024, ARRAY_HEADER = 12, OBJECT_HEADER = 8 };
enum { MOST_STATICS = 30000 };  // VisualVM takes their number as signed; the rest goes into arrays
enum { HPROF_BUFFER = 1 << 20 };

static const uint64_t LARGEST_ARRAY = (uint64_t)2 << 30;

// Blocks of a site that have the same size, or the arrays of a site, where `bytes` is 0.
struct kind {
  uint32_t site, bytes;
  uint32_t slots;  // the most pointers that one of them has
};

struct hprof {
  const struct mid_graph *g;
  FILE *out;
  struct kind *kind;  // by site and size
  size_t kinds;
  uint32_t names, classes;  // so far
  uint32_t first_class;     // number of the first object that is a class
  uint32_t name_slot, name_address, name_pad, name_field;
  unsigned char *buffer;  // of the segment that is being made
  size_t used;
};

// Classes that readers look for, and the fields that they want them to have.
enum {
  JAVA_OBJECT,
  JAVA_CLASS,
  JAVA_ARRAY,
  JAVA_SYSTEM,
  JAVA_PROPERTIES,
  JAVA_REFERENCE,
  JAVA_SOFT,
  JAVA_WEAK,
  JAVA_FINAL,
  JAVA_PHANTOM,
  JAVA_CLASSES
};
static const struct {
  const char *name, *field[2];
  int super;
} JAVA[JAVA_CLASSES] = {
    [JAVA_OBJECT] = {"java/lang/Object", {0}, -1},
    [JAVA_CLASS] = {"java/lang/Class", {0}, JAVA_OBJECT},
    [JAVA_ARRAY] = {"[Ljava/lang/Object;", {0}, JAVA_OBJECT},
    [JAVA_SYSTEM] = {"java/lang/System", {0}, JAVA_OBJECT},
    [JAVA_PROPERTIES] = {"java/util/Properties", {"defaults", "table"}, JAVA_OBJECT},
    [JAVA_REFERENCE] = {"java/lang/ref/Reference", {"referent"}, JAVA_OBJECT},
    [JAVA_SOFT] = {"java/lang/ref/SoftReference", {0}, JAVA_REFERENCE},
    [JAVA_WEAK] = {"java/lang/ref/WeakReference", {0}, JAVA_REFERENCE},
    [JAVA_FINAL] = {"java/lang/ref/FinalReference", {0}, JAVA_REFERENCE},
    [JAVA_PHANTOM] = {"java/lang/ref/PhantomReference", {0}, JAVA_REFERENCE},
};

// ---- bytes --------------------------------------------------------------------------------------

static void put(struct hprof *h, uint64_t number, int bytes) {
  while (bytes-- > 0) h->buffer[h->used++] = (unsigned char)(number >> 8 * bytes);
}
static void put1(struct hprof *h, uint32_t n) { put(h, n, 1); }
static void put2(struct hprof *h, uint32_t n) { put(h, n, 2); }
static void put4(struct hprof *h, uint64_t n) { put(h, n, 4); }

static void hprof_write_out(struct hprof *h) {
  fwrite(h->buffer, 1, h->used, h->out);
  h->used = 0;
}

static void put_record(struct hprof *h, uint32_t tag, uint64_t bytes) {
  put1(h, tag);
  put4(h, 0);  // microseconds since the header's time
  put4(h, bytes);
}

static uint32_t put_name(struct hprof *h, const char *words) {
  put_record(h, UTF8, 4 + strlen(words));
  put4(h, ++h->names);
  hprof_write_out(h);
  fputs(words, h->out);
  return h->names;
}

// ---- identifiers: of blocks, of the classes, and of what holds the rest of an owner's pointers
// ----

static uint64_t id(uint64_t number) { return 8 * (number + 1); }
static uint64_t class_id(const struct hprof *h, uint64_t number) {
  return id(h->first_class + number);
}
static uint64_t java_id(const struct hprof *h, int java) { return class_id(h, (uint64_t)java); }
static uint64_t owner_id(const struct hprof *h, uint32_t owner) {
  return class_id(h, JAVA_CLASSES + owner);
}
static uint64_t kind_id(const struct hprof *h, const struct kind *kind) {
  return class_id(h, JAVA_CLASSES + h->g->owner_count + (size_t)(kind - h->kind));
}
// Behind the classes: Properties and its empty table, then arrays of owners.
static uint64_t extra_id(const struct hprof *h, uint64_t number) {
  return class_id(h, JAVA_CLASSES + h->g->owner_count + h->kinds + number);
}

// ---- kinds --------------------------------------------------------------------------------------

static uint32_t pointers_of(const struct mid_graph *g, uint32_t node) {
  return g->edges.offset[node + 1] - g->edges.offset[node];
}

static bool is_instance(const struct mid_graph *g, uint32_t block) {
  return g->size[block] <= LARGEST_INSTANCE;
}

// A block of 8 bytes that points to another has no room for both a header and a slot.
static struct kind kind_of_block(const struct mid_graph *g, uint32_t block) {
  uint32_t pointers = pointers_of(g, block), least = OBJECT_HEADER + 4 * pointers;
  if (!is_instance(g, block)) return (struct kind){g->site[block], 0, 0};
  uint32_t bytes = g->size[block] < least ? least : (uint32_t)g->size[block];
  return (struct kind){g->site[block], bytes, pointers};
}

static int by_kind(const void *a, const void *b) {
  const struct kind *x = a, *y = b;
  if (x->site != y->site) return x->site < y->site ? -1 : 1;
  return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static struct kind *kind_find(const struct hprof *h, struct kind kind) {
  return bsearch(&kind, h->kind, h->kinds, sizeof kind, by_kind);
}

static void kinds_merge(struct hprof *h) {
  size_t kept = 0;
  qsort(h->kind, h->kinds, sizeof *h->kind, by_kind);
  for (size_t i = 0; i < h->kinds; i++) {
    if (kept > 0 && by_kind(&h->kind[kept - 1], &h->kind[i]) == 0) {
      if (h->kind[i].slots > h->kind[kept - 1].slots) h->kind[kept - 1].slots = h->kind[i].slots;
    } else {
      h->kind[kept++] = h->kind[i];
    }
  }
  h->kinds = kept;
}

// Gathered in a list that is merged when it has doubled.
static void kinds_find(struct hprof *h) {
  size_t room = 1 << 16;
  h->kind = mid_graph_kept(malloc(room * sizeof *h->kind));
  for (uint32_t b = 0; b < h->g->edges.blocks; b++) {
    h->kind[h->kinds++] = kind_of_block(h->g, b);
    if (h->kinds < room) continue;
    kinds_merge(h);
    if (h->kinds < room / 2) continue;
    room *= 2;
    h->kind = mid_graph_kept(realloc(h->kind, room * sizeof *h->kind));
  }
  kinds_merge(h);
}

// ---- classes ------------------------------------------------------------------------------------

static void put_load_class(struct hprof *h, const char *words) {
  uint32_t name = put_name(h, words);
  put_record(h, LOAD_CLASS, 16);
  put4(h, h->classes + 1);  // a serial number
  put4(h, class_id(h, h->classes++));
  put4(h, TRACE);
  put4(h, name);
}

// '/' stands between the names of packages, and '[' and '<' in front mean something else too.
static void class_name(char *words) {
  for (char *c = words; *c != 0; c++)
    if (*c == '/' || *c == ';' || (unsigned char)*c < ' ') *c = '_';
  if (words[0] == '[' || words[0] == '<') words[0] = '_';
}

static void put_loads(struct hprof *h) {
  struct mid_graph_words words;
  char name[sizeof words.at + 40];
  for (int i = 0; i < JAVA_CLASSES; i++) put_load_class(h, JAVA[i].name);
  for (uint32_t i = 0; i < h->g->owner_count; i++) {
    snprintf(name, sizeof name, "%s", mid_graph_owner_words(h->g, i, &words));
    class_name(name);
    put_load_class(h, name);
  }
  for (size_t i = 0; i < h->kinds; i++) {
    const struct kind *k = &h->kind[i];
    mid_graph_site_words(h->g, k->site, &words);
    class_name(words.at);
    if (k->bytes == 0)
      snprintf(name, sizeof name, "[L%s;", words.at);
    else
      snprintf(name, sizeof name, "%s, %u bytes", words.at, k->bytes);
    put_load_class(h, name);
  }
}

// Up to the number of constants, which is 0.
static void put_class_head(struct hprof *h, uint64_t class, uint64_t super, uint32_t bytes) {
  put1(h, CLASS);
  put4(h, class);
  put4(h, TRACE);
  put4(h, super);
  for (int i = 0; i < 5; i++) put4(h, 0);  // loader, signers, domain, two that are reserved
  put4(h, bytes);
  put2(h, 0);
}

static void put_field(struct hprof *h, uint32_t name, uint32_t type) {
  put4(h, name);
  put1(h, type);
}

// A class ends the segment, so that the buffer has room for the largest.
static void put_segment(struct hprof *h) {
  size_t bytes = h->used;
  if (bytes == 0) return;
  unsigned char head[9] = {SEGMENT};
  for (int i = 0; i < 4; i++) head[5 + i] = (unsigned char)(bytes >> 8 * (3 - i));
  fwrite(head, 1, sizeof head, h->out);
  hprof_write_out(h);
}

static void put_java_class(struct hprof *h, int java, uint32_t names) {
  int fields = 0;
  while (fields < 2 && JAVA[java].field[fields] != NULL) fields++;
  uint64_t super = JAVA[java].super < 0 ? 0 : java_id(h, JAVA[java].super);
  put_class_head(h, java_id(h, java), super, (uint32_t)(4 * fields));
  put2(h, java == JAVA_SYSTEM);
  if (java == JAVA_SYSTEM) put_field(h, names + 3, FIELD_OBJECT), put4(h, extra_id(h, 0));
  put2(h, (uint32_t)fields);
  for (int i = 0; i < fields; i++)
    put_field(h, names + (java == JAVA_REFERENCE ? 2 : (uint32_t)i), FIELD_OBJECT);
}

// `names` and the next are the fields of Properties, then that of Reference, then that of System.
static void put_java(struct hprof *h, uint32_t names) {
  for (int i = 0; i < JAVA_CLASSES; i++) put_java_class(h, i, names);
  put1(h, ROOT_STICKY_CLASS);
  put4(h, java_id(h, JAVA_SYSTEM));
  put1(h, INSTANCE);
  put4(h, extra_id(h, 0));
  put4(h, TRACE);
  put4(h, java_id(h, JAVA_PROPERTIES));
  put4(h, 8);
  put4(h, 0);
  put4(h, extra_id(h, 1));
  put1(h, ARRAY);
  put4(h, extra_id(h, 1));
  put4(h, TRACE);
  put4(h, 0);
  put4(h, java_id(h, JAVA_ARRAY));
  put_segment(h);
}

// An instance has its slots, then its address where there is room, then longs and bytes.
static uint32_t padding(const struct kind *k) { return k->bytes - OBJECT_HEADER - 4 * k->slots; }

static void put_kind(struct hprof *h, const struct kind *k) {
  uint32_t pad = k->bytes == 0 ? 0 : padding(k), longs = pad / 8, bytes = pad % 8;
  put_class_head(h, kind_id(h, k), java_id(h, JAVA_OBJECT),
                 k->bytes == 0 ? 0 : k->bytes - OBJECT_HEADER);
  put2(h, 0);
  put2(h, k->slots + longs + bytes);
  for (uint32_t i = 0; i < k->slots; i++) put_field(h, h->name_slot + i, FIELD_OBJECT);
  for (uint32_t i = 0; i < longs; i++)
    put_field(h, i == 0 ? h->name_address : h->name_pad, FIELD_LONG);
  for (uint32_t i = 0; i < bytes; i++) put_field(h, h->name_pad, FIELD_BYTE);
  put_segment(h);
}

// ---- owners -------------------------------------------------------------------------------------

static uint64_t target_id(const struct mid_graph *g, size_t edge) {
  return id(mid_edge_to(g->edges.target[edge]));
}

// Arrays with what does not fit into static fields, from number `extra` on; how many.
static uint32_t put_rest(struct hprof *h, uint32_t owner, uint32_t extra) {
  const uint32_t *offset = h->g->edges.offset + h->g->edges.blocks + owner;
  uint32_t arrays = 0;
  for (size_t i = offset[0] + (size_t)MOST_STATICS; i < offset[1]; i += MOST_STATICS) {
    size_t end = i + MOST_STATICS < offset[1] ? i + MOST_STATICS : offset[1];
    put1(h, ARRAY);
    put4(h, extra_id(h, extra + arrays++));
    put4(h, TRACE);
    put4(h, end - i);
    put4(h, java_id(h, JAVA_ARRAY));
    for (size_t at = i; at < end; at++) put4(h, target_id(h->g, at));
    put_segment(h);
  }
  return arrays;
}

// returns  the number for the next array
static uint32_t put_owner(struct hprof *h, uint32_t owner, uint32_t extra) {
  const uint32_t *offset = h->g->edges.offset + h->g->edges.blocks + owner;
  uint32_t count = offset[1] - offset[0], arrays = put_rest(h, owner, extra);
  if (count > MOST_STATICS) count = MOST_STATICS;
  put1(h, ROOT_STICKY_CLASS);
  put4(h, owner_id(h, owner));
  put_class_head(h, owner_id(h, owner), java_id(h, JAVA_OBJECT), 0);
  put2(h, count + arrays);
  for (uint32_t i = 0; i < count; i++) {
    put_field(h, h->name_field, FIELD_OBJECT);
    put4(h, target_id(h->g, offset[0] + i));
  }
  for (uint32_t i = 0; i < arrays; i++) {
    put_field(h, h->name_field, FIELD_OBJECT);
    put4(h, extra_id(h, extra + i));
  }
  put2(h, 0);
  put_segment(h);
  return extra + arrays;
}

// ---- blocks -------------------------------------------------------------------------------------

static void put_pointers(struct hprof *h, uint32_t block) {
  const struct mid_edges *e = &h->g->edges;
  for (size_t i = e->offset[block]; i < e->offset[block + 1]; i++) put4(h, target_id(h->g, i));
}

static void put_instance(struct hprof *h, uint32_t block) {
  const struct kind *k = kind_find(h, kind_of_block(h->g, block));
  uint32_t pad = padding(k);
  put1(h, INSTANCE);
  put4(h, id(block));
  put4(h, TRACE);
  put4(h, kind_id(h, k));
  put4(h, k->bytes - OBJECT_HEADER);
  put_pointers(h, block);
  for (uint32_t i = pointers_of(h->g, block); i < k->slots; i++) put4(h, 0);
  if (pad >= 8) put(h, h->g->address[block], 8), pad -= 8;
  memset(h->buffer + h->used, 0, pad);
  h->used += pad;
}

// An array is a segment of its own: the pointers, then nothing.
static void put_array(struct hprof *h, uint32_t block) {
  static const unsigned char nothing[1 << 16];
  const struct mid_edges *e = &h->g->edges;
  uint64_t bytes = h->g->size[block] < LARGEST_ARRAY ? h->g->size[block] : LARGEST_ARRAY;
  uint64_t slots = (bytes - ARRAY_HEADER) / 4, pointers = pointers_of(h->g, block);
  if (pointers > slots) pointers = slots;
  put_segment(h);
  put_record(h, SEGMENT, 17 + 4 * slots);
  put1(h, ARRAY);
  put4(h, id(block));
  put4(h, TRACE);
  put4(h, slots);
  put4(h, kind_id(h, kind_find(h, kind_of_block(h->g, block))));
  for (size_t i = 0; i < pointers; i++) {
    if (h->used + 4 > HPROF_BUFFER) hprof_write_out(h);
    put4(h, target_id(h->g, e->offset[block] + i));
  }
  hprof_write_out(h);
  for (uint64_t left = 4 * (slots - pointers); left > 0;) {
    size_t piece = left < sizeof nothing ? (size_t)left : sizeof nothing;
    fwrite(nothing, 1, piece, h->out);
    left -= piece;
  }
}

static void put_objects(struct hprof *h) {
  for (uint32_t b = 0; b < h->g->edges.blocks; b++) {
    if (is_instance(h->g, b))
      put_instance(h, b);
    else
      put_array(h, b);
    if (h->used > HPROF_BUFFER / 2) put_segment(h);
  }
  put_segment(h);
}

// ---- the file -----------------------------------------------------------------------------------

static void put_head(struct hprof *h) {
  fwrite("JAVA PROFILE 1.0.2", 1, 19, h->out);
  put4(h, 4);
  put(h, h->g->taken_ms, 8);
  for (int i = 0; i < LARGEST_INSTANCE / 8; i++) {
    char words[16];
    snprintf(words, sizeof words, "p%d", i);
    put_name(h, words);
  }
  h->name_slot = h->names - LARGEST_INSTANCE / 8 + 1;  // of the first
  h->name_address = put_name(h, "address");
  h->name_pad = put_name(h, "rest");
  h->name_field = put_name(h, "holds");
}

bool mid_hprof_write(const void *graph, FILE *out) {
  const struct mid_graph *g = graph;
  struct hprof h = {.g = g, .out = out, .first_class = g->edges.blocks};
  kinds_find(&h);
  uint64_t objects = extra_id(&h, 2 + g->edges.count / MOST_STATICS);
  if (objects > UINT32_MAX) {
    free(h.kind);
    errno = EFBIG;
    return false;
  }
  h.buffer = mid_graph_kept(malloc(2 * HPROF_BUFFER));
  put_head(&h);
  uint32_t names = put_name(&h, "defaults");
  put_name(&h, "table");
  put_name(&h, "referent");
  put_name(&h, "props");
  put_loads(&h);
  put_record(&h, STACK_TRACE, 12);
  put4(&h, TRACE);
  put4(&h, 0);
  put4(&h, 0);
  hprof_write_out(&h);
  put_java(&h, names);
  for (size_t i = 0; i < h.kinds; i++) put_kind(&h, &h.kind[i]);
  for (uint32_t i = 0, extra = 2; i < g->owner_count; i++) extra = put_owner(&h, i, extra);
  put_objects(&h);
  put_record(&h, SEGMENT_END, 0);
  hprof_write_out(&h);
  free(h.kind);
  free(h.buffer);
  return !ferror(out);
}
