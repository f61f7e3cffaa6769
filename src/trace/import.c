// trace/import.c -- see import.h.
// SPDX-License-Identifier: MIT
//
// What these formats do not tell is made up so that the order is kept: an event takes a tick, and
// all are of thread 1.
#include "trace/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trace/births.h"

enum { LINE_MOST = 1 << 16 };

struct import_process {
  uint64_t pid;
  struct mid_births births;
};

struct import_module {
  uint64_t start, end;
  uint32_t name;
};

struct import {
  struct mid_writer *writer;
  uint64_t tick, events;
  struct import_process *process;  // Valgrind tells of children too
  size_t processes;

  // heaptrack
  uint64_t *stack;  // rows of our table, by its numbers
  size_t stacks;
  struct import_module *module;
  size_t modules;
};

static struct mid_births *births_of(struct import *im, uint64_t pid, const char *command) {
  for (size_t i = 0; i < im->processes; i++)
    if (im->process[i].pid == pid) return &im->process[i].births;
  im->process = mid_grown(im->process, im->processes, sizeof *im->process);
  struct import_process *p = &im->process[im->processes++];
  p->pid = pid;
  p->births = mid_births_open(im->writer, mid_writer_process(im->writer, pid, 0, command));
  return &p->births;
}

static struct mid_trace_event event_now(struct import *im, uint8_t kind, uint64_t bytes) {
  im->events++;
  return (struct mid_trace_event){
      .tick = im->tick++, .thread = 1, .kind = kind, .align = 4, .bytes = bytes};
}

static void import_take(struct mid_births *l, struct mid_trace_event event, uint64_t address) {
  if (address != 0) mid_births_birth(l, &event, address);
}

static void import_give(struct import *im, struct mid_births *l, uint64_t address) {
  if (address == 0) return;
  struct mid_trace_event event = event_now(im, MID_TRACE_FREE, 0);
  mid_births_free(l, &event, address);
}

// ---- Valgrind: "--PID-- NAME(ARGUMENTS) = RESULT" ----

static uint64_t after(const char *words, const char *what) {
  const char *at = strstr(words, what);
  return at == NULL ? 0 : strtoull(at + strlen(what), NULL, 0);
}

static uint8_t align_of(uint64_t align) {
  uint8_t log = 4;
  while (log < 63 && (uint64_t)1 << log < align) log++;
  return log;
}

static void valgrind_resize(struct import *im, struct mid_births *l, const char *arguments) {
  char *end;
  struct mid_births_held held = {0};
  uint64_t old = strtoull(arguments, &end, 0), bytes = *end == ',' ? strtoull(end + 1, NULL, 0) : 0;
  struct mid_trace_event event = event_now(im, MID_TRACE_RESIZE, bytes);
  mid_births_lift(l, &held, old);
  mid_births_resize(l, &event, &held, after(arguments, ") = "));
}

static void valgrind_take(struct import *im, struct mid_births *l, const char *name,
                          const char *arguments) {
  char *end;
  struct mid_trace_event event = event_now(im, MID_TRACE_MALLOC, strtoull(arguments, &end, 0));
  if (strncmp(name, "calloc", 6) == 0 && *end == ',') {
    event.kind = MID_TRACE_CALLOC;
    event.bytes *= strtoull(end + 1, NULL, 0);
  } else if (strstr(arguments, "al ") != NULL) {
    event.kind = MID_TRACE_ALIGNED;
    event.align = align_of(after(arguments, "al "));
    event.bytes = after(arguments, "size ");
  }
  import_take(l, event, after(arguments, ") = "));
}

