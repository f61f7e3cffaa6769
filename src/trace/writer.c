// trace/writer.c -- see writer.h; docs/format.md has the layout.
// SPDX-License-Identifier: MIT
#include "trace/writer.h"

#include <errno.h>
#include <unistd.h>
#include <zstd.h>

#include "trace/format.h"
#include "trace/table.h"

enum {
  FRAME_EVENTS = 1 << 18,  // about 1 MiB before it is packed: larger ones pack no better
  FRAME_TICKS = MID_TRACE_TICKS_A_SECOND,
  PACK_LEVEL = 1,  // 3 packs a twelfth smaller at twice the time
};

// The events of a thread in this frame.
struct writer_stream {
  struct mid_bytes column[MID_COLUMNS];
  uint32_t events;
  uint64_t born, born_before;  // now; as the frame began
  uint64_t last_number;        // of its own block that it named last
  uint64_t last_tick;
};

struct writer_process {
  uint64_t pid, parent;
  uint32_t command;
  struct writer_stream *stream;
  uint32_t streams;
  uint32_t *active, actives;  // streams with events in this frame
  uint64_t lost;              // in this frame
  uint64_t last;              // the tick of its last event
};

struct writer_frame {
  uint32_t stored, bytes;
  uint64_t first, last, events;
};

struct mid_writer {
  int fd, error;
  uint64_t written;
  ZSTD_CCtx *pack;
  struct mid_bytes packed, raw;

  struct mid_table strings, stacks;  // by hash: numbers
  struct mid_bytes new_strings, new_stacks, all_strings, all_stacks;
  uint32_t string_count, stack_count, strings_told, stacks_told;

  struct writer_process *process;
  uint32_t processes, processes_told;

  struct writer_frame *frame;
  size_t frames;
  uint64_t floor, last;  // ticks: where the last frame ended; of the last event
  uint64_t since;        // the tick of the last flush
  uint64_t events, events_before, lost;
};

// ---- the file ----

static void write_all(struct mid_writer *w, const void *from, size_t bytes) {
  const char *at = from;
  uint64_t before = w->written;
  while (w->error == 0 && bytes > 0) {
    ssize_t n = write(w->fd, at, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      w->error = n == 0 ? ENOSPC : errno;
      // Half a frame is of no use.
      if (ftruncate(w->fd, (off_t)before) == 0) lseek(w->fd, (off_t)before, SEEK_SET);
      w->written = before;
      return;
    }
    at += n;
    bytes -= (size_t)n;
    w->written += (uint64_t)n;
  }
}

static void put_32(unsigned char *at, uint32_t n) {
  for (int i = 0; i < 4; i++) at[i] = (unsigned char)(n >> 8 * i);
}

static void write_head(struct mid_writer *w) {
  unsigned char head[MID_TRACE_HEAD_BYTES] = {0};
  put_32(head, MID_TRACE_HEAD_FRAME);
  put_32(head + 4, MID_TRACE_HEAD_BYTES - 8);
  memcpy(head + 8, MID_TRACE_MAGIC, 12);
  put_32(head + 20, MID_TRACE_VERSION);
  write_all(w, head, sizeof head);
}

static void write_frame(struct mid_writer *w, const struct mid_bytes *raw,
                        struct writer_frame frame) {
  w->packed.count = 0;
  mid_bytes_reserve(&w->packed, ZSTD_compressBound(raw->count));
  size_t bytes = ZSTD_compress2(w->pack, w->packed.at, w->packed.room, raw->at, raw->count);
  if (ZSTD_isError(bytes)) abort();
  uint64_t before = w->written;
  write_all(w, w->packed.at, bytes);
  if (w->written == before) return;
  frame.stored = (uint32_t)bytes;
  frame.bytes = (uint32_t)raw->count;
  w->frame = mid_grown(w->frame, w->frames, sizeof *w->frame);
  w->frame[w->frames++] = frame;
}

// The seek table of zstd's seekable format, which ends the file.
static void write_seek_table(struct mid_writer *w) {
  size_t bytes = w->frames * MID_TRACE_SEEK_EACH + MID_TRACE_SEEK_FOOT;
  unsigned char *table = calloc(1, 8 + bytes), *at = table + 8;
  if (table == NULL) abort();
  put_32(table, MID_TRACE_SEEK_FRAME);
  put_32(table + 4, (uint32_t)bytes);
  for (size_t i = 0; i < w->frames; i++, at += MID_TRACE_SEEK_EACH) {
    put_32(at, w->frame[i].stored);
    put_32(at + 4, w->frame[i].bytes);
  }
  put_32(at, (uint32_t)w->frames);
  put_32(at + 5, MID_TRACE_SEEK_MAGIC);
  write_all(w, table, 8 + bytes);
  free(table);
}

