// trace/reader.c -- see reader.h; docs/format.md has the layout.
// SPDX-License-Identifier: MIT
#include "trace/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "trace/format.h"
#include "trace/table.h"

struct reader_string {
  char *words;  // a NUL stands behind them, and perhaps between them
  size_t bytes;
};

struct reader_site {
  uint32_t caller, module;
  uint64_t offset;
};

struct reader_process {
  uint64_t pid, parent;
  uint32_t command;
};

struct reader_frame {
  uint64_t at, last;  // in the file; its last tick
};

struct mid_trace {
  const unsigned char *bytes;
  uint64_t size, at, begin, end;  // end: where frames end
  bool mapped;
  ZSTD_DCtx *unpack;
  struct mid_bytes raw;

  struct reader_string *string;
  struct reader_site *site;
  struct reader_process *process;
  uint32_t strings, sites, processes;

  struct reader_frame *frame;  // where the end is whole
  size_t frames;

  // The frame at hand.
  struct mid_trace_thread *thread;
  size_t threads;
  struct mid_trace_event *event;
  size_t events, event_room;
  const struct mid_trace_event **order;
  bool ordered;
  uint64_t lost, last_tick;

  char damage[160];
};

// What one event takes at least, unpacked: an operation, a time and a stack.
enum { EVENT_LEAST = 3 };

