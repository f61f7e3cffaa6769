// tests/soak/fuzz_trace.c -- a libFuzzer target: reading ends well, whatever a trace's bytes are.
// SPDX-License-Identifier: MIT
//
// The first byte chooses what the rest is: a file; what a frame holds, since frames have checksums
// that no fuzzer finds; or what another tool wrote.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "trace/format.h"
#include "trace/import.h"
#include "trace/page.h"
#include "trace/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes);

static void require(int cond, const char *what) {
  if (cond) return;
  fprintf(stderr, "fuzz: %s\n", what);
  abort();
}

static void read_all(struct mid_trace *t) {
  struct mid_summary s;
  mid_summary_open(&s);
  while (mid_trace_next(t)) {
    size_t count, sum = 0;
    const struct mid_trace_event *const *e = mid_trace_in_order(t, &count);
    for (size_t i = 0; i < mid_trace_threads(t); i++) sum += mid_trace_thread_at(t, i)->events;
    require(sum == count, "threads have other events than the whole");
    for (size_t i = 1; i < count; i++) require(e[i - 1]->tick <= e[i]->tick, "out of order");
    mid_summary_add(&s, t);
  }
  mid_summary_end(&s);
  static FILE *out;
  if (out == NULL) out = fopen("/dev/null", "w");
  struct mid_report_style style = {.columns = 80};
  mid_page_text(&s, t, NULL, "trace", &style, out);
  mid_page_svg(&s, "trace", out);
  mid_summary_close(&s);
}

static void plan_all(struct mid_trace *t) {
  struct mid_planned planned;
  if (mid_plan_make(t, mid_plan_busiest(t), &planned) != NULL) return;
  const struct mid_plan *plan = planned.plan;
  const struct mid_plan_op *op = mid_plan_part(plan, plan->order_at);
  for (uint64_t i = 0; i < plan->ops; i++)
    require(op[i].slot < plan->slots, "an operation on no slot");
  mid_plan_close(&planned);
}

static void read_trace(const void *file, size_t bytes) {
  const char *why;
  struct mid_trace *t = mid_trace_parse(file, bytes, &why);
  require((t == NULL) == (why != NULL), "neither a trace nor a reason");
  if (t == NULL) return;
  read_all(t);
  plan_all(t);
  mid_trace_rewind(t, 1000);
  mid_trace_next(t);
  mid_trace_close(t);
}

static void read_frame(const uint8_t *in, size_t bytes) {
  static uint8_t file[1 << 18];
  static const uint8_t head[] = {0x50, 0x2a, 0x4d, 0x18, 16, 0, 0, 0};
  memcpy(file, head, sizeof head);
  memcpy(file + sizeof head, MID_TRACE_MAGIC, 12);
  memcpy(file + 20, "\1\0\0\0", 4);
  size_t n =
      ZSTD_compress(file + MID_TRACE_HEAD_BYTES, sizeof file - MID_TRACE_HEAD_BYTES, in, bytes, 1);
  if (!ZSTD_isError(n)) read_trace(file, MID_TRACE_HEAD_BYTES + n);
}

static int file_of(const void *in, size_t bytes) {
  int fd = memfd_create("fuzz", 0);
  require(fd >= 0 && write(fd, in, bytes) == (ssize_t)bytes, "no file in memory");
  return fd;
}

static void import(const uint8_t *in, size_t bytes) {
  uint64_t events, size;
  char path[64];
  int from = file_of(in, bytes), to = file_of("", 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", from);
  struct mid_writer *w = mid_writer_open(to);
  const char *why = mid_import(path, w, &events);
  require(mid_writer_close(w, &size) == 0, "the trace could not be written");
  uint8_t *file = malloc(size);
  require(file != NULL && pread(to, file, size, 0) == (ssize_t)size, "it is not there");
  if (why == NULL) read_trace(file, size);
  free(file);
  close(from);
  close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t bytes) {
  if (bytes == 0) return 0;
  uint8_t how = *in++ % 3;
  bytes--;
  if (how == 0) read_trace(in, bytes);
  if (how == 1) read_frame(in, bytes);
  if (how == 2) import(in, bytes);
  return 0;
}