struct mid_writer *mid_writer_open(int fd) {
  struct mid_writer *w = calloc(1, sizeof *w);
  if (w == NULL || (w->pack = ZSTD_createCCtx()) == NULL) abort();
  w->fd = fd;
  w->strings = mid_table_open(sizeof(uint32_t));
  w->stacks = mid_table_open(sizeof(uint32_t));
  ZSTD_CCtx_setParameter(w->pack, ZSTD_c_compressionLevel, PACK_LEVEL);
  ZSTD_CCtx_setParameter(w->pack, ZSTD_c_checksumFlag, 1);
  write_head(w);
  return w;
}

// ---- the tables ----

// 64-bit FNV-1a: G. Fowler, L. C. Noll, K.-P. Vo, 1991.
static uint64_t writer_hash(const void *from, size_t bytes) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const unsigned char *at = from; bytes-- > 0; at++) h = (h ^ *at) * 0x100000001b3u;
  return h >> 1;
}

static uint32_t add_string(struct mid_writer *w, const char *words, size_t bytes) {
  uint32_t *number = mid_table_add(&w->strings, writer_hash(words, bytes));
  if (*number != 0) return *number;
  mid_bytes_number(&w->new_strings, bytes);
  mid_bytes_add(&w->new_strings, words, bytes);
  return *number = ++w->string_count;
}

uint32_t mid_writer_string(struct mid_writer *w, const char *words) {
  return *words == 0 ? 0 : add_string(w, words, strlen(words));
}

// The path, and where there is a build-id a NUL and that.
uint32_t mid_writer_module(struct mid_writer *w, const char *path, const struct mid_trace_id *id) {
  size_t bytes = strlen(path) + 1;
  if (id->bytes == 0) return mid_writer_string(w, path);
  char *words = malloc(bytes + id->bytes);
  if (words == NULL) abort();
  memcpy(words, path, bytes);
  memcpy(words + bytes, id->at, id->bytes);
  uint32_t number = add_string(w, words, bytes + id->bytes);
  free(words);
  return number;
}

uint32_t mid_writer_stack(struct mid_writer *w, uint32_t caller, uint32_t module, uint64_t offset) {
  uint64_t row[] = {caller, module, offset};
  uint32_t *number = mid_table_add(&w->stacks, writer_hash(row, sizeof row));
  if (*number != 0) return *number;
  for (int i = 0; i < 3; i++) mid_bytes_number(&w->new_stacks, row[i]);
  return *number = ++w->stack_count;
}

uint32_t mid_writer_process(struct mid_writer *w, uint64_t pid, uint64_t parent,
                            const char *command) {
  w->process = mid_grown(w->process, w->processes, sizeof *w->process);
  w->process[w->processes] = (struct writer_process){
      .pid = pid, .parent = parent, .command = mid_writer_string(w, command)};
  return ++w->processes;
}

// ---- events ----

static struct writer_stream *stream_at(struct mid_writer *w, struct writer_process *p,
                                       uint32_t thread) {
  if (thread >= p->streams) {
    uint32_t count = thread + 1 > 2 * p->streams ? thread + 1 : 2 * p->streams;
    p->stream = realloc(p->stream, count * sizeof *p->stream);
    p->active = realloc(p->active, count * sizeof *p->active);
    if (p->stream == NULL || p->active == NULL) abort();
    memset(p->stream + p->streams, 0, (count - p->streams) * sizeof *p->stream);
    p->streams = count;
  }
  struct writer_stream *s = &p->stream[thread];
  if (s->events == 0) {
    p->active[p->actives++] = thread;
    s->born_before = s->born;
    s->last_number = s->born;
    s->last_tick = w->floor;
  }
  return s;
}

enum { RESERVED = 64 };  // events

// Room for the next events, looked after now and then.
static void stream_reserve(struct writer_stream *s) {
  if (s->events % RESERVED != 0) return;
  for (int c = 0; c < MID_COLUMNS; c++)
    mid_bytes_reserve(&s->column[c], RESERVED * MID_NUMBER_MOST * (c == MID_COLUMN_BLOCKS ? 3 : 1));
}

