// observe/reader.c -- see reader.h.  The file is foreign bytes: nothing in it is believed before it
// is held against the file's size.
//
// A feed is read twice over.  What only rises after something else rose (freed after allocated,
// dropped after carved, closed after opened) is taken from the first reading and the rest from the
// second, so that no difference of two is ever negative, whatever the writers did in between.
// SPDX-License-Identifier: MIT
#include "observe/reader.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "observe/words.h"

enum { PROCESS, CLASS, HEAP, COUNT, GC, GC_WORK, GC_PAUSE, GC_WINDOW, GC_LAST, SECTIONS };
static const char *const section_names[SECTIONS] = {
    "process", "class", "heap", "count", "gc", "gc_work", "gc_pause", "gc_window", "gc_last"};

// The fields that this reader knows: where each goes in the struct of its section.
static const struct {
  const char *name;
  int section;
  size_t at;
} known[] = {
#define X(field, ...) {#field, PROCESS, offsetof(struct mid_feed_process, field)},
    MID_FEED_PROCESS(X)
#undef X
#define X(field, ...) {#field, CLASS, offsetof(struct mid_feed_class, field)},
        MID_FEED_CLASS(X)
#undef X
#define X(field, ...) {#field, HEAP, offsetof(struct mid_feed_heap, field)},
            MID_FEED_HEAP(X)
#undef X
#define X(field, ...) {#field, COUNT, offsetof(struct mid_feed_count, field)},
                MID_FEED_COUNT(X)
#undef X
#define X(field, ...) {#field, GC, offsetof(struct mid_feed_gc, field)},
                    MID_FEED_GC(X)
#undef X
#define X(field, ...) {#field, GC_WORK, offsetof(struct mid_feed_gc_work, field)},
                        MID_FEED_GC_WORK(X)
#undef X
#define X(field, ...) {#field, GC_PAUSE, offsetof(struct mid_feed_gc_pause, field)},
                            MID_FEED_GC_PAUSE(X)
#undef X
#define X(field, ...) {#field, GC_WINDOW, offsetof(struct mid_feed_gc_window, field)},
                                MID_FEED_GC_WINDOW(X)
#undef X
#define X(field, ...) {#field, GC_LAST, offsetof(struct mid_feed_gc_last, field)},
                                    MID_FEED_GC_LAST(X)
#undef X
};
enum { KNOWN = sizeof known / sizeof *known };

// Where a file keeps what we know.  Whatever is in here lies inside the file.
struct layout {
  struct {
    uint64_t offset, stride, records;
  } section[SECTIONS];
  uint64_t field[KNOWN];  // in a record; UINT64_MAX: not in this file
};

static uint64_t read_number(const char *at) {
  uint64_t n;
  memcpy(&n, at, sizeof n);
  return n;
}

// As many of `records` as fit in `size` bytes, all or nothing of each.
static uint64_t records_that_fit(uint64_t offset, uint64_t stride, uint64_t records,
                                 uint64_t size) {
  if (stride < 8 || offset > size) return 0;
  uint64_t most = (size - offset) / stride;
  return records < most ? records : most;
}

static void layout_section(struct layout *l, const struct mid_feed_section *s, uint64_t size) {
  for (int k = 0; k < SECTIONS; k++) {
    if (strncmp(s->name, section_names[k], sizeof s->name) != 0) continue;
    bool inside = k == COUNT;
    // Of two with one name the first counts: what was checked against it stays true.
    if ((s->inside != 0) != inside || l->section[k].stride != 0) continue;
    uint64_t within = inside ? l->section[HEAP].stride : size;
    l->section[k].offset = s->offset;
    l->section[k].stride = s->stride;
    l->section[k].records = records_that_fit(s->offset, s->stride, s->records, within);
  }
}

static void layout_field(struct layout *l, const struct mid_feed_field *f, const char *section) {
  for (size_t i = 0; i < KNOWN; i++) {
    if (strncmp(f->name, known[i].name, sizeof f->name) != 0 ||
        strncmp(section, section_names[known[i].section], sizeof f->name / 2) != 0)
      continue;
    uint64_t stride = l->section[known[i].section].stride;
    if (stride >= 8 && f->offset <= stride - 8) l->field[i] = f->offset;
  }
}