static uint32_t get_32(const unsigned char *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool reader_damaged(struct mid_trace *t, uint64_t at, const char *how) {
  if (t->damage[0] == 0)
    snprintf(t->damage, sizeof t->damage, "%s, at byte %" PRIu64 " of %" PRIu64, how, at, t->size);
  return false;
}

// ---- sections ----

static bool read_strings(struct mid_trace *t, struct mid_input *in) {
  uint64_t number = mid_read_number(in);
  for (; in->at < in->end && !in->bad; number++) {
    struct mid_input words = mid_read_part(in, mid_read_number(in));
    if (in->bad || number == 0 || number > (uint64_t)t->strings + 1) return false;
    if (number <= t->strings) continue;  // told again at the end
    t->string = mid_grown(t->string, t->strings, sizeof *t->string);
    size_t bytes = (size_t)(words.end - words.at);
    char *copy = calloc(bytes + 1, 1);
    if (copy == NULL) abort();
    memcpy(copy, words.at, bytes);
    t->string[t->strings++] = (struct reader_string){copy, bytes};
  }
  return !in->bad;
}

static bool read_stacks(struct mid_trace *t, struct mid_input *in) {
  uint64_t number = mid_read_number(in);
  for (; in->at < in->end && !in->bad; number++) {
    uint64_t caller = mid_read_number(in), module = mid_read_number(in);
    uint64_t offset = mid_read_number(in);
    if (in->bad || number == 0 || number > (uint64_t)t->sites + 1) return false;
    // A stack is made of those before it, so that walking one ends.
    if (caller >= number || module > t->strings) return false;
    if (number <= t->sites) continue;
    t->site = mid_grown(t->site, t->sites, sizeof *t->site);
    t->site[t->sites++] = (struct reader_site){(uint32_t)caller, (uint32_t)module, offset};
  }
  return !in->bad;
}

static bool read_process(struct mid_trace *t, struct mid_input *in) {
  uint64_t number = mid_read_number(in);
  struct reader_process p = {.pid = mid_read_number(in), .parent = mid_read_number(in)};
  uint64_t command = mid_read_number(in);
  if (in->bad || number == 0 || number > (uint64_t)t->processes + 1 || command > t->strings)
    return false;
  p.command = (uint32_t)command;
  if (number <= t->processes) return true;
  t->process = mid_grown(t->process, t->processes, sizeof *t->process);
  t->process[t->processes++] = p;
  return true;
}

// ---- events ----

struct reader_stream {
  struct mid_input column[MID_COLUMNS];
  uint64_t born, last_number, tick;
};

static bool read_block(struct reader_stream *s, struct mid_trace_event *e, unsigned how) {
  struct mid_input *in = &s->column[MID_COLUMN_BLOCKS];
  uint64_t n = mid_read_number(in);
  e->block = (struct mid_trace_block){e->thread, s->last_number + (uint64_t)mid_unzigzag(n)};
  if (how == MID_TRACE_PASSED) {
    e->block = (struct mid_trace_block){(uint32_t)n, mid_read_number(in)};
    e->resizes = mid_read_number(in);
    e->passed = true;
    return n <= UINT32_MAX;
  }
  if (how == MID_TRACE_BY_AGE) e->block.number = s->born - n;
  if (how != MID_TRACE_BY_AGE && how != MID_TRACE_NEAR) return false;
  s->last_number = e->block.number;
  return e->block.number < s->born;
}

static bool read_event(struct mid_trace *t, struct reader_stream *s, struct mid_trace_event *e) {
  unsigned op = *s->column[MID_COLUMN_OPS].at++;
  e->kind = op & MID_TRACE_KIND_MASK;
  if (op >= 2 * MID_TRACE_UNSEEN) return false;
  e->unseen = (op & MID_TRACE_UNSEEN) != 0;
  e->tick = s->tick += mid_read_number(&s->column[MID_COLUMN_TIMES]);
  if (mid_trace_has_bytes(e->kind)) e->bytes = mid_read_number(&s->column[MID_COLUMN_SIZES]);
  uint64_t stack = mid_read_number(&s->column[MID_COLUMN_STACKS]);
  if (stack > t->sites) return false;
  e->stack = (uint32_t)stack;
  e->align = 4;
  if (e->kind == MID_TRACE_ALIGNED) {
    uint64_t align = mid_read_number(&s->column[MID_COLUMN_BLOCKS]);
    if (align > 63) return false;
    e->align = (uint8_t)align;
  }
  if (mid_trace_is_birth(e->kind)) {
    e->block = (struct mid_trace_block){e->thread, s->born++};
  } else if (mid_trace_has_block(e->kind) && !read_block(s, e, op & MID_TRACE_HOW_MASK)) {
    return false;
  }
  for (int c = MID_COLUMN_TIMES; c < MID_COLUMNS; c++)
    if (s->column[c].bad) return false;
  return true;
}

static void reserve_events(struct mid_trace *t, size_t more) {
  if (t->event_room - t->events >= more) return;
  t->event_room = t->event_room * 2 > t->events + more ? t->event_room * 2 : t->events + more;
  t->event = realloc(t->event, t->event_room * sizeof *t->event);
  if (t->event == NULL) abort();
}

static bool read_stream(struct mid_trace *t, struct mid_input *in, uint32_t process,
                        uint64_t floor) {
  uint64_t thread = mid_read_number(in), events = mid_read_number(in);
  struct reader_stream s = {.born = mid_read_number(in), .tick = floor};
  uint64_t bytes[MID_COLUMNS] = {[MID_COLUMN_OPS] = events};
  for (int c = MID_COLUMN_TIMES; c < MID_COLUMNS; c++) bytes[c] = mid_read_number(in);
  if (in->bad || events > (uint64_t)(in->end - in->at) / EVENT_LEAST || thread > UINT32_MAX ||
      s.born > UINT64_MAX / 2 || events > MID_TRACE_EVENTS_MOST - t->events)
    return false;
  for (int c = MID_COLUMN_OPS; c < MID_COLUMNS; c++) s.column[c] = mid_read_part(in, bytes[c]);
  if (in->bad) return false;
  t->thread = mid_grown(t->thread, t->threads, sizeof *t->thread);
  struct mid_trace_thread *to = &t->thread[t->threads++];
  *to = (struct mid_trace_thread){process, (uint32_t)thread, s.born, NULL, 0};
  s.last_number = s.born;
  reserve_events(t, (size_t)events);
  for (uint64_t i = 0; i < events; i++) {
    struct mid_trace_event e = {.process = process, .thread = (uint32_t)thread};
    if (!read_event(t, &s, &e)) return false;
    t->event[t->events++] = e;
    to->events++;
  }
  return true;
}

static bool read_events(struct mid_trace *t, struct mid_input *in) {
  uint64_t process = mid_read_number(in), floor = mid_read_number(in);
  t->lost += mid_read_number(in);
  uint64_t streams = mid_read_number(in);
  if (process == 0 || process > t->processes || floor > UINT64_MAX / 2) return false;
  for (uint64_t i = 0; i < streams; i++)
    if (in->bad || !read_stream(t, in, (uint32_t)process, floor)) return false;
  return !in->bad;
}

// Ticks of the frames that the seek table has, whose last one is the end itself.
static bool read_end(struct mid_trace *t, struct mid_input *in) {
  mid_read_number(in);  // events
  mid_read_number(in);  // lost
  uint64_t frames = mid_read_number(in), tick = 0;
  if (in->bad || t->frames == 0) return !in->bad;
  if (frames != t->frames - 1) return false;
  for (uint64_t i = 0; i < frames; i++) {
    t->frame[i].last = tick += mid_read_number(in);
    mid_read_number(in);  // events
  }
  t->frame[frames].last = tick;
  return !in->bad;
}

// A kind of section that is not known is of a later version's, and left out.
static bool read_section(struct mid_trace *t, uint64_t kind, struct mid_input *in) {
  switch (kind) {
    case MID_TRACE_STRINGS:
      return read_strings(t, in);
    case MID_TRACE_STACKS:
      return read_stacks(t, in);
    case MID_TRACE_PROCESS:
      return read_process(t, in);
    case MID_TRACE_EVENTS:
      return read_events(t, in);
    case MID_TRACE_END:
      return read_end(t, in);
    default:
      return true;
  }
}

// ---- frames ----

static bool unpack_frame(struct mid_trace *t, uint64_t at, size_t stored) {
  unsigned long long bytes = ZSTD_getFrameContentSize(t->bytes + at, stored);
  if (bytes > MID_TRACE_FRAME_MOST) return reader_damaged(t, at, "a frame that is too large");
  t->raw.count = 0;
  mid_bytes_reserve(&t->raw, (size_t)bytes + 1);
  size_t n = ZSTD_decompressDCtx(t->unpack, t->raw.at, (size_t)bytes, t->bytes + at, stored);
  if (ZSTD_isError(n) || n != bytes)
    return reader_damaged(t, at, "a frame that cannot be unpacked");
  t->raw.count = n;
  return true;
}

// Where the frame at `at` ends; 0 when it does not.
static uint64_t frame_end(const struct mid_trace *t, uint64_t at) {
  size_t stored = ZSTD_findFrameCompressedSize(t->bytes + at, (size_t)(t->end - at));
  return ZSTD_isError(stored) || stored == 0 ? 0 : at + stored;
}

static bool is_skipped(const struct mid_trace *t, uint64_t at) {
  return t->end - at >= 4 && (get_32(t->bytes + at) & 0xfffffff0u) == MID_TRACE_HEAD_FRAME;
}

// The events of frames before the damaged section stand; a stream that broke off has what it had.
static bool read_frame(struct mid_trace *t, uint64_t at) {
  struct mid_input in = {t->raw.at, t->raw.at + t->raw.count, false};
  while (in.at < in.end) {
    uint64_t kind = mid_read_number(&in);
    struct mid_input body = mid_read_part(&in, mid_read_number(&in));
    if (in.bad || !read_section(t, kind, &body))
      return reader_damaged(t, at, "a frame whose contents make no sense");
  }
  return true;
}

static void forget_frame(struct mid_trace *t) {
  t->threads = t->events = 0;
  t->lost = 0;
  t->ordered = false;
}

// Events are laid out one thread after the other.
static void place_threads(struct mid_trace *t) {
  const struct mid_trace_event *at = t->event;
  if (t->events == 0) return;
  for (size_t i = 0; i < t->threads; at += t->thread[i++].events) t->thread[i].event = at;
}

bool mid_trace_next(struct mid_trace *t) {
  forget_frame(t);
  while (t->damage[0] == 0 && t->at < t->end) {
    uint64_t at = t->at, end = frame_end(t, at);
    if (end == 0) return reader_damaged(t, at, "a frame that is cut off or damaged");
    t->at = end;
    if (is_skipped(t, at)) continue;
    if (!unpack_frame(t, at, (size_t)(end - at))) return false;
    (void)read_frame(t, at);
    place_threads(t);
    if (t->events > 0 || t->lost > 0) return true;
  }
  return false;
}

void mid_trace_rewind(struct mid_trace *t, uint64_t tick) {
  size_t low = 0, high = t->frames;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (t->frame[middle].last < tick)
      low = middle + 1;
    else
      high = middle;
  }
  forget_frame(t);
  t->at = t->frames == 0 ? t->begin : low == t->frames ? t->end : t->frame[low].at;
  t->damage[0] = 0;
}

