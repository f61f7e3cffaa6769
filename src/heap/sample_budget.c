// heap/sample_budget.c -- see sample_budget.h.
// SPDX-License-Identifier: MIT
//
// With each 0.6 ms that is spent the mean doubles, until it is what is wanted: so however long the
// program runs, its first half has as many samples as its second, and a block in a million is seen
// early.
//
//   spent      0 ms      1.5 ms    2.1 ms    2.7 ms
//   mean       1         16        32        64   ...
//
// A bucket of time, full at first, is filled by a share of the processor time and emptied by
// samples.  Once it is empty the mean doubles sooner, and past what is wanted; while there is
// something in it, the mean of a program that mostly waits halves whenever samples come more slowly
// than 50 a second: a service of few requests is seen as well as a busy one.
#include "heap/sample_budget.h"

#include "base/bits.h"
#include "base/check.h"
#include "os/os.h"

enum {
  FULL_NS = 10000000,        // what a process spends first
  DENSE_NS = 1500000,        // of it, with every allocation
  STEP_NS = 600000,          // and then until the mean doubles ...
  OVER_NS = 250000,          // ... once there is nothing left
  SHARE_PER_MILLE = 15,      // of the processor time, for good
  LOOK_SAMPLES = 64,         // between two looks at the clock, a system call
  LOOK_NS = 250000,          // or so much spent, or
  LOOK_LATE_NS = 100000000,  // so much time gone by
  AROUND_TICKS = 1000,  // what a sample costs before and after, and once more what is measured:
                        // slow paths, locks, what the caches lose
  SLOW_NS = 20000000,   // from one sample to the next: then the mean halves
  LEAST_LOG = 4,        // no block is smaller
  MOST_LOG = 28,
  ONE_TICKS = 200000,  // no sample takes longer: somebody else ran meanwhile
};

_Atomic uint32_t mid_sample_log = MID_SAMPLE_OFF;

static struct {
  uint32_t wanted_log;
  int64_t credit, until;         // ns: to be spent; of that, until the mean doubles
  uint64_t spent, looked_spent;  // ticks
  uint32_t samples;              // since the last look
  uint64_t ticks, ns, cpu_ns;    // at the last look
  double ns_per_tick;
} budget;

static void budget_log_set(uint32_t log) {
  atomic_store_explicit(&mid_sample_log, log, memory_order_relaxed);
}

static void budget_clocks_read(void) {
  budget.ticks = mid_os_ticks();
  budget.ns = mid_os_nanoseconds();
  budget.cpu_ns = mid_os_cpu_nanoseconds();
}

void mid_sample_budget_start(uint64_t wanted) {
  budget.wanted_log = mid_log2(wanted);
  budget.credit = FULL_NS;
  budget.until = DENSE_NS;
  budget.ns_per_tick = 0.4;  // until it is known
  budget_log_set(0);
}

MID_RARELY void mid_sample_budget_forked(void) {
  budget.credit = budget.until = STEP_NS;
  budget.spent = budget.looked_spent = budget.ticks = 0;
}

static void budget_raise_mean(void) {
  uint32_t log = mid_sample_log_now();
  bool over = budget.credit < 0;
  budget.until = over ? OVER_NS : STEP_NS;
  if (log >= (over ? MOST_LOG : budget.wanted_log)) return;
  budget_log_set((uint32_t)mid_max(log + 1, mid_min(LEAST_LOG, budget.wanted_log)));
}

// There is time to spare: samples may be twice as dense, if the table has room for them.
static void budget_lower_mean(uint64_t live, uint64_t most) {
  uint32_t log = mid_sample_log_now();
  if (budget.credit <= 0 || log == 0 || live > most / 4) return;
  budget_log_set(log <= LEAST_LOG ? 0 : log - 1);
}

static void budget_look(uint64_t live, uint64_t most) {
  uint64_t ticks = budget.ticks, ns = budget.ns, cpu_ns = budget.cpu_ns;
  int64_t spent = (int64_t)((double)(budget.spent - budget.looked_spent) * budget.ns_per_tick);
  budget_clocks_read();
  uint64_t slow = budget.samples * (uint64_t)SLOW_NS;
  budget.looked_spent = budget.spent;
  budget.samples = 0;
  budget.credit -= spent;
  if (budget.until < 0) budget_raise_mean();
  if (ticks == 0) return;  // the first look only knows where it stands
  if (budget.ns - ns > LOOK_NS / 8)
    budget.ns_per_tick = (double)(budget.ns - ns) / (double)(budget.ticks - ticks);
  uint64_t gone = budget.ns - ns, worked = budget.cpu_ns - cpu_ns;
  budget.credit += (int64_t)(worked / 1000 * SHARE_PER_MILLE);
  if (budget.credit > FULL_NS) budget.credit = FULL_NS;
  if (gone > slow && worked < gone / 2) budget_lower_mean(live, most);
}

bool mid_sample_budget_spend(uint64_t ticks, bool now, uint64_t live, uint64_t most) {
  ticks = 2 * mid_min(ticks, ONE_TICKS) + AROUND_TICKS;
  budget.spent += ticks;
  // A larger mean makes no old one cheaper.
  if (now) budget.until -= (int64_t)((double)ticks * budget.ns_per_tick);
  double since = (double)(budget.spent - budget.looked_spent) * budget.ns_per_tick;
  double gone = (double)(mid_os_ticks() - budget.ticks) * budget.ns_per_tick;
  if (++budget.samples >= LOOK_SAMPLES || since > LOOK_NS || gone > LOOK_LATE_NS)
    budget_look(live, most);
  if (live < most / 2 + most / 4) return false;
  uint32_t log = mid_sample_log_now();
  if (log < MOST_LOG) budget_log_set((uint32_t)mid_max(log + 1, LEAST_LOG));
  return true;
}

uint64_t mid_sample_budget_spent(void) { return budget.spent; }

void mid_sample_budget_clock(uint64_t *ticks, uint64_t *ns) {
  *ticks = budget.ticks;
  *ns = budget.ns;
}
