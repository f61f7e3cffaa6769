// heap/sample_budget.c -- see sample_budget.h.
// SPDX-License-Identifier: MIT
//
// A bucket of time: full at first, filled by a share of the processor time, emptied by samples.
// While it empties, the mean doubles at each level that is passed; as it fills, the mean falls.
//
//   10 ms |----------- the mean is 1, every allocation
//    8 ms |-- 16
//    7 ms |-- 32
//         |   ...
//    0    |-- doubles at each budget_look
#include "heap/sample_budget.h"

#include "base/bits.h"
#include "base/check.h"
#include "os/os.h"

enum {
  FULL_NS = 10000000,    // what a process spends first
  DENSE_NS = 2000000,    // of it, with every allocation
  LEVEL_NS = 1000000,    // and then for each doubling ...
  OVER_NS = 250000,      // ... once there is nothing left
  SHARE_PER_MILLE = 15,  // of the processor time, for good
  LOOK_SAMPLES = 64,     // between two looks at the clock, a system call
  LOOK_NS = 250000,      // or so much spent
  AROUND_TICKS = 300,    // what a sample costs outside of what is measured: a slow path, a lock
  LOWER_NS = 100000000,  // processor time between two falls of the mean
  LEAST_LOG = 4,         // no block is smaller
  MOST_LOG = 40,
};

_Atomic uint32_t mid_sample_log = MID_SAMPLE_OFF;

static struct {
  uint32_t wanted_log;
  int64_t credit, level;         // ns
  uint64_t spent, looked_spent;  // ticks
  uint32_t samples;              // since the last budget_look
  uint64_t ticks, ns, cpu_ns;    // at the last budget_look
  uint64_t changed_cpu_ns;
  double ns_per_tick;
} budget;

static void budget_log_set(uint32_t log) {
  atomic_store_explicit(&mid_sample_log, log, memory_order_relaxed);
  budget.changed_cpu_ns = budget.cpu_ns;
}

MID_RARELY static void budget_clocks_read(void) {
  budget.ticks = mid_os_ticks();
  budget.ns = mid_os_nanoseconds();
  budget.cpu_ns = mid_os_cpu_nanoseconds();
}

MID_RARELY void mid_sample_budget_start(uint64_t wanted) {
  budget.wanted_log = mid_log2(wanted);
  budget.credit = FULL_NS;
  budget.level = FULL_NS - DENSE_NS;
  budget.ns_per_tick = 0.4;  // until it is known
  budget_log_set(0);
}

MID_RARELY void mid_sample_budget_forked(void) {
  budget.credit = budget.level = LEVEL_NS;
  budget.spent = budget.looked_spent = budget.ticks = 0;
}

static void budget_raise_mean(void) {
  uint32_t log = mid_sample_log_now();
  bool over = budget.credit < 0;
  budget.level = budget.credit - (over ? OVER_NS : LEVEL_NS);
  if (log >= (over ? MOST_LOG : budget.wanted_log)) return;
  budget_log_set((uint32_t)mid_max(log + 1, mid_min(LEAST_LOG, budget.wanted_log)));
}

// There is time to spare: samples may be twice as dense, if the table has room for them.
static void budget_lower_mean(uint64_t live, uint64_t most) {
  uint32_t log = mid_sample_log_now();
  bool spare = budget.credit == FULL_NS || (log > budget.wanted_log && budget.credit > 0);
  if (!spare || log == 0 || live > most / 4) return;
  if (budget.cpu_ns - budget.changed_cpu_ns < LOWER_NS) return;
  budget_log_set(log <= LEAST_LOG ? 0 : log - 1);
  budget.level = budget.credit - LEVEL_NS;
}

MID_RARELY static void budget_look(uint64_t live, uint64_t most) {
  uint64_t ticks = budget.ticks, ns = budget.ns, cpu_ns = budget.cpu_ns;
  budget_clocks_read();
  // The first budget_look only knows where it stands.
  if (ticks != 0) {
    if (budget.ns - ns > LOOK_NS / 8)
      budget.ns_per_tick = (double)(budget.ns - ns) / (double)(budget.ticks - ticks);
    budget.credit += (int64_t)((budget.cpu_ns - cpu_ns) / 1000 * SHARE_PER_MILLE);
  }
  budget.credit -= (int64_t)((double)(budget.spent - budget.looked_spent) * budget.ns_per_tick);
  budget.looked_spent = budget.spent;
  budget.samples = 0;
  if (budget.credit > FULL_NS) budget.credit = FULL_NS;
  if (budget.credit < budget.level)
    budget_raise_mean();
  else
    budget_lower_mean(live, most);
}

bool mid_sample_budget_spend(uint64_t ticks, uint64_t live, uint64_t most) {
  budget.spent += ticks + AROUND_TICKS;
  double since = (double)(budget.spent - budget.looked_spent) * budget.ns_per_tick;
  if (++budget.samples >= LOOK_SAMPLES || since > LOOK_NS) budget_look(live, most);
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
