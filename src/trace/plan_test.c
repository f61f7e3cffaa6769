// trace/plan_test.c -- what a plan makes of a trace: slots, waits, lanes.
// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "test.h"
#include "trace/plan.h"
#include "trace/written_test.h"

static struct mid_planned planned;

static const char *plan(uint32_t process) {
  end();
  return mid_plan_make(t.trace, process, &planned);
}

static void plan_close(void) {
  mid_plan_close(&planned);
  mid_trace_close(t.trace);
}

// "0=5 -0 1~9+2": slot 0 gets 5 bytes and is freed; slot 1 gets 9, after its version is 2.
static const char *ops(uint64_t at, uint64_t count) {
  static char words[1024];
  const struct mid_plan_op *op = mid_plan_part(planned.plan, at);
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

static const char *in_order(void) { return ops(planned.plan->order_at, planned.plan->ops); }

static const struct mid_plan_thread *thread_at(uint32_t i) {
  const struct mid_plan_thread *thread = mid_plan_part(planned.plan, planned.plan->threads_at);
  return &thread[i];
}

static const char *of_thread(uint32_t i) {
  const struct mid_plan_thread *thread = thread_at(i);
  return ops(planned.plan->ops_at + thread->first * sizeof(struct mid_plan_op), thread->count);
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
  CHECK_EQ(planned.plan->slots, 2);
  CHECK_EQ(planned.live_peak, 76);
  CHECK_EQ(planned.births, 4);
  CHECK_EQ(planned.no_death, 1);
  plan_close();
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
  CHECK_EQ(planned.plan->lanes, 2);
  plan_close();
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
  CHECK_EQ(planned.plan->threads, 4);
  CHECK_EQ(planned.plan->lanes, 3);
  CHECK(thread_at(0)->lane == 0 && thread_at(0)->next == MID_PLAN_NONE);
  CHECK(thread_at(1)->lane == 1 && thread_at(1)->next == 2);
  CHECK(thread_at(2)->lane == 1 && thread_at(2)->next == MID_PLAN_NONE);
  CHECK(thread_at(3)->lane == 2);
  plan_close();
}

TEST(frees_without_a_birth_are_left_out_and_counted)
{
  begin();
  give(1, 1, 0x9000);
  birth(1, 2, 0x1000, 5);
  birth(1, 3, 0x1000, 6);  // its free was lost
  CHECK(plan(1) == NULL);
  CHECK_STR(in_order(), "0=5 -0 0=6");
  CHECK_EQ(planned.no_birth, 1);
  CHECK_EQ(mid_plan_busiest(t.trace), 1);
  plan_close();
}

TEST(a_process_without_allocations_has_no_plan)
{
  begin();
  birth(1, 2, 0x1000, 5);
  CHECK_STR(plan(2), "it has no allocations");
  CHECK(planned.plan == NULL && planned.fd == -1);
  plan_close();
}