// true: it is such a line.
static bool valgrind_line(struct import *im, const char *line) {
  char *end;
  if (strncmp(line, "--", 2) != 0) return false;
  uint64_t pid = strtoull(line + 2, &end, 10);
  if (end == line + 2 || strncmp(end, "-- ", 3) != 0) return false;
  const char *name = end + 3, *arguments = strchr(name, '(');
  if (arguments == NULL) return false;
  // A realloc of nothing is told together with the malloc that it is.
  if (strncmp(name, "realloc(0x0,", 12) == 0 && strstr(name, ")malloc(") != NULL) {
    name = strstr(name, ")malloc(") + 1;
    arguments = strchr(name, '(');
  }
  struct mid_births *l = births_of(im, pid, "valgrind");
  arguments++;
  if (strncmp(name, "realloc(", 8) == 0)
    valgrind_resize(im, l, arguments);
  else if (strstr(line, ") = ") != NULL)
    valgrind_take(im, l, name, arguments);
  else
    import_give(im, l, strtoull(arguments, NULL, 0));
  return true;
}

// ---- heaptrack: a letter, then numbers in hexadecimal ----

// m LENGTH PATH BASE [OFFSET BYTES]...
static void heaptrack_module(struct import *im, const char *line) {
  char *at;
  size_t length = strtoul(line, &at, 16);
  if (*at != ' ' || length >= LINE_MOST || strlen(at + 1) < length) return;
  char name[LINE_MOST];
  snprintf(name, sizeof name, "%.*s", (int)length, at + 1);
  at += 1 + length;
  uint64_t base = strtoull(at, &at, 16), end = base;
  while (*at == ' ') {
    uint64_t offset = strtoull(at, &at, 16), bytes = strtoull(at, &at, 16);
    if (base + offset + bytes > end) end = base + offset + bytes;
    if (bytes == 0) break;
  }
  im->module = mid_grown(im->module, im->modules, sizeof *im->module);
  im->module[im->modules++] =
      (struct import_module){base, end, mid_writer_string(im->writer, name)};
}

// t ADDRESS CALLER: the next stack.
static void heaptrack_stack(struct import *im, const char *line) {
  char *at;
  uint64_t address = strtoull(line, &at, 16), caller = strtoull(at, NULL, 16);
  uint32_t above = caller > 0 && caller <= im->stacks ? (uint32_t)im->stack[caller - 1] : 0;
  uint32_t name = 0;
  for (size_t i = 0; i < im->modules && name == 0; i++)
    if (address >= im->module[i].start && address < im->module[i].end) {
      name = im->module[i].name;
      address -= im->module[i].start;
    }
  im->stack = mid_grown(im->stack, im->stacks, sizeof *im->stack);
  im->stack[im->stacks++] = mid_writer_stack(im->writer, above, name, address);
}

static void heaptrack_take(struct import *im, struct mid_births *l, const char *line) {
  char *at;
  struct mid_trace_event event = event_now(im, MID_TRACE_MALLOC, strtoull(line, &at, 16));
  uint64_t stack = strtoull(at, &at, 16);
  if (stack > 0 && stack <= im->stacks) event.stack = (uint32_t)im->stack[stack - 1];
  import_take(l, event, strtoull(at, NULL, 16));
}

static void heaptrack_line(struct import *im, const char *line) {
  char kind = line[0];
  if (kind == 0 || line[1] != ' ') return;
  struct mid_births *l = births_of(im, 1, "heaptrack");
  line += 2;
  if (kind == '+') heaptrack_take(im, l, line);
  if (kind == '-') import_give(im, l, strtoull(line, NULL, 16));
  if (kind == 't') heaptrack_stack(im, line);
  if (kind == 'm' && strcmp(line, "1 -") == 0) im->modules = 0;
  if (kind == 'm' && strcmp(line, "1 -") != 0) heaptrack_module(im, line);
  if (kind == 'c') {  // milliseconds since the start
    uint64_t tick = strtoull(line, NULL, 16) * (MID_TRACE_TICKS_A_SECOND / 1000);
    if (tick > im->tick) im->tick = tick;
  }
}

// ---- lines, out of what may be packed ----