// ---- the one order ----

static bool event_is_before(const struct mid_trace_event *x, const struct mid_trace_event *y) {
  if (x->tick != y->tick) return x->tick < y->tick;
  if (x->process != y->process) return x->process < y->process;
  return x->thread < y->thread;
}

// Threads that have events left, by the first of them: a heap, the earliest at its root.
struct left {
  const struct mid_trace_event *at, *end;
};

static void left_sink(struct left *heap, size_t count, size_t i) {
  struct left moving = heap[i];
  for (size_t child; (child = 2 * i + 1) < count; i = child) {
    if (child + 1 < count && event_is_before(heap[child + 1].at, heap[child].at)) child++;
    if (!event_is_before(heap[child].at, moving.at)) break;
    heap[i] = heap[child];
  }
  heap[i] = moving;
}

static void merge_threads(struct mid_trace *t, struct left *heap, size_t count) {
  const struct mid_trace_event **to = t->order;
  for (size_t i = count / 2; i-- > 0;) left_sink(heap, count, i);
  while (count > 0) {
    *to++ = heap[0].at++;
    if (heap[0].at == heap[0].end) heap[0] = heap[--count];
    if (count > 0) left_sink(heap, count, 0);
  }
}

const struct mid_trace_event *const *mid_trace_in_order(struct mid_trace *t, size_t *count) {
  *count = t->events;
  if (t->ordered) return t->order;
  struct left *heap = calloc(t->threads + 1, sizeof *heap);
  t->order = realloc(t->order, (t->events + 1) * sizeof *t->order);
  if (heap == NULL || t->order == NULL) abort();
  size_t threads = 0;
  for (size_t i = 0; i < t->threads; i++)
    if (t->thread[i].events > 0)
      heap[threads++] = (struct left){t->thread[i].event, t->thread[i].event + t->thread[i].events};
  merge_threads(t, heap, threads);
  free(heap);
  t->ordered = true;
  return t->order;
}