// Sections come before what is inside of them: counts are the last that we read.
static const char *layout_read(struct layout *l, const char *bytes, size_t size) {
  struct mid_feed_header h;
  if (size < sizeof h) return "it is shorter than a feed's header";
  memcpy(&h, bytes, sizeof h);
  if (memcmp(h.magic, MID_FEED_MAGIC, sizeof h.magic) != 0) return "it does not begin as a feed";
  if (h.header_bytes < sizeof h || h.header_bytes > size) return "its header has no room in it";
  uint64_t sections_at = h.header_bytes;
  uint64_t fields_at = sections_at + (uint64_t)h.sections * sizeof(struct mid_feed_section);
  uint64_t end = fields_at + (uint64_t)h.fields * sizeof(struct mid_feed_field);
  if (end > size) return "its tables reach past its end";
  for (size_t i = 0; i < KNOWN; i++) l->field[i] = UINT64_MAX;
  struct mid_feed_section s;
  for (uint32_t i = 0; i < h.sections; i++) {
    memcpy(&s, bytes + sections_at + i * sizeof s, sizeof s);
    layout_section(l, &s, size);
  }
  for (uint32_t i = 0; i < h.fields; i++) {
    struct mid_feed_field f;
    memcpy(&f, bytes + fields_at + i * sizeof f, sizeof f);
    if (f.section >= h.sections) continue;
    memcpy(&s, bytes + sections_at + f.section * sizeof s, sizeof s);
    layout_field(l, &f, s.name);
  }
  return l->section[PROCESS].records == 0 ? "it has no process record" : NULL;
}

static void record_read(const struct layout *l, int section, const char *record, void *out) {
  for (size_t i = 0; i < KNOWN; i++) {
    if (known[i].section != section) continue;
    uint64_t value = l->field[i] == UINT64_MAX ? 0 : read_number(record + l->field[i]);
    memcpy((char *)out + known[i].at, &value, sizeof value);
  }
}

// Numbers of a damaged file may be anything; sums wrap, which is harmless.
static void count_add(struct mid_feed_count *sum, const struct mid_feed_count *more) {
#define X(field, ...) sum->field += more->field;
  MID_FEED_COUNT(X)
#undef X
}

static void heap_read(const struct layout *l, const char *slot, struct mid_feed_image *out) {
  struct mid_feed_heap heap;
  record_read(l, HEAP, slot, &heap);
  out->heaps.alive += heap.alive;
  out->heaps.refills += heap.refills;
  out->heaps.remote_freed += heap.remote_freed;
  out->heaps.adopted += heap.adopted;
  out->heaps.requests += heap.requests;
  for (uint64_t c = 0; c < l->section[COUNT].records && c < out->classes; c++) {
    struct mid_feed_count count;
    record_read(l, COUNT, slot + l->section[COUNT].offset + c * l->section[COUNT].stride, &count);
    count_add(&out->count[c], &count);
  }
}

static void header_read(const char *bytes, struct mid_feed_image *out) {
  struct mid_feed_header h;
  memcpy(&h, bytes, sizeof h);
  out->version = h.version;
  out->pid = h.pid;
  out->start_ticks = h.start_ticks;
  out->run = h.run;
  out->opened_ns = h.opened_ns;
  out->forked_ticks = h.forked_ticks;
  memcpy(out->command, h.command, sizeof out->command);
  out->command[sizeof out->command - 1] = 0;
  mid_words_tame(out->command);
  memcpy(out->last_words, h.last_words, sizeof out->last_words);
  out->last_words[sizeof out->last_words - 1] = 0;
  mid_words_tame(out->last_words);
}

// The first of a section's records, at most `most`; returns how many.
static uint64_t records_read(const struct layout *l, int section, const char *bytes, void *out,
                             size_t size, uint64_t most) {
  uint64_t records = mid_min(l->section[section].records, most);
  // Behind the last record a forged stride may lead anywhere.
  for (uint64_t i = 0; i < records; i++)
    record_read(l, section, bytes + l->section[section].offset + i * l->section[section].stride,
                (char *)out + i * size);
  return records;
}

static void gc_read(const struct layout *l, const char *bytes, struct mid_feed_image *out) {
  struct mid_feed_gc_all *all = &out->collections;
  records_read(l, GC, bytes, &out->gc, sizeof out->gc, 1);
  records_read(l, GC_WORK, bytes, &all->work, sizeof all->work, 1);
  records_read(l, GC_PAUSE, bytes, all->pause, sizeof *all->pause, MID_FEED_PAUSES);
  records_read(l, GC_WINDOW, bytes, all->window, sizeof *all->window, MID_FEED_WINDOWS);
  out->last_collections =
      records_read(l, GC_LAST, bytes, all->last, sizeof *all->last, MID_FEED_LAST);
}

static void image_read(const struct layout *l, const char *bytes, struct mid_feed_image *out) {
  *out = (struct mid_feed_image){.slots = l->section[HEAP].records};
  header_read(bytes, out);
  record_read(l, PROCESS, bytes + l->section[PROCESS].offset, &out->process);
  out->classes =
      (uint32_t)records_read(l, CLASS, bytes, out->klass, sizeof *out->klass, MID_FEED_CLASSES);
  gc_read(l, bytes, out);
  for (uint64_t i = 0; i < out->slots; i++)
    heap_read(l, bytes + l->section[HEAP].offset + i * l->section[HEAP].stride, out);
}