struct lines {
  FILE *in;
  ZSTD_DStream *unpack;  // NULL: it is plain
  char packed[1 << 16], plain[1 << 17], line[LINE_MOST];
  ZSTD_inBuffer from;
  size_t at, count;
  bool bad;
};

static bool lines_fill(struct lines *l) {
  l->at = 0;
  if (l->unpack == NULL) return (l->count = fread(l->plain, 1, sizeof l->plain, l->in)) > 0;
  ZSTD_outBuffer to = {l->plain, sizeof l->plain, 0};
  while (to.pos == 0) {
    if (l->from.pos == l->from.size) {
      l->from = (ZSTD_inBuffer){l->packed, fread(l->packed, 1, sizeof l->packed, l->in), 0};
      if (l->from.size == 0) break;
    }
    if (ZSTD_isError(ZSTD_decompressStream(l->unpack, &to, &l->from))) {
      l->bad = true;
      break;
    }
  }
  return (l->count = to.pos) > 0;
}

// The next line without its end; NULL: there is none.  What is too long is cut.
static const char *lines_next(struct lines *l) {
  size_t bytes = 0;
  for (bool any = false;; any = true) {
    if (l->at == l->count && !lines_fill(l)) {
      l->line[bytes] = 0;
      return any ? l->line : NULL;
    }
    char c = l->plain[l->at++];
    if (c == '\n') break;
    if (bytes < sizeof l->line - 1) l->line[bytes++] = c;
  }
  l->line[bytes] = 0;
  return l->line;
}

static bool lines_open(struct lines *l, const char *path) {
  unsigned char magic[4] = {0};
  l->in = fopen(path, "re");
  if (l->in == NULL) return false;
  bool packed = fread(magic, 1, 4, l->in) == 4 && memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0;
  rewind(l->in);
  if (packed) l->unpack = ZSTD_createDStream();
  return true;
}

// ---- which it is ----

static const char *const import_dhat =
    "DHAT keeps sums for each call stack and no single calls, so its files "
    "cannot be replayed: run the program under 'midden record'";
static const char *const import_interpreted =
    "heaptrack has interpreted this file: it names kinds of allocations, not blocks, so that which "
    "block a free was of is lost and it cannot be replayed: record with 'heaptrack --raw'";
static const char *const import_unknown =
    "it is neither the text of 'valgrind --trace-malloc=yes' nor "
    "heaptrack's raw stream: 'midden help trace' says what can be read";

// s, a and i stand in what heaptrack has interpreted alone.
static bool is_interpreted(const char *line) {
  return strchr("sai", line[0]) != NULL && line[0] != 0 && line[1] == ' ';
}

static const char *read_lines(struct import *im, struct lines *l) {
  const char *line = lines_next(l);
  bool heaptrack = line != NULL && strncmp(line, "v ", 2) == 0;
  for (; line != NULL; line = lines_next(l)) {
    if (strstr(line, "\"dhatFileVersion\"") != NULL) return import_dhat;
    if (heaptrack && is_interpreted(line)) return import_interpreted;
    if (heaptrack)
      heaptrack_line(im, line);
    else
      (void)valgrind_line(im, line);
  }
  if (l->bad) return "it is damaged: zstd cannot unpack all of it";
  return im->events == 0 ? import_unknown : NULL;
}

const char *mid_import(const char *path, struct mid_writer *writer, uint64_t *events) {
  struct import im = {.writer = writer};
  struct lines *lines = calloc(1, sizeof *lines);
  if (lines == NULL) abort();
  const char *why = lines_open(lines, path) ? read_lines(&im, lines) : strerror(errno);
  if (lines->in != NULL) fclose(lines->in);
  ZSTD_freeDStream(lines->unpack);
  free(lines);
  for (size_t i = 0; i < im.processes; i++) mid_births_close(&im.process[i].births);
  free(im.process);
  free(im.stack);
  free(im.module);
  *events = im.events;
  return why;
}
