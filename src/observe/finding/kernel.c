// observe/finding/kernel.c -- the kernel is short of memory for this process: swap, reads from the
// disk, the limit of its cgroup.
// SPDX-License-Identifier: MIT
#include "observe/evidence.h"
#include "observe/finding_limits.h"
#include "observe/words.h"

static void kernel_find_limit(const struct mid_evidence *e, struct mid_findings *out) {
  uint64_t peak = e->figures.peak_rss;
  if (e->limit == 0 || (double)peak < MID_KERNEL_NEAR * (double)e->limit) return;
  struct mid_finding *f = mid_finding_add(out, "kernel", MID_LIKELY, NULL, (double)peak, 0);
  struct mid_words rss, limit;
  mid_finding_what(f, "%s were resident, of the %s that its cgroup may have",
                   mid_words_size(peak, &rss), mid_words_size(e->limit, &limit));
  mid_finding_why(f,
                  "when the limit is reached the kernel kills a process: its score here was %llu "
                  "of 2000, and the highest is chosen",
                  (unsigned long long)e->process->oom_score);
  mid_finding_advise(f,
                     "raise the limit, or run with --limit cgroup, so that malloc refuses before "
                     "the kernel kills");
}

static void kernel_find_swap(const struct mid_evidence *e, struct mid_findings *out) {
  uint64_t swapped = e->figures.swapped, faults = e->process->major_faults;
  if (swapped < MID_KERNEL_SWAP && faults < MID_KERNEL_FAULTS) return;
  bool swaps = swapped >= MID_KERNEL_SWAP;
  struct mid_finding *f = mid_finding_add(out, "kernel", swaps ? MID_LIKELY : MID_POSSIBLE, NULL,
                                          (double)swapped, (double)faults);
  struct mid_words size, count;
  mid_finding_what(f, "%s are swapped out; %s pages had to be read from a disk",
                   mid_words_size(swapped, &size), mid_words_count((double)faults, &count));
  mid_finding_why(f,
                  "by /proc/PID/stat and status; the first reading of a program's files counts as "
                  "well");
  mid_finding_advise(f,
                     "give the machine or the cgroup more memory, or let the process hold less: "
                     "each such page stops a thread for 0.1 ms or more");
}

static void kernel_find(const struct mid_evidence *e, struct mid_findings *out) {
  kernel_find_limit(e, out);
  kernel_find_swap(e, out);
}

const struct mid_finding_rule mid_rule_kernel = {
    .kind = "kernel",
    .source = "/proc/PID/{stat,status,oom_score}, the cgroup's limit",
    .find = kernel_find,
};
