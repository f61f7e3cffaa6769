// trace/plan_test.c -- what a plan makes of a trace: slots, waits, lanes.
// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"
#include "trace/births.h"
#include "trace/plan.h"

static struct {
  int fd;
  struct mid_writer *writer;
  struct mid_births births;
  unsigned char bytes[1 << 16];
  struct mid_trace *trace;
  struct mid_planned planned;
} t;

static void begin(void) {
  t.fd = memfd_create("trace", 0);
  CHECK(t.fd >= 0);
  t.writer = mid_writer_open(t.fd);
  t.births = mid_births_open(t.writer, mid_writer_process(t.writer, 42, 1, "program"));
}

static const char *plan(uint32_t process) {
  uint64_t size;
  const char *why;
  mid_births_close(&t.births);
  CHECK_EQ(mid_writer_close(t.writer, &size), 0);
  CHECK_EQ(pread(t.fd, t.bytes, sizeof t.bytes, 0), size);
  close(t.fd);
  t.trace = mid_trace_parse(t.bytes, size, &why);
  CHECK(t.trace != NULL);
  return mid_plan_make(t.trace, process, &t.planned);
}

static void end(void) {
  mid_plan_close(&t.planned);
  mid_trace_close(t.trace);
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

// "0=5 -0 1~9+2": slot 0 gets 5 bytes and is freed; slot 1 gets 9, after its version is 2.
static const char *ops(uint64_t at, uint64_t count) {
  static char words[1024];
  const struct mid_plan_op *op = mid_plan_part(t.planned.plan, at);
  size_t used = 0;
  words[0] = 0;
  for (uint64_t i = 0; i < count; i++) {
    const char *space = i > 0 ? " " : "";
    bool dies = op[i].kind == MID_PLAN_FREE, resized = op[i].kind == MID_PLAN_RESIZE;
    used += (size_t)snprintf(words + used, 32, "%s%s%u", space, dies ? "-" : "", op[i].slot);
    if (!dies)
      used +=
          (size_t)snprintf(words + used, 32, "%s%u", resized ? "~" : "=", (unsigned)op[i].bytes);
    if (op[i].need != 0) used += (size_t)snprintf(words + used, 32, "+%u", op[i].need);
  }
  return words;
}

static const char *in_order(void) { return ops(t.planned.plan->order_at, t.planned.plan->ops); }

static const struct mid_plan_thread *thread_at(uint32_t i) {
  const struct mid_plan_thread *thread = mid_plan_part(t.planned.plan, t.planned.plan->threads_at);
  return &thread[i];
}

static const char *of_thread(uint32_t i) {
  const struct mid_plan_thread *thread = thread_at(i);
  return ops(t.planned.plan->ops_at + thread->first * sizeof(struct mid_plan_op), thread->count);
}

TEST(a_thread_uses_the_slots_of_its_own_blocks_again)
{
  begin();
  birth(1, 1, 0x1000, 5);
  birth(1, 2, 0x2000, 6);
  give(1, 3, 0x1000);
  birth(1, 4, 0x3000, 7);
  resize(1, 5, 0x3000, 0x4000, 70);
  give(1, 6, 0x4000);
  give(1, 7, 0x2000);
  birth(1, 8, 0x5000, 8);
  CHECK(plan(1) == NULL);
  CHECK_STR(in_order(), "0=5 1=6 -0 0=7 0~70 -0 -1 1=8");
  CHECK_STR(of_thread(0), in_order());
  CHECK_EQ(t.planned.plan->slots, 2);
  CHECK_EQ(t.planned.live_peak, 76);
  CHECK_EQ(t.planned.births, 4);
  CHECK_EQ(t.planned.no_death, 1);
  end();
}

TEST(who_takes_over_a_block_waits_for_all_that_was_done_to_it)
{
  begin();
  birth(1, 1, 0x1000, 5);
  give(1, 2, 0x1000);
  birth(1, 3, 0x1000, 6);  // the slot's second
  resize(2, 4, 0x1000, 0x2000, 60);
  give(1, 9, 0x2000);
  birth(1, 10, 0x1000, 7);
  birth(2, 11, 0x3000, 8);
  give(1, 12, 0x3000);
  birth(2, 13, 0x4000, 9);
  CHECK(plan(1) == NULL);
  // Slots that were passed are nobody's afterwards.
  CHECK_STR(in_order(), "0=5 -0 0=6 0~60+2 -0+3 1=7 2=8 -2+1 3=9");
  CHECK_STR(of_thread(0), "0=5 -0 0=6 -0+3 1=7 -2+1");
  CHECK_STR(of_thread(1), "0~60+2 2=8 3=9");
  CHECK_EQ(t.planned.plan->lanes, 2);
  end();
}

TEST(a_thread_follows_one_that_had_ended)
{
  begin();
  birth(1, 1, 0x1000, 1);
  birth(2, 2, 0x2000, 2);
  birth(2, 5, 0x3000, 3);
  birth(3, 6, 0x4000, 4);
  birth(4, 7, 0x5000, 5);
  birth(3, 8, 0x6000, 6);
  birth(1, 9, 0x7000, 7);
  CHECK(plan(1) == NULL);
  CHECK_EQ(t.planned.plan->threads, 4);
  CHECK_EQ(t.planned.plan->lanes, 3);
  CHECK(thread_at(0)->lane == 0 && thread_at(0)->next == MID_PLAN_NONE);
  CHECK(thread_at(1)->lane == 1 && thread_at(1)->next == 2);
  CHECK(thread_at(2)->lane == 1 && thread_at(2)->next == MID_PLAN_NONE);
  CHECK(thread_at(3)->lane == 2);
  end();
}

TEST(frees_without_a_birth_are_left_out_and_counted)
{
  begin();
  give(1, 1, 0x9000);
  birth(1, 2, 0x1000, 5);
  birth(1, 3, 0x1000, 6);  // its free was lost
  CHECK(plan(1) == NULL);
  CHECK_STR(in_order(), "0=5 -0 0=6");
  CHECK_EQ(t.planned.no_birth, 1);
  CHECK_EQ(mid_plan_busiest(t.trace), 1);
  end();
}

TEST(a_process_without_allocations_has_no_plan)
{
  begin();
  birth(1, 2, 0x1000, 5);
  CHECK_STR(plan(2), "it has no allocations");
  CHECK(t.planned.plan == NULL && t.planned.fd == -1);
  end();
}
