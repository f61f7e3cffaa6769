// trace/written_test.h -- a trace that a test writes and reads back; behind test.h.
// SPDX-License-Identifier: MIT
#ifndef MID_TRACE_WRITTEN_TEST_H
#define MID_TRACE_WRITTEN_TEST_H

#include <sys/mman.h>
#include <unistd.h>

#include "trace/births.h"
#include "trace/reader.h"

static struct {
  int fd;
  struct mid_writer *writer;
  struct mid_births births;
  unsigned char bytes[1 << 20];
  size_t size;
  struct mid_trace *trace;
} t;

static void begin(void) {
  t.fd = memfd_create("trace", 0);
  CHECK(t.fd >= 0);
  t.writer = mid_writer_open(t.fd);
  t.births = mid_births_open(t.writer, mid_writer_process(t.writer, 42, 1, "program"));
}

// Close what was written and read it.
static void end(void) {
  uint64_t bytes;
  const char *why;
  mid_births_close(&t.births);
  CHECK_EQ(mid_writer_close(t.writer, &bytes), 0);
  t.size = (size_t)pread(t.fd, t.bytes, sizeof t.bytes, 0);
  CHECK_EQ(t.size, bytes);
  close(t.fd);
  t.trace = mid_trace_parse(t.bytes, t.size, &why);
  CHECK(t.trace != NULL && why == NULL);
}

static void birth(uint32_t thread, uint64_t tick, uint64_t address, uint64_t bytes) {
  struct mid_trace_event e = {.thread = thread, .tick = tick, .bytes = bytes, .align = 4};
  mid_births_birth(&t.births, &e, address);
}

static void give(uint32_t thread, uint64_t tick, uint64_t address) {
  struct mid_trace_event e = {.thread = thread, .tick = tick};
  mid_births_free(&t.births, &e, address);
}

static void resize(uint32_t thread, uint64_t tick, uint64_t from, uint64_t to, uint64_t bytes) {
  struct mid_births_held held = {0};
  struct mid_trace_event e = {.thread = thread, .tick = tick, .bytes = bytes};
  mid_births_lift(&t.births, &held, from);
  mid_births_resize(&t.births, &e, &held, to);
}

#endif