// Falls from the first reading, held to the rises of the second also in a damaged file.
static void take_falls(struct mid_feed_image *out, const struct mid_feed_image *first) {
  for (uint32_t c = 0; c < out->classes; c++) {
    struct mid_feed_count *n = &out->count[c];
    const struct mid_feed_count *f = &first->count[c];
    n->freed = mid_min(mid_min(n->freed, f->freed), n->allocated);
    n->dropped = mid_min(mid_min(n->dropped, f->dropped), n->carved);
    n->closed = mid_min(mid_min(n->closed, f->closed), n->opened);
  }
}

const char *mid_feed_parse(const char *bytes, size_t size, struct mid_feed_image *out) {
  struct layout l = {0};
  const char *wrong = layout_read(&l, bytes, size);
  if (wrong != NULL) return wrong;
  image_read(&l, bytes, out);
  take_falls(out, out);
  return NULL;
}

// ---- from a file that is being written ----------------------------------------------------------

void mid_feed_room_close(struct mid_feed_room *room) {
  free(room->bytes);
  *room = (struct mid_feed_room){0};
}

// Over 100 000 heaps; what is larger is no feed.
#define MOST_FEED_BYTES (1ll << 30)

static bool feed_read(int fd, char *to, size_t bytes, uint64_t offset) {
  while (bytes > 0) {
    ssize_t n = pread(fd, to, bytes, (off_t)offset);
    if (n <= 0) return false;
    to += n;
    bytes -= (size_t)n;
    offset += (uint64_t)n;
  }
  return true;
}

static const char *feed_load(int fd, struct mid_feed_room *room, size_t *size) {
  struct stat s;
  if (fstat(fd, &s) != 0 || s.st_size > MOST_FEED_BYTES) return "it is too large for a feed";
  if ((size_t)s.st_size > room->size) {
    char *more = realloc(room->bytes, (size_t)s.st_size);
    if (more == NULL) return "there is no memory to read it";
    *room = (struct mid_feed_room){.bytes = more, .size = (size_t)s.st_size};
  }
  *size = (size_t)s.st_size;
  room->filled = 0;
  return feed_read(fd, room->bytes, *size, 0) ? NULL : "it cannot be read";
}

// Reads are system calls, each over before the next begins, so no fence stands between them.
static bool feed_read_sequence(int fd, uint64_t *sequence) {
  char bytes[8];
  bool ok = feed_read(fd, bytes, sizeof bytes, offsetof(struct mid_feed_header, sequence));
  if (ok) *sequence = read_number(bytes);
  return ok;
}

// Read the process record again, whole by its sequence lock.  A writer holds it for less than a
// microsecond, unless it was stopped or killed just then: after some tries it is taken as it is.
static bool reload_process(int fd, const struct layout *l, char *bytes) {
  for (int tries = 0; tries < 100; tries++) {
    uint64_t before, after;
    if (!feed_read_sequence(fd, &before)) return false;
    if (!feed_read(fd, bytes + l->section[PROCESS].offset, l->section[PROCESS].stride,
                   l->section[PROCESS].offset) ||
        !feed_read_sequence(fd, &after))
      return false;
    if (before == after && before % 2 == 0) return true;
    sched_yield();
  }
  return false;
}

const char *mid_feed_read(int fd, struct mid_feed_room *room, struct mid_feed_image *out) {
  struct mid_feed_image first, second;
  size_t size;
  struct layout l = {0};
  const char *wrong = feed_load(fd, room, &size);
  if (wrong == NULL) wrong = mid_feed_parse(room->bytes, size, &first);
  if (wrong == NULL) wrong = feed_load(fd, room, &size);
  if (wrong == NULL) wrong = layout_read(&l, room->bytes, size);
  if (wrong != NULL) return wrong;
  bool whole = reload_process(fd, &l, room->bytes);
  image_read(&l, room->bytes, &second);
  take_falls(&second, &first);
  second.torn = !whole;
  room->filled = size;
  *out = second;
  return NULL;
}

void mid_feed_heaps(const struct mid_feed_room *room,
                    void (*visit)(void *self, size_t slot, const struct mid_feed_heap *heap),
                    void *self) {
  struct layout l = {0};
  if (layout_read(&l, room->bytes, room->filled) != NULL) return;
  for (uint64_t i = 0; i < l.section[HEAP].records; i++) {
    struct mid_feed_heap heap;
    record_read(&l, HEAP, room->bytes + l.section[HEAP].offset + i * l.section[HEAP].stride, &heap);
    visit(self, i, &heap);
  }
}