// How `event` names its block; the bits for the operation.
static unsigned add_block(struct writer_stream *s, const struct mid_trace_event *event) {
  struct mid_bytes *to = &s->column[MID_COLUMN_BLOCKS];
  const struct mid_trace_block *block = &event->block;
  if (event->passed || block->thread != event->thread) {
    mid_bytes_put(to, block->thread);
    mid_bytes_put(to, block->number);
    mid_bytes_put(to, event->resizes);
    return MID_TRACE_PASSED;
  }
  int64_t step = (int64_t)(block->number - s->last_number);
  uint64_t age = s->born - block->number;
  s->last_number = block->number;
  if (step >= -32 && step < 32 && age > 64) {
    mid_bytes_put(to, mid_zigzag(step));
    return MID_TRACE_NEAR;
  }
  mid_bytes_put(to, age);
  return MID_TRACE_BY_AGE;
}

void mid_writer_add(struct mid_writer *w, struct mid_trace_event *event) {
  struct writer_process *p = &w->process[event->process - 1];
  struct writer_stream *s = stream_at(w, p, event->thread);
  stream_reserve(s);
  if (event->tick < s->last_tick) event->tick = s->last_tick;
  if (event->kind == MID_TRACE_EXIT && event->tick <= p->last) event->tick = p->last + 1;
  if (event->tick > p->last) p->last = event->tick;
  unsigned op = event->kind;
  if (mid_trace_is_birth(event->kind))
    event->block = (struct mid_trace_block){event->thread, s->born++};
  else if (mid_trace_has_block(event->kind))
    op |= add_block(s, event);
  if (event->unseen) op |= MID_TRACE_UNSEEN;
  if (event->kind == MID_TRACE_ALIGNED) mid_bytes_put(&s->column[MID_COLUMN_BLOCKS], event->align);
  s->column[MID_COLUMN_OPS].at[s->column[MID_COLUMN_OPS].count++] = (unsigned char)op;
  mid_bytes_put(&s->column[MID_COLUMN_TIMES], event->tick - s->last_tick);
  if (mid_trace_has_bytes(event->kind)) mid_bytes_put(&s->column[MID_COLUMN_SIZES], event->bytes);
  mid_bytes_put(&s->column[MID_COLUMN_STACKS], event->stack);
  s->last_tick = event->tick;
  s->events++;
  w->events++;
  if (event->tick > w->last) w->last = event->tick;
  if (w->events - w->events_before >= FRAME_EVENTS) mid_writer_flush(w);
}

void mid_writer_lost(struct mid_writer *w, uint32_t process, uint64_t events) {
  w->process[process - 1].lost += events;
  w->lost += events;
}

// ---- frames ----

static void add_section(struct mid_bytes *to, enum mid_trace_section kind,
                        const struct mid_bytes *body) {
  mid_bytes_number(to, kind);
  mid_bytes_number(to, body->count);
  mid_bytes_add(to, body->at, body->count);
}

// Rows from `first` on, which are `rows`.
static void add_table(struct mid_bytes *to, enum mid_trace_section kind, uint32_t first,
                      const struct mid_bytes *rows) {
  struct mid_bytes body = {0};
  mid_bytes_number(&body, first);
  mid_bytes_add(&body, rows->at, rows->count);
  add_section(to, kind, &body);
  free(body.at);
}

static void add_tables(struct mid_writer *w) {
  if (w->new_strings.count > 0)
    add_table(&w->raw, MID_TRACE_STRINGS, w->strings_told + 1, &w->new_strings);
  if (w->new_stacks.count > 0)
    add_table(&w->raw, MID_TRACE_STACKS, w->stacks_told + 1, &w->new_stacks);
  mid_bytes_add(&w->all_strings, w->new_strings.at, w->new_strings.count);
  mid_bytes_add(&w->all_stacks, w->new_stacks.at, w->new_stacks.count);
  w->new_strings.count = w->new_stacks.count = 0;
  w->strings_told = w->string_count;
  w->stacks_told = w->stack_count;
}

static void add_process(struct mid_bytes *to, const struct writer_process *p, uint32_t number) {
  struct mid_bytes body = {0};
  uint64_t words[] = {number, p->pid, p->parent, p->command};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) mid_bytes_number(&body, words[i]);
  add_section(to, MID_TRACE_PROCESS, &body);
  free(body.at);
}