// ---- opening ----

// The seek table at the end, if it fits what is before it; then the end's tables and ticks.
static void read_seek_table(struct mid_trace *t) {
  if (t->size < t->begin + 8 + MID_TRACE_SEEK_FOOT) return;
  const unsigned char *foot = t->bytes + t->size - MID_TRACE_SEEK_FOOT;
  if (get_32(foot + 5) != MID_TRACE_SEEK_MAGIC || foot[4] != 0) return;
  uint64_t frames = get_32(foot), table = 8 + frames * MID_TRACE_SEEK_EACH + MID_TRACE_SEEK_FOOT;
  if (frames == 0 || table > t->size - t->begin) return;
  const unsigned char *row = t->bytes + t->size - table + 8;
  uint64_t at = t->begin, end = t->size - table;
  struct reader_frame *frame = calloc(frames, sizeof *frame);
  if (frame == NULL) abort();
  for (uint64_t i = 0; i < frames; i++, row += MID_TRACE_SEEK_EACH) {
    frame[i].at = at;
    at += get_32(row);
  }
  t->frame = frame;
  t->frames = frames;
  bool fits = at == end && frame[frames - 1].at >= t->begin && frame[frames - 1].at < end;
  if (fits && unpack_frame(t, frame[frames - 1].at, (size_t)(end - frame[frames - 1].at)) &&
      read_frame(t, frame[frames - 1].at))
    return;
  free(t->frame);
  t->frame = NULL;
  t->frames = 0;
}

static const char *wrong_head(const unsigned char *at, size_t size) {
  if (size >= 8 && get_32(at) == 0xfd2fb528u)
    return "it is compressed by zstd, but not a trace of Midden's: if it is heaptrack's, unpack it "
           "and see 'midden help trace' on --import";
  if (size < MID_TRACE_HEAD_BYTES || get_32(at) != MID_TRACE_HEAD_FRAME ||
      memcmp(at + 8, MID_TRACE_MAGIC, 12) != 0)
    return "it is not a trace: give a file that 'midden record' wrote";
  if (get_32(at + 20) != MID_TRACE_VERSION)
    return "it is of another version of the format: read it with the midden that wrote it";
  return NULL;
}

struct mid_trace *mid_trace_parse(const void *bytes, size_t size, const char **why) {
  *why = wrong_head(bytes, size);
  if (*why != NULL) return NULL;
  struct mid_trace *t = calloc(1, sizeof *t);
  if (t == NULL || (t->unpack = ZSTD_createDCtx()) == NULL) abort();
  t->bytes = bytes;
  t->size = t->end = size;
  t->at = t->begin = MID_TRACE_HEAD_BYTES;
  read_seek_table(t);
  t->damage[0] = 0;
  forget_frame(t);
  return t;
}

struct mid_trace *mid_trace_open(const char *path, const char **why) {
  errno = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat s;
  void *bytes = MAP_FAILED;
  if (fd >= 0 && fstat(fd, &s) == 0) {
    if (S_ISDIR(s.st_mode))
      errno = EISDIR;
    else if (s.st_size > 0)
      bytes = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  }
  *why = errno != 0 ? strerror(errno) : "it is empty: give a file that 'midden record' wrote";
  if (fd >= 0) close(fd);
  if (bytes == MAP_FAILED) return NULL;
  struct mid_trace *t = mid_trace_parse(bytes, (size_t)s.st_size, why);
  if (t == NULL)
    munmap(bytes, (size_t)s.st_size);
  else
    t->mapped = true;
  return t;
}

void mid_trace_close(struct mid_trace *t) {
  for (uint32_t i = 0; i < t->strings; i++) free(t->string[i].words);
  if (t->mapped) munmap((void *)(uintptr_t)t->bytes, (size_t)t->size);
  ZSTD_freeDCtx(t->unpack);
  free(t->raw.at);
  free(t->string);
  free(t->site);
  free(t->process);
  free(t->frame);
  free(t->thread);
  free(t->event);
  free(t->order);
  free(t);
}

// ---- what the tables say ----

static const char *string_at(const struct mid_trace *t, uint32_t number) {
  return number == 0 || number > t->strings ? "" : t->string[number - 1].words;
}

size_t mid_trace_threads(const struct mid_trace *t) { return t->threads; }
const struct mid_trace_thread *mid_trace_thread_at(const struct mid_trace *t, size_t i) {
  return &t->thread[i];
}
uint64_t mid_trace_lost(const struct mid_trace *t) { return t->lost; }
uint32_t mid_trace_processes(const struct mid_trace *t) { return t->processes; }
bool mid_trace_is_whole(const struct mid_trace *t) { return t->frames > 0; }
uint64_t mid_trace_size(const struct mid_trace *t) { return t->size; }
const char *mid_trace_damage(const struct mid_trace *t) {
  return t->damage[0] == 0 ? NULL : t->damage;
}

struct mid_trace_process mid_trace_process(const struct mid_trace *t, uint32_t number) {
  if (number == 0 || number > t->processes) return (struct mid_trace_process){0, 0, ""};
  const struct reader_process *p = &t->process[number - 1];
  return (struct mid_trace_process){p->pid, p->parent, string_at(t, p->command)};
}

// A module's string is its path, and where there is a build-id a NUL and that.
static struct mid_trace_id id_at(const struct mid_trace *t, uint32_t number) {
  struct mid_trace_id id = {0};
  if (number == 0 || number > t->strings) return id;
  const struct reader_string *s = &t->string[number - 1];
  size_t path = strlen(s->words) + 1, bytes = s->bytes > path ? s->bytes - path : 0;
  id.bytes = (uint8_t)(bytes < sizeof id.at ? bytes : sizeof id.at);
  memcpy(id.at, s->words + path, id.bytes);
  return id;
}

struct mid_trace_site mid_trace_site(const struct mid_trace *t, uint32_t stack) {
  if (stack == 0 || stack > t->sites) return (struct mid_trace_site){.module = ""};
  const struct reader_site *s = &t->site[stack - 1];
  return (struct mid_trace_site){s->caller, string_at(t, s->module), id_at(t, s->module),
                                 s->offset};
}