static void add_stream(struct mid_bytes *to, struct writer_stream *s, uint32_t thread) {
  mid_bytes_number(to, thread);
  mid_bytes_number(to, s->events);
  mid_bytes_number(to, s->born_before);
  for (int c = MID_COLUMN_TIMES; c < MID_COLUMNS; c++) mid_bytes_number(to, s->column[c].count);
  for (int c = MID_COLUMN_OPS; c < MID_COLUMNS; c++) {
    mid_bytes_add(to, s->column[c].at, s->column[c].count);
    s->column[c].count = 0;
  }
  s->events = 0;
}

static void add_events(struct mid_writer *w, struct writer_process *p, uint32_t number) {
  struct mid_bytes body = {0};
  mid_bytes_number(&body, number);
  mid_bytes_number(&body, w->floor);
  mid_bytes_number(&body, p->lost);
  mid_bytes_number(&body, p->actives);
  for (uint32_t i = 0; i < p->actives; i++)
    add_stream(&body, &p->stream[p->active[i]], p->active[i]);
  p->actives = 0;
  p->lost = 0;
  add_section(&w->raw, MID_TRACE_EVENTS, &body);
  free(body.at);
}

void mid_writer_flush(struct mid_writer *w) {
  w->raw.count = 0;
  add_tables(w);
  for (; w->processes_told < w->processes; w->processes_told++)
    add_process(&w->raw, &w->process[w->processes_told], w->processes_told + 1);
  for (uint32_t i = 0; i < w->processes; i++)
    if (w->process[i].actives > 0 || w->process[i].lost > 0) add_events(w, &w->process[i], i + 1);
  if (w->raw.count == 0) return;
  if (w->last < w->floor) w->last = w->floor;
  struct writer_frame frame = {
      .first = w->floor, .last = w->last, .events = w->events - w->events_before};
  write_frame(w, &w->raw, frame);
  w->events_before = w->events;
  w->floor = w->last;
}

void mid_writer_tick(struct mid_writer *w, uint64_t now) {
  if (now < w->since + FRAME_TICKS) return;
  w->since = now;
  mid_writer_flush(w);
}

uint64_t mid_writer_bytes(const struct mid_writer *w) { return w->written; }
uint64_t mid_writer_events(const struct mid_writer *w) { return w->events; }
uint64_t mid_writer_lost_all(const struct mid_writer *w) { return w->lost; }
int mid_writer_error(const struct mid_writer *w) { return w->error; }

// ---- the end: all tables once more, and where the frames are in time ----

static void write_end(struct mid_writer *w) {
  struct mid_bytes body = {0};
  w->raw.count = 0;
  add_table(&w->raw, MID_TRACE_STRINGS, 1, &w->all_strings);
  add_table(&w->raw, MID_TRACE_STACKS, 1, &w->all_stacks);
  for (uint32_t i = 0; i < w->processes; i++) add_process(&w->raw, &w->process[i], i + 1);
  mid_bytes_number(&body, w->events);
  mid_bytes_number(&body, w->lost);
  mid_bytes_number(&body, w->frames);
  for (size_t i = 0; i < w->frames; i++) {
    mid_bytes_number(&body, w->frame[i].last - w->frame[i].first);
    mid_bytes_number(&body, w->frame[i].events);
  }
  add_section(&w->raw, MID_TRACE_END, &body);
  free(body.at);
  write_frame(w, &w->raw, (struct writer_frame){.first = w->last, .last = w->last});
}

static void writer_free(struct mid_writer *w) {
  for (uint32_t i = 0; i < w->processes; i++) {
    for (uint32_t t = 0; t < w->process[i].streams; t++)
      for (int c = 0; c < MID_COLUMNS; c++) free(w->process[i].stream[t].column[c].at);
    free(w->process[i].stream);
    free(w->process[i].active);
  }
  struct mid_bytes *bytes[] = {&w->packed,     &w->raw,         &w->new_strings,
                               &w->new_stacks, &w->all_strings, &w->all_stacks};
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) free(bytes[i]->at);
  mid_table_close(&w->strings);
  mid_table_close(&w->stacks);
  ZSTD_freeCCtx(w->pack);
  free(w->process);
  free(w->frame);
  free(w);
}

int mid_writer_close(struct mid_writer *w, uint64_t *bytes) {
  mid_writer_flush(w);
  write_end(w);
  write_seek_table(w);
  int error = w->error;
  *bytes = w->written;
  writer_free(w);
  return error;
}
